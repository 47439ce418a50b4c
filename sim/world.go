// Package sim is a simulated machine for event loops: a virtual clock, and a
// network in memory with latency, short reads and partial writes, all drawn from
// one seed. A program on a simulated loop takes no real time, however long it sleeps,
// and runs the same way every time.
//
//	w := sim.New(1)
//	l := w.NewLoop()
//	defer l.Close()
//	err := l.Run(func(t *corolla.Task) error { … })
//
// The clock stands still while callbacks run, and jumps to the next thing that is due when the loop
// waits. Nothing outside the World can be pending: once nothing more can happen in it, it reports a
// deadlock instead of waiting forever. Goroutines that the program starts by itself are not
// simulated; give those that talk to the loop to Outside.
package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/ds"
	"github.com/corolla-go/corolla/internal/host"
)

// Epoch is the wall-clock time at which a World begins unless Begin says otherwise.
var Epoch = time.Date(2009, time.November, 10, 23, 0, 0, 0, time.UTC)

// World is a simulated machine. It serves one loop and, like the loop, belongs to one goroutine;
// Outside is the exception.
type World struct {
	rng    *rand.Rand
	config config

	now    time.Duration
	seq    uint64
	agenda ds.Heap[*happening, soonest]
	spins  int // consecutive turns in which the loop did not wait

	fds       []*desc // by FD; nil where closed
	edges     []*desc // with unreported readiness, oldest first
	levels    []*desc // watched for as long as readiness lasts
	listeners map[string]*desc
	lastPort  int
	signals   []*notifier
	contexts  ds.List[waitFor]
	hasLoop   bool

	mu        sync.Mutex // guards what other goroutines touch
	cond      sync.Cond
	woken     bool
	outsiders int
}

type config struct {
	minLatency, maxLatency time.Duration
	buffer                 int
	whole                  bool
	loss                   float64
	silent                 map[string]bool
	names                  map[string][]string
	trace                  io.Writer
	epoch                  time.Time
}

// Option configures a World.
type Option func(*config)

// Latency sets how long a byte takes to arrive: a time between min and max, drawn anew for each
// segment. The default is 50 µs to 2 ms.
func Latency(min, max time.Duration) Option {
	return func(c *config) { c.minLatency, c.maxLatency = min, max }
}

// Buffer sets how many bytes can be sent but not yet read in one direction of a connection. The
// default is 64 KiB.
func Buffer(bytes int) Option { return func(c *config) { c.buffer = bytes } }

// Whole turns off the splitting of what is written into segments of random length, and writes that
// take less than they could.
func Whole() Option { return func(c *config) { c.whole = true } }

// Name adds a host name with its IP addresses, in the order in which to try them. "localhost" is
// known already. It panics on an invalid address.
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

// Silent makes IP addresses never answer a connection attempt, neither accepting nor refusing it.
func Silent(ips ...string) Option {
	return func(c *config) {
		for _, ip := range ips {
			c.silent[net.ParseIP(ip).String()] = true
		}
	}
}

// Trace writes a line to w for everything that the loop asks of the machine. The
// same program with the same seed writes the same lines.
func Trace(w io.Writer) Option { return func(c *config) { c.trace = w } }

// New returns a World whose every random choice follows from seed.
func New(seed uint64, opts ...Option) *World {
	w := &World{
		rng: rand.New(rand.NewPCG(seed, 0x636f726f6c6c61)),
		config: config{
			minLatency: 50 * time.Microsecond,
			maxLatency: 2 * time.Millisecond,
			buffer:     64 << 10,
			epoch:      Epoch,
			silent:     map[string]bool{},
			names:      map[string][]string{"localhost": {"127.0.0.1"}},
		},
		listeners: map[string]*desc{},
		lastPort:  firstEphemeral - 1,
	}
	w.cond.L = &w.mu
	for _, o := range opts {
		o(&w.config)
	}
	return w
}

// NewLoop returns a loop that runs on this World. A World has one loop; asking
// for a second panics.
func (w *World) NewLoop(opts ...corolla.Option) *corolla.Loop {
	if w.hasLoop {
		panic("sim: a World has one loop; make another World")
	}
	w.hasLoop = true
	on := host.On(w.machine()).(corolla.Option)
	l, err := corolla.New(append(slices.Clip(opts), on)...)
	if err != nil {
		panic(err) // only a real machine can be unsupported
	}
	return l
}

// Now returns the virtual time since the World began.
func (w *World) Now() time.Duration { return w.now }

// Spend moves the clock ahead, as work in a callback or a task does on a real
// machine.
func (w *World) Spend(d time.Duration) { w.now += max(d, 0) }

// Open returns how many descriptors are open: 0 at the end of a program that
// leaks none.
func (w *World) Open() (n int) {
	for _, d := range w.fds {
		if d != nil {
			n++
		}
	}
	return n
}

// happening is something that the World will do at some time.
type happening struct {
	when time.Duration
	seq  uint64
	act  func()
}

type soonest struct{}

func (soonest) Less(a, b *happening) bool {
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

func (soonest) Place(*happening, int) {} // nothing is ever canceled

// at schedules act; what is due at one time happens in the order it was scheduled.
func (w *World) at(when time.Duration, act func()) {
	w.seq++
	w.agenda.Push(&happening{when: when, seq: w.seq, act: act})
}

func (w *World) latency() time.Duration {
	spread := w.config.maxLatency - w.config.minLatency
	if spread <= 0 {
		return w.config.minLatency
	}
	return w.config.minLatency + time.Duration(w.rng.Int64N(int64(spread)))
}

func (w *World) tracef(format string, args ...any) {
	if w.config.trace == nil {
		return
	}
	fmt.Fprintf(w.config.trace, "%12v ", w.now)
	fmt.Fprintf(w.config.trace, format, args...)
	fmt.Fprintln(w.config.trace)
}
