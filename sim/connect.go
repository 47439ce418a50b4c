package sim

import (
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// An attempt to connect that is not answered is repeated after 1 s, 2 s, 4 s and so on, and fails
// after the sixth time (Linux: tcp_syn_retries), 127 s after the first.
const (
	firstRetry = time.Second
	retries    = 6
)

func (m *machine) Connect(addr net.Addr, set host.Settings) (host.FD, error) {
	if err := m.room(1); err != nil {
		return 0, err
	}
	h := m.host
	local := net.Addr(&net.UnixAddr{Name: "@", Net: "unix"}) // Go's name for an unnamed one
	if e, ok := host.EndpointOf(addr); ok {
		addr = e.Reached().Addr()
	}
	if a, ok := addr.(*net.TCPAddr); ok {
		local = &net.TCPAddr{IP: h.source(a.IP), Port: h.ephemeral(), Zone: a.Zone}
	}
	if set.Local != nil {
		local = h.numbered(set.Local)
	}
	client := h.newDesc()
	client.local, client.peer, client.set, client.by = local, addr, set, m
	client.id = h.message()
	m.tracef("connect fd=%d %v", h.open(client), addr)
	to := h.reach(addr)
	if to != nil {
		client.tie = m.link(h, to).tie()
	}
	client.attempt(to, m.local(), 0)
	return client.fd, nil
}

// attempt sends a request to connect.
func (d *desc) attempt(to *Host, now time.Duration, tries int) {
	h, w := d.host, d.host.world
	d.notify(Sent, now, to, "an attempt to connect")
	if to == nil { // nobody has the address
		d.again(to, now, tries)
		return
	}
	a, ok := d.peer.(*net.TCPAddr)
	silent := ok && w.config.silent[a.IP.String()]
	l, early := w.link(h, to), now > w.now
	w.atFor(d.tie, l.arrival(now, 0), func() {
		if d.closed || d.err != nil || d.lost() || early && d.tooLate(now) {
			return
		}
		if silent || l.cut || to.dark || to.ignores(h) || !to.arrive(d) {
			d.notify(Lost, w.now, to, "an attempt to connect")
			d.again(to, now, tries)
		}
	})
}

// again repeats an attempt to connect that was not answered. On the host without a name it is not,
// and such an attempt never ends.
func (d *desc) again(to *Host, sent time.Duration, tries int) {
	h, w := d.host, d.host.world
	if h.name == "" {
		return
	}
	next := sent + firstRetry<<tries
	w.atFor(d.tie, next, func() {
		switch {
		case d.closed || d.connected || d.broken || d.err != nil || d.lost() || h.down:
		case tries == retries:
			d.fail(syscall.ETIMEDOUT)
		default:
			d.attempt(to, next, tries+1)
		}
	})
}

// ignores reports whether a fault keeps attempts of another host from being answered.
func (h *Host) ignores(from *Host) bool {
	for _, f := range h.unanswered {
		if f.Peer == "" || f.Peer == from.name {
			return true
		}
	}
	return false
}

// arrive is called when an attempt to connect reaches its host. It returns false when that takes no
// notice: a full backlog does so on Linux. The host without a name refuses instead, so that a test
// of one program needs no retries.
func (h *Host) arrive(client *desc) bool {
	w := h.world
	l := h.listenerAt(client.peer)
	back := w.link(h, client.host)
	for l != nil && l.next != nil && back.rng.IntN(2) == 0 {
		l = l.next // chooses among those that share the address
	}
	full := l != nil && (len(l.queue) >= l.backlog || h.backlog >= 0 && len(l.queue) >= h.backlog)
	if full && h.name != "" {
		return false
	}
	if l == nil || full {
		if back.cut {
			return false
		}
		client.notify(Arrived, w.now, h, "an attempt to connect, refused")
		w.atFor(client.tie, back.arrival(w.now, 0), func() {
			client.err, client.broken = syscall.ECONNREFUSED, true
			client.raise(host.Writable | host.Hangup)
		})
		return true
	}
	server := h.newDesc()
	server.local, server.peer, server.id, server.set = client.peer, client.local, client.id, l.set
	server.tie = back.tie()
	server.connected = true
	client.join(server)
	l.queue = append(l.queue, server)
	l.raise(host.Readable)
	client.notify(Arrived, w.now, h, "an attempt to connect")
	server.send("an answer to connect", nil, func(to *desc) { // ahead of everything the server sends
		to.connected = true
		to.raise(host.Writable)
	})
	return true
}

func (m *machine) ConnectError(fd host.FD) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	err = d.err
	d.err = nil
	m.tracef("connected fd=%d %v", fd, err)
	return err
}

func (m *machine) Accept(fd host.FD) (host.Accepted, error) {
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
	if m.room(1) != nil {
		d.hangUp()
		return host.Accepted{}, host.ErrShed
	}
	d.by = m
	m.tracef("accept fd=%d new=%d %v", fd, m.host.open(d), d.peer)
	if peer, ok := host.EndpointOf(d.peer); ok {
		return host.Accepted{FD: d.fd, Peer: peer}, nil
	}
	return host.Accepted{FD: d.fd, Other: host.CloneAddr(d.peer)}, nil
}
