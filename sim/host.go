package sim

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// Host is a machine of a World: it has a name, addresses, and programs, each of them on loops of its
// own. Its methods are for the goroutine that drives the World, while the World stands still, and
// for the programs that run in it.
type Host struct {
	world *World
	name  string
	addrs []netip.Addr
	rng   *rand.Rand

	programs []*Program
	machines []*machine
	loops    int    // made since the host came up
	made     uint64 // loops and programs, ever
	order    uint64 // among the hosts, from 1
	messages uint64
	lives    int // programs that have started and not ended
	restarts int // scheduled

	sockets
	signals []*notifier
	boots   int // losses of power so far
	down    bool
	fuse    fuse
	dark    bool    // down for want of power
	orphans []*desc // connections that were lost with the power

	symptoms
	stepped time.Duration // how far the wall clock was set
}

// symptoms are what the faults in force do to a host.
type symptoms struct {
	cost       time.Duration // of each callback
	most       int           // descriptors; 0 is no limit
	backlog    int           // of every listener; -1 is its own
	room       int           // of a connection that the host sends on; 0 is the World's
	short      int           // bytes of a segment; 0 is no limit
	unanswered []*Fault
	names      []*Fault
}

// Host returns the host of that name, and makes it if there is none. Everybody in the World can
// resolve the name. Without IP addresses it gets the next of 10.0.0.1, 10.0.0.2 and so on. It panics
// on a name that is empty or has a space in it, and on an address that is invalid, has a host already
// or is a loopback address, which every host has.
func (w *World) Host(name string, ips ...string) *Host {
	if h := w.hosts.named(name); h != nil && name != "" {
		if len(ips) > 0 {
			panic(fmt.Sprintf("sim: host %q has its addresses already", name))
		}
		return h
	}
	if name == "" || strings.ContainsAny(name, " \t\n=") {
		panic(fmt.Sprintf("sim: %q cannot be a host's name", name))
	}
	if len(ips) == 0 {
		ips = []string{w.hosts.unusedAddress()}
	}
	var addrs []netip.Addr
	for _, s := range ips {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.IsLoopback() || ip.IsUnspecified() || w.hosts.at(ip) != nil {
			panic(fmt.Sprintf("sim: host %q cannot have the address %q", name, s))
		}
		addrs = append(addrs, ip.Unmap())
	}
	h := w.addHost(name)
	h.addrs = addrs
	h.rng = w.stream(name)
	return h
}

func (w *World) addHost(name string) *Host {
	h := &Host{world: w, name: name, order: uint64(len(w.hosts) + 1)}
	h.backlog = -1
	h.listeners = map[string]*desc{}
	h.lastPort = firstEphemeral - 1
	w.hosts = append(w.hosts, h)
	h.refresh()
	return h
}

// hosts are all hosts of a World.
type hosts []*Host

func (all hosts) unusedAddress() string {
	for i := 1; ; i++ {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if all.at(ip) == nil {
			return ip.String()
		}
	}
}

// at returns the host with an address, or nil.
func (all hosts) at(ip netip.Addr) *Host {
	for _, h := range all {
		if slices.Contains(h.addrs, ip.Unmap()) {
			return h
		}
	}
	return nil
}

// named returns the host with a name, or nil.
func (all hosts) named(name string) *Host {
	for _, h := range all {
		if h.name == name {
			return h
		}
	}
	return nil
}

// reach returns the host that has an address, as seen from h; nil if there is none.
func (h *Host) reach(addr net.Addr) *Host {
	var ip netip.Addr
	switch a := addr.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	default:
		return h // a Unix socket
	}
	ip = ip.Unmap()
	if !ip.IsValid() || ip.IsLoopback() || ip.IsUnspecified() {
		return h
	}
	if to := h.world.hosts.at(ip); to != nil {
		return to
	}
	return h.world.home // which has all the others
}

// source returns the address from which h reaches another: for its own addresses, that address
// itself.
func (h *Host) source(to net.IP) net.IP {
	if h.name == "" || to.IsLoopback() {
		return to
	}
	for _, ip := range h.addrs {
		if ip.Is4() == (to.To4() != nil) {
			return ip.AsSlice()
		}
	}
	return h.addrs[0].AsSlice()
}

// number returns a number that nothing else in the World has, and that depends on nothing that
// happens on other hosts.
func (h *Host) number() uint64 {
	h.made++
	return mix(digest(h.name) + h.made)
}

// message numbers what the host sends: connections and datagrams. Each host has numbers of its own, so
// that they do not depend on what others do.
func (h *Host) message() uint64 {
	h.messages++
	return h.order*1_000_000 + h.messages
}

// tie is what orders something of the host's own among what happens at the same time.
func (h *Host) tie(id, n uint64) uint64 {
	if h.name == "" {
		return 0
	}
	return mix(h.world.seed ^ digest(h.name) ^ mix(id<<32|n))
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Addrs returns the host's addresses. The loopback addresses, too, are its own.
func (h *Host) Addrs() []netip.Addr { return slices.Clone(h.addrs) }

// Up reports whether the host is not down.
func (h *Host) Up() bool { return !h.down }

// Spend moves the host's clock ahead, as work does that takes time: until then its loop that is
// running does nothing else. Other hosts, and other loops of this one, go on meanwhile.
func (h *Host) Spend(d time.Duration) {
	if m, ok := h.world.holder.(*machine); ok && m.host == h {
		h.world.Spend(d)
	}
}

// Option returns the option that puts a loop on this host, for programs that make their loops
// themselves. Each loop that is made must be run or closed: until that has begun, the World waits for
// it and stands still.
func (h *Host) Option() corolla.Option { return h.option(nil) }

func (h *Host) option(of *life) corolla.Option {
	return host.On(func(loop any) host.Host {
		m := h.machine(of)
		m.loop, _ = loop.(*corolla.Loop)
		return m
	}).(corolla.Option)
}

// machine returns the host as a new loop sees it.
func (h *Host) machine(of *life) *machine {
	w := h.world
	w.mu.Lock()
	defer w.mu.Unlock()
	h.loops++
	m := &machine{World: w, reports: reports{host: h}, life: of, n: h.loops, fresh: true}
	m.id = h.number()
	m.porter.m = m
	w.missing++
	if m.dead = h.down || of != nil && of.over; m.dead {
		m.failed, m.died = ErrCrashed, w.now
	}
	h.machines = append(h.machines, m)
	return m
}

// NewLoop returns a loop on this host, to be run by the caller; see Option.
func (h *Host) NewLoop(opts ...corolla.Option) *corolla.Loop {
	l, err := corolla.New(append(slices.Clip(opts), h.Option())...)
	if err != nil {
		panic(err) // only a real machine can be unsupported
	}
	return l
}
