package sim

import (
	"fmt"
	"net"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// backlog is how many connections may wait to be accepted, unless a listener says otherwise.
const backlog = 4096

// The range of ports for sockets that do not ask for one.
const firstEphemeral, lastEphemeral = 49152, 65535

// sockets are the descriptors of a host, and what is bound to its addresses.
type sockets struct {
	fds       []*desc // by FD; nil where closed
	opened    int
	lowest    int // no number below it is free
	listeners map[string]*desc
	lastPort  int
}

// desc is a simulated descriptor: a listening socket or one end of a stream.
type desc struct {
	host  *Host
	boot  int // the host's boots when it was made
	fd    host.FD
	by    *machine // that watches it
	want  host.Interest
	edge  host.Ready // not reported yet
	local net.Addr
	peer  net.Addr
	id    uint64 // for events
	tie   uint64 // for what it sends

	listening bool
	queue     []*desc // of a listener: connections to accept
	backlog   int     // how many of them at most
	shares    bool    // its address, with next
	next      *desc
	set       host.Settings
	stream
	packets
}

// lost reports whether the host has lost its power since: it does not know the descriptor any more.
func (d *desc) lost() bool { return d.boot != d.host.boots }

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

// at returns the descriptor with a number, or nil.
func (h *Host) at(fd host.FD) *desc {
	if fd < 0 || int(fd) >= len(h.fds) {
		return nil
	}
	return h.fds[fd]
}

func (m *machine) get(fd host.FD) (*desc, error) {
	if m.dead {
		return nil, syscall.ENETDOWN
	}
	if d := m.host.at(fd); d != nil {
		return d, nil
	}
	return nil, syscall.EBADF
}

// room says why no descriptor can be opened.
func (m *machine) room(n int) error {
	switch {
	case m.dead:
		return syscall.ENETDOWN
	case m.host.most > 0 && m.host.opened+n > m.host.most:
		m.tracef("no descriptor is left")
		return syscall.EMFILE
	}
	return nil
}

func (h *Host) newDesc() *desc { return &desc{host: h, boot: h.boots, fd: -1} }

// open gives d the lowest free number, as a Unix system does.
func (h *Host) open(d *desc) host.FD {
	h.opened++
	for h.lowest < len(h.fds) && h.fds[h.lowest] != nil {
		h.lowest++
	}
	if h.lowest == len(h.fds) {
		h.fds = append(h.fds, nil)
	}
	d.fd = host.FD(h.lowest)
	h.fds[d.fd] = d
	return d.fd
}

func (m *machine) Listen(addr net.Addr, set host.Settings) (host.FD, error) {
	if err := m.room(1); err != nil {
		return 0, err
	}
	h := m.host
	if h.reach(addr) != h {
		return 0, syscall.EADDRNOTAVAIL
	}
	addr = h.numbered(addr)
	d := h.newDesc()
	d.local, d.listening, d.backlog, d.shares, d.set = addr, true, backlog, set.ReusePort, set
	if set.Backlog > 0 {
		d.backlog = set.Backlog
	}
	for other := h.listenerAt(addr); other != nil; other = other.next {
		if !d.shares || !other.shares {
			return 0, syscall.EADDRINUSE
		}
	}
	d.next = h.listeners[addr.String()]
	h.listeners[addr.String()] = d
	m.tracef("listen fd=%d %v", h.open(d), addr)
	return d.fd, nil
}

// numbered gives an address a port, if it has none.
func (h *Host) numbered(addr net.Addr) net.Addr {
	if a, ok := addr.(*net.TCPAddr); ok && a.Port == 0 {
		return &net.TCPAddr{IP: a.IP, Port: h.ephemeral(), Zone: a.Zone}
	}
	return addr
}

func (h *Host) ephemeral() int {
	for range lastEphemeral - firstEphemeral + 1 {
		if h.lastPort++; h.lastPort > lastEphemeral {
			h.lastPort = firstEphemeral
		}
		if h.listenerAt(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: h.lastPort}) == nil {
			break
		}
	}
	return h.lastPort
}

// listenerAt finds the listener at addr, or at its port on every address.
func (h *Host) listenerAt(addr net.Addr) *desc {
	if d := h.listeners[addr.String()]; d != nil {
		return d
	}
	if a, ok := addr.(*net.TCPAddr); ok {
		for _, all := range []net.IP{net.IPv4zero, net.IPv6unspecified} {
			if d := h.listeners[(&net.TCPAddr{IP: all, Port: a.Port}).String()]; d != nil {
				return d
			}
		}
	}
	return nil
}

func (m *machine) LocalAddr(fd host.FD, _ bool) net.Addr {
	if d, err := m.get(fd); err == nil {
		return host.CloneAddr(d.local)
	}
	return nil
}

func (m *machine) PeerAddr(fd host.FD, _ bool) net.Addr {
	if d, err := m.get(fd); err == nil && !d.gone {
		return host.CloneAddr(d.peer)
	}
	return nil
}

func (m *machine) ResetFD(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	if d.other != nil && d.err == nil {
		d.reset()
		d.shut = true
	}
	return m.CloseFD(fd)
}

func (m *machine) CloseFD(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	m.tracef("close fd=%d", fd)
	m.host.close(d)
	return nil
}

// close is what the system does when the last reference to a descriptor is gone.
func (h *Host) close(d *desc) {
	d.unlevel()
	h.fds[d.fd] = nil
	h.lowest = min(h.lowest, int(d.fd))
	h.opened--
	d.want, d.edge = 0, 0
	switch {
	case d.datagram:
		d.closed = true
		if h.listeners[packetKey(d.local)] == d {
			delete(h.listeners, packetKey(d.local))
		}
	case d.listening:
		h.unlisten(d)
		for _, c := range d.queue {
			c.hangUp()
		}
	default:
		d.hangUp()
	}
}

// unlisten removes a listener from its address, and leaves others there.
func (h *Host) unlisten(d *desc) {
	key := d.local.String()
	first := h.listeners[key]
	if first != d {
		for first.next != d {
			first = first.next
		}
		first.next = d.next
	} else if h.listeners[key] = d.next; d.next == nil {
		delete(h.listeners, key)
	}
}

func (d *desc) String() string { return fmt.Sprintf("fd %d", d.fd) }
