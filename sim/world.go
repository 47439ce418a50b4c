// Package sim simulates machines for event loops: hosts with a virtual clock, and a network between
// them, in memory, whose latencies, short reads, faults and order are all drawn from one seed. A
// program in it takes no real time, however long it sleeps, and runs the same way every time.
//
// For one program on one machine, make a World and a loop:
//
//	w := sim.New(1)
//	l := w.NewLoop()
//	defer l.Close()
//	err := l.Run(func(t *corolla.Task) error { … })
//
// For a distributed program make hosts, give each its programs, and drive the World:
//
//	w := sim.New(1)
//	defer w.Close()
//	w.Host("server").Start(serve)
//	w.Inject(sim.Fault{Kind: sim.Crash, Host: "server", At: time.Second, For: 5 * time.Second})
//	err := w.Host("client").Run(func(t *corolla.Task) error { … aio.Dial(t, "tcp", "server:80") … })
//
// # Time
//
// The clock stands still while callbacks run, and jumps to the next thing that is due when all loops
// wait. Host.Spend and the fault SlowHost make work take time; meanwhile the other hosts go on.
// Nothing outside the World can be pending: once nothing more can happen in it, it reports a deadlock
// instead of waiting forever. A program that keeps a timer running is never in a deadlock; Limit ends
// a World that has lasted too long.
//
// # Order
//
// Only one loop of a World runs at a time: it runs a turn, and hands over when it waits. The seed
// chooses who is next among those that have something to do, and in which order things arrive that
// arrive at the same time, save those of one connection. Programs may also run their loops on
// goroutines of their own; see Host.Boot. Goroutines that are not simulated make a program that does
// not repeat; give those that talk to a loop to Outside.
//
// Every link between two hosts draws from a random stream of its own, and so does every host, and so
// do faults. So a run with one fault less is the same run, except for what follows from that fault.
//
// # TLS
//
// The bytes of a TLS connection differ from run to run, since Go takes its keys from the system. A
// trace has only their numbers, and they are the same in each run if the certificate's key is an
// Ed25519 one, whose signatures have one length; those of ECDSA do not. With testing/cryptotest the
// bytes repeat, too. A tls.Config checks certificates by the real clock unless its Time says otherwise.
//
// # Limits
//
// A host has memory, pipes and sockets; it has no files, terminals or processes. The calls of Host
// that could be interrupted (EINTR) are those that a real host begins again by itself, so programs
// cannot see it there either, and no fault makes one. A task cannot be dropped without running what it
// has deferred: that of a crashed host can still change variables outside of it, but nothing that it
// sends goes anywhere.
package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/corolla-go/corolla"
)

// worldStream tells the random numbers of a World from others with the same seed.
const worldStream = 0x636f726f6c6c61

// Epoch is the wall-clock time at which a World begins unless Begin says otherwise.
var Epoch = time.Date(2009, time.November, 10, 23, 0, 0, 0, time.UTC)

// World is a set of simulated machines and the network between them. Like a loop it belongs to one
// goroutine at a time: the one that drives it, or the loop that is running; Outside is the exception.
type World struct {
	seed   uint64
	config config

	timeline
	audience
	broken []error

	hosts  hosts // in the order in which they were made
	home   *Host // the one of NewLoop, if it was used
	links  map[ends]*link
	faults []*Fault // in force
	booted bool     // a program was just started
	doomed []*Host  // crash before the clock moves

	waiting []waiter // for their turn
	holder  waiter   // whose turn it is
	chooser waiter   // who is choosing the next, if that waits itself
	driver  *driver  // whoever drives the World

	crew
}

type config struct {
	link   Link
	buffer int
	whole  bool
	silent map[string]bool
	names  map[string][]string
	trace  io.Writer
	epoch  time.Time
	limit  time.Duration
}

// Option configures a World.
type Option func(*config)

// Latency sets how long a byte takes to arrive: a time between min and max, drawn anew for each
// segment. The default is 50 µs to 2 ms. SetLink changes it for one link.
func Latency(min, max time.Duration) Option {
	return func(c *config) { c.link.Latency = Uniform(min, max) }
}

// Buffer sets how many bytes can be sent but not yet read in one direction of a connection. The
// default is 64 KiB.
func Buffer(bytes int) Option { return func(c *config) { c.buffer = bytes } }

// Whole turns off the splitting of what is written into segments of random length, and writes that
// take less than they could.
func Whole() Option { return func(c *config) { c.whole = true } }

// Name adds a host name with its IP addresses, in the order in which to try them. "localhost" is
// known already, and so are the World's hosts. It panics on an invalid address.
func Name(host string, ips ...string) Option {
	for _, ip := range ips {
		if _, err := netip.ParseAddr(ip); err != nil {
			panic(fmt.Sprintf("sim: Name(%q, …): %q is not an IP address", host, ip))
		}
	}
	return func(c *config) { c.names[host] = ips }
}

// Begin sets the wall-clock time at which the World begins; the default is Epoch. Code outside that
// computes deadlines from its own clock needs time.Now().
func Begin(at time.Time) Option { return func(c *config) { c.epoch = at } }

// Limit sets how long the World lasts in virtual time: then every loop's Run, and whatever drives the
// World, fails with a *LimitError. So a program that only keeps its heartbeat going comes to an end.
func Limit(d time.Duration) Option { return func(c *config) { c.limit = d } }

// Silent makes IP addresses never answer a connection attempt, neither accepting nor refusing it.
func Silent(ips ...string) Option {
	return func(c *config) {
		for _, ip := range ips {
			c.silent[net.ParseIP(ip).String()] = true
		}
	}
}

// New returns a World whose every random choice follows from seed.
func New(seed uint64, opts ...Option) *World {
	w := &World{
		seed: seed,
		config: config{
			link:   Link{Latency: Uniform(50*time.Microsecond, 2*time.Millisecond)},
			buffer: 64 << 10,
			epoch:  Epoch,
			silent: map[string]bool{},
			names:  map[string][]string{"localhost": {"127.0.0.1"}},
		},
		links: map[ends]*link{},
		crew:  crew{free: true},
	}
	w.cond.L = &w.mu
	for _, o := range opts {
		o(&w.config)
	}
	if out := w.config.trace; out != nil {
		w.Observe(func(e Event) { fmt.Fprintln(out, e) })
	}
	return w
}

// NewLoop returns a loop on a host without a name, which has every address that no other host has.
// It has one loop; asking for a second panics. It is for programs that run on one machine.
func (w *World) NewLoop(opts ...corolla.Option) *corolla.Loop {
	h := unnamed(w)
	if h.loops > 0 {
		panic("sim: a World has one loop without a host; name hosts to have more, or make another World")
	}
	return h.NewLoop(opts...)
}

// unnamed returns the host of NewLoop.
func unnamed(w *World) *Host {
	if w.home == nil {
		w.home = w.addHost("")
		w.home.rng = rand.New(rand.NewPCG(w.seed, worldStream))
	}
	return w.home
}

// stream returns a stream of random numbers that depends on the seed and a name only.
func (w *World) stream(name string) *rand.Rand { return rand.New(rand.NewPCG(w.seed, digest(name))) }

// digest is FNV-1a.
func digest(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix is the finalizer of SplitMix64: choices made from it need no stream, so that one choice more or
// less leaves the others as they are.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Now returns the virtual time since the World began, by the clock of the host that is running.
func (w *World) Now() time.Duration {
	if m, ok := w.holder.(*machine); ok {
		return m.local()
	}
	return w.now
}

// Spend moves the clock ahead, as work in a callback or a task does on a real machine. On a World
// with named hosts it is the clock of the host that is running, and the others go on meanwhile.
func (w *World) Spend(d time.Duration) {
	if m, ok := w.holder.(*machine); ok && m.host != w.home {
		m.ahead = m.local() + max(d, 0)
		return
	}
	w.now += max(d, 0)
}

// Open returns how many descriptors are open, on all hosts: 0 at the end of a program that leaks
// none.
func (w *World) Open() (n int) {
	for _, h := range w.hosts {
		n += h.opened
	}
	return n
}
