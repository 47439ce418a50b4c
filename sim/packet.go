package sim

import (
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// maxPacket is the length of the longest datagram, in bytes, as in UDP over IPv4, and maxQueued how
// many can wait to be read; more are lost.
const (
	maxPacket = 65507
	maxQueued = 256
)

// packets is the datagram half of a descriptor.
type packets struct {
	datagram bool
	arrived  []packet
	groups   []net.IP // joined by this socket
}

type packet struct {
	from net.Addr
	data []byte
}

func packetKey(addr net.Addr) string { return addr.Network() + " " + addr.String() }

func (m *machine) OpenPacket(local, remote net.Addr, _ host.Settings) (host.FD, error) {
	h := m.host
	if err := m.room(1); err != nil {
		return 0, err
	}
	switch {
	case local == nil && remote.Network() != "udp":
		local = &net.UnixAddr{Net: "unixgram"}
	case local == nil:
		local = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
		if u, ok := remote.(*net.UDPAddr); ok && h.name != "" {
			local = &net.UDPAddr{IP: h.source(u.IP)}
		}
	case !isGroup(local) && h.reach(local) != h:
		return 0, syscall.EADDRNOTAVAIL
	}
	if a, ok := local.(*net.UDPAddr); ok && a.Port == 0 {
		local = &net.UDPAddr{IP: a.IP, Port: h.ephemeral(), Zone: a.Zone}
	}
	if h.listeners[packetKey(local)] != nil {
		return 0, syscall.EADDRINUSE
	}
	d := h.newDesc()
	d.local, d.peer, d.datagram, d.by = local, remote, true, m
	if local.String() != "" && !isGroup(local) { // a group has members instead
		h.listeners[packetKey(local)] = d
	}
	m.tracef("packet fd=%d %v %v", h.open(d), local, remote)
	return d.fd, nil
}

func (m *machine) TryReadFrom(fd host.FD, b []byte) (n int, from net.Addr, truncated bool, err error) {
	d, err := m.get(fd)
	if err != nil {
		return 0, nil, false, err
	}
	if err := d.err; err != nil {
		d.err = nil
		return 0, nil, false, err
	}
	if len(d.arrived) == 0 {
		return 0, nil, false, host.ErrAgain
	}
	p := d.arrived[0]
	d.arrived = d.arrived[1:]
	n = copy(b, p.data)
	m.tracef("readfrom fd=%d %d of %d %v", fd, n, len(p.data), p.from)
	return n, p.from, n < len(p.data), nil
}

// TryWriteTo sends a datagram with a latency of its own: one sent later can overtake it.
func (m *machine) TryWriteTo(fd host.FD, b []byte, to net.Addr) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	switch {
	case to == nil && d.peer == nil:
		return syscall.EDESTADDRREQ
	case to == nil:
		to = d.peer
	}
	if u, ok := to.(*net.UDPAddr); d.local != nil && to.Network() != d.local.Network() || ok && u.Port == 0 {
		return syscall.EINVAL
	}
	if len(b) > maxPacket {
		return syscall.EMSGSIZE
	}
	m.tracef("writeto fd=%d %d %v", fd, len(b), to)
	p := packet{d.local, append([]byte(nil), b...)}
	if isGroup(to) {
		d.multicast(to.(*net.UDPAddr), p)
		return nil
	}
	h := m.host
	if u, ok := d.local.(*net.UDPAddr); ok && h.name != "" && (u.IP.IsUnspecified() || u.IP.IsLoopback()) {
		p.from = &net.UDPAddr{IP: h.source(to.(*net.UDPAddr).IP), Port: u.Port}
	}
	if target := h.reach(to); target != nil {
		d.carry(target, p, func() { target.receive(d, to, p) })
	} else { // nobody has the address
		d.notify(Lost, m.local(), nil, datagram(p))
	}
	return nil
}

func datagram(p packet) string { return fmt.Sprintf("a datagram of %d bytes", len(p.data)) }

// carry sends a datagram over a link, on which it may be lost, doubled or late.
func (d *desc) carry(to *Host, p packet, arrive func()) {
	w, h := d.host.world, d.host
	l, now := w.link(h, to), d.clock()
	id := h.message()
	said := func(kind EventKind, at time.Duration) {
		if w.observed() {
			d.id = id
			d.notify(kind, at, to, datagram(p), p.data...)
		}
	}
	said(Sent, now)
	when := time.Duration(-1) // drawn even for what is lost, so that the others keep their latencies
	if h != w.home {
		when = l.arrival(now, len(p.data))
	}
	if l.cut || l.now.Loss > 0 && l.chaos.Float64() < l.now.Loss {
		if h == w.home {
			w.emit(Event{Kind: Call, Text: "lost"})
		}
		said(Lost, now)
		return
	}
	if when < 0 {
		when = l.arrival(now, len(p.data))
	}
	copies := []time.Duration{when}
	if l.now.Duplicates > 0 && l.chaos.Float64() < l.now.Duplicates {
		copies = append(copies, when+l.now.Latency.draw(l.chaos))
	}
	early := now > w.now
	for _, when := range copies {
		if l.now.Reorder > 0 && l.chaos.Float64() < l.now.Reorder {
			when += Uniform(0, l.now.Late).draw(l.chaos)
		}
		w.atFor(l.tie(), when, func() {
			switch {
			case early && d.tooLate(now):
			case to.dark:
				said(Lost, w.now)
			default:
				said(Arrived, w.now)
				arrive()
			}
		})
	}
}

func isGroup(addr net.Addr) bool {
	u, ok := addr.(*net.UDPAddr)
	return ok && u.IP.IsMulticast()
}

// multicast sends to every member of a group that has the port now.
func (d *desc) multicast(to *net.UDPAddr, p packet) {
	if u := d.local.(*net.UDPAddr); d.host.name != "" && (u.IP.IsUnspecified() || u.IP.IsLoopback()) {
		p.from = &net.UDPAddr{IP: d.host.addrs[0].AsSlice(), Port: u.Port}
	}
	for _, h := range d.host.world.hosts {
		for _, member := range h.fds {
			if member == nil || !slices.ContainsFunc(member.groups, to.IP.Equal) {
				continue
			}
			if a, ok := member.local.(*net.UDPAddr); ok && a.Port == to.Port {
				d.carry(h, p, func() { member.receive(p) })
			}
		}
	}
}

// receive takes a datagram into the queue, if there is room.
func (d *desc) receive(p packet) {
	if len(d.arrived) < maxQueued && !d.closed && !d.lost() {
		d.arrived = append(d.arrived, p)
		d.raise(host.Readable)
	}
}

func (h *Host) receive(from *desc, to net.Addr, p packet) {
	d := h.packetsAt(to)
	switch {
	case d == nil && from.peer != nil && from.host.at(from.fd) == from: // only a connected socket is told
		if !h.world.link(h, from.host).cut {
			from.err = syscall.ECONNREFUSED
			from.raise(host.Readable)
		}
	case d == nil, d.peer != nil && d.peer.String() != p.from.String():
	default:
		d.receive(p)
	}
}

// packetsAt finds the socket that is bound to an address, or to its port on every address.
func (h *Host) packetsAt(addr net.Addr) *desc {
	if d := h.listeners[packetKey(addr)]; d != nil {
		return d
	}
	if a, ok := addr.(*net.UDPAddr); ok {
		for _, all := range []net.IP{net.IPv4zero, net.IPv6unspecified} {
			if d := h.listeners[packetKey(&net.UDPAddr{IP: all, Port: a.Port})]; d != nil {
				return d
			}
		}
	}
	return nil
}
