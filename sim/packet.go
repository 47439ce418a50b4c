package sim

import (
	"fmt"
	"net"
	"slices"
	"syscall"

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

func (m machine) OpenPacket(local, remote net.Addr, _ host.Settings) (host.FD, error) {
	switch {
	case local == nil && remote.Network() != "udp":
		local = &net.UnixAddr{Net: "unixgram"}
	case local == nil:
		local = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
	}
	if a, ok := local.(*net.UDPAddr); ok && a.Port == 0 {
		local = &net.UDPAddr{IP: a.IP, Port: m.ephemeral(), Zone: a.Zone}
	}
	if m.listeners[packetKey(local)] != nil {
		return 0, syscall.EADDRINUSE
	}
	d := &desc{local: local, peer: remote}
	d.datagram = true
	if local.String() != "" && !isGroup(local) { // a group has members instead
		m.listeners[packetKey(local)] = d
	}
	m.tracef("packet fd=%d %v %v", m.open(d), local, remote)
	return d.fd, nil
}

func (m machine) TryReadFrom(fd host.FD, b []byte) (n int, from net.Addr, truncated bool, err error) {
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
func (m machine) TryWriteTo(fd host.FD, b []byte, to net.Addr) error {
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
	if m.config.loss > 0 && m.rng.Float64() < m.config.loss {
		m.tracef("lost")
		return nil
	}
	p := packet{d.local, append([]byte(nil), b...)}
	if isGroup(to) {
		m.multicast(to.(*net.UDPAddr), p)
		return nil
	}
	m.at(m.now+m.latency(), func() { m.deliver(d, to, p) })
	return nil
}

func isGroup(addr net.Addr) bool {
	u, ok := addr.(*net.UDPAddr)
	return ok && u.IP.IsMulticast()
}

// multicast sends to every member of a group that has the port now.
func (w *World) multicast(to *net.UDPAddr, p packet) {
	for _, d := range w.fds {
		if d == nil || !slices.ContainsFunc(d.groups, to.IP.Equal) {
			continue
		}
		if a, ok := d.local.(*net.UDPAddr); ok && a.Port == to.Port {
			w.at(w.now+w.latency(), func() { w.arriveAt(d, p) })
		}
	}
}

func (w *World) arriveAt(d *desc, p packet) {
	if len(d.arrived) < maxQueued && !d.closed {
		d.arrived = append(d.arrived, p)
		w.raise(d, host.Readable)
	}
}

func (w *World) deliver(from *desc, to net.Addr, p packet) {
	d := w.packetsAt(to)
	switch {
	case d == nil && from.peer != nil && w.fds[from.fd] == from: // only a connected socket is told
		from.err = syscall.ECONNREFUSED
		w.raise(from, host.Readable)
	case d == nil, d.peer != nil && d.peer.String() != p.from.String():
	default:
		w.arriveAt(d, p)
	}
}

// packetsAt finds the socket that is bound to an address, or to its port on every address.
func (w *World) packetsAt(addr net.Addr) *desc {
	if d := w.listeners[packetKey(addr)]; d != nil {
		return d
	}
	if a, ok := addr.(*net.UDPAddr); ok {
		for _, all := range []net.IP{net.IPv4zero, net.IPv6unspecified} {
			if d := w.listeners[packetKey(&net.UDPAddr{IP: all, Port: a.Port})]; d != nil {
				return d
			}
		}
	}
	return nil
}

// Loss sets the probability that a datagram is lost, from 0, the default, to 1. It panics on
// anything else.
func Loss(probability float64) Option {
	if probability < 0 || probability > 1 {
		panic(fmt.Sprintf("sim: Loss(%v): from 0 to 1", probability))
	}
	return func(c *config) { c.loss = probability }
}
