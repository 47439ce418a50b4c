package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// backlog is how many connections may wait to be accepted, unless a listener says otherwise.
const backlog = 4096

// The range of ports for sockets that do not ask for one.
const firstEphemeral, lastEphemeral = 49152, 65535

// desc is a simulated descriptor: a listening socket or one end of a stream.
type desc struct {
	fd    host.FD
	want  host.Interest
	edge  host.Ready // not reported yet
	local net.Addr
	peer  net.Addr

	listening bool
	queue     []*desc // of a listener: connections to accept
	backlog   int     // how many of them at most
	shares    bool    // its address, with next
	next      *desc
	stream
	packets
}

// wanted returns what is watched, and Hangup, which is always reported.
func (d *desc) wanted() host.Ready {
	r := host.Hangup
	if d.want&host.Read != 0 {
		r |= host.Readable
	}
	if d.want&host.Write != 0 {
		r |= host.Writable
	}
	return r
}

// level returns what is ready now.
func (d *desc) level() (r host.Ready) {
	if d.listening {
		if len(d.queue) > 0 {
			r |= host.Readable
		}
		return r
	}
	if d.datagram {
		r = host.Writable
		if len(d.arrived) > 0 || d.err != nil {
			r |= host.Readable
		}
		return r
	}
	return d.stream.level()
}

func (m machine) get(fd host.FD) (*desc, error) {
	if fd < 0 || int(fd) >= len(m.fds) || m.fds[fd] == nil {
		return nil, syscall.EBADF
	}
	return m.fds[fd], nil
}

// open gives d the lowest free number, as a Unix system does.
func (w *World) open(d *desc) host.FD {
	for i, old := range w.fds {
		if old == nil {
			w.fds[i] = d
			d.fd = host.FD(i)
			return d.fd
		}
	}
	d.fd = host.FD(len(w.fds))
	w.fds = append(w.fds, d)
	return d.fd
}

func (m machine) Resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if addrs, err := host.Literal(network, address); addrs != nil || err != nil {
		return addrs, err
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, &net.AddrError{Err: "invalid port", Addr: address}
	}
	var ips []netip.Addr
	for _, s := range m.config.names[name] {
		ips = append(ips, netip.MustParseAddr(s)) // Name has checked it
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return host.Addresses(network, name, ips, port)
}

func (m machine) Listen(addr net.Addr, set host.Settings) (host.FD, error) {
	addr = m.numbered(addr)
	d := &desc{local: addr, listening: true, backlog: backlog, shares: set.ReusePort}
	if set.Backlog > 0 {
		d.backlog = set.Backlog
	}
	for other := m.listenerAt(addr); other != nil; other = other.next {
		if !d.shares || !other.shares {
			return 0, syscall.EADDRINUSE
		}
	}
	d.next = m.listeners[addr.String()]
	m.listeners[addr.String()] = d
	m.tracef("listen fd=%d %v", m.open(d), addr)
	return d.fd, nil
}

// numbered gives an address a port, if it has none.
func (w *World) numbered(addr net.Addr) net.Addr {
	if a, ok := addr.(*net.TCPAddr); ok && a.Port == 0 {
		return &net.TCPAddr{IP: a.IP, Port: w.ephemeral(), Zone: a.Zone}
	}
	return addr
}

func (w *World) ephemeral() int {
	for range lastEphemeral - firstEphemeral + 1 {
		if w.lastPort++; w.lastPort > lastEphemeral {
			w.lastPort = firstEphemeral
		}
		if w.listenerAt(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: w.lastPort}) == nil {
			break
		}
	}
	return w.lastPort
}

// listenerAt finds the listener at addr, or at its port on every address.
func (w *World) listenerAt(addr net.Addr) *desc {
	if d := w.listeners[addr.String()]; d != nil {
		return d
	}
	if a, ok := addr.(*net.TCPAddr); ok {
		for _, all := range []net.IP{net.IPv4zero, net.IPv6unspecified} {
			if d := w.listeners[(&net.TCPAddr{IP: all, Port: a.Port}).String()]; d != nil {
				return d
			}
		}
	}
	return nil
}

func (m machine) Connect(addr net.Addr, set host.Settings) (host.FD, error) {
	local := net.Addr(&net.UnixAddr{Name: "@", Net: "unix"}) // Go's name for an unnamed one
	if e, ok := host.EndpointOf(addr); ok {
		addr = e.Reached().Addr()
	}
	if a, ok := addr.(*net.TCPAddr); ok {
		local = &net.TCPAddr{IP: a.IP, Port: m.ephemeral(), Zone: a.Zone}
	}
	if set.Local != nil {
		local = m.numbered(set.Local)
	}
	client := &desc{local: local, peer: addr}
	m.tracef("connect fd=%d %v", m.open(client), addr)
	m.at(m.now+m.latency(), func() { m.arrive(client) })
	return client.fd, nil
}

// arrive is called when a connection attempt reaches its address.
func (w *World) arrive(client *desc) {
	if a, ok := client.peer.(*net.TCPAddr); client.closed || ok && w.config.silent[a.IP.String()] {
		return
	}
	l := w.listenerAt(client.peer)
	for l != nil && l.next != nil && w.rng.IntN(2) == 0 {
		l = l.next // chooses among those that share the address
	}
	if l == nil || len(l.queue) >= l.backlog {
		w.at(w.now+w.latency(), func() {
			client.err = syscall.ECONNREFUSED
			w.raise(client, host.Writable|host.Hangup)
		})
		return
	}
	server := &desc{fd: -1, local: client.peer, peer: client.local}
	server.connected = true
	client.join(server)
	l.queue = append(l.queue, server)
	w.raise(l, host.Readable)
	w.send(server, func(to *desc) { // ahead of everything the server sends
		to.connected = true
		w.raise(to, host.Writable)
	})
}

func (m machine) ConnectError(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	err = d.err
	d.err = nil
	m.tracef("connected fd=%d %v", fd, err)
	return err
}

func (m machine) Accept(fd host.FD) (host.Accepted, error) {
	l, err := m.get(fd)
	if err != nil {
		return host.Accepted{}, err
	}
	if !l.listening {
		return host.Accepted{}, syscall.EINVAL
	}
	if len(l.queue) == 0 {
		return host.Accepted{}, host.ErrAgain
	}
	d := l.queue[0]
	l.queue = l.queue[1:]
	m.tracef("accept fd=%d new=%d %v", fd, m.open(d), d.peer)
	if peer, ok := host.EndpointOf(d.peer); ok {
		return host.Accepted{FD: d.fd, Peer: peer}, nil
	}
	return host.Accepted{FD: d.fd, Other: host.CloneAddr(d.peer)}, nil
}

func (m machine) LocalAddr(fd host.FD, _ bool) net.Addr {
	if d, err := m.get(fd); err == nil {
		return host.CloneAddr(d.local)
	}
	return nil
}

func (m machine) PeerAddr(fd host.FD, _ bool) net.Addr {
	if d, err := m.get(fd); err == nil && !d.gone {
		return host.CloneAddr(d.peer)
	}
	return nil
}

func (m machine) ResetFD(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	if d.other != nil && d.err == nil {
		m.reset(d)
		d.shut = true
	}
	return m.CloseFD(fd)
}

func (m machine) CloseFD(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	m.tracef("close fd=%d", fd)
	m.unlevel(d)
	m.fds[fd] = nil
	d.want, d.edge = 0, 0
	if d.datagram {
		d.closed = true
		delete(m.listeners, packetKey(d.local))
		return nil
	}
	if d.listening {
		m.unlisten(d)
		for _, c := range d.queue {
			m.hangUp(c)
		}
		return nil
	}
	m.hangUp(d)
	return nil
}

// unlisten removes a listener from its address, and leaves others there.
func (w *World) unlisten(d *desc) {
	key := d.local.String()
	first := w.listeners[key]
	if first != d {
		for first.next != d {
			first = first.next
		}
		first.next = d.next
	} else if w.listeners[key] = d.next; d.next == nil {
		delete(w.listeners, key)
	}
}

func (d *desc) String() string { return fmt.Sprintf("fd %d", d.fd) }
