package sim

import (
	"net/netip"
	"time"

	"github.com/corolla-go/corolla"
)

// Host is a machine of a World: it has a name, addresses, and programs, each of them on a loop of its
// own. Its methods are for the goroutine that drives the World, while the World stands still, and
// for the programs that run in it.
type Host struct {
	world *World
	name  string
	addrs []netip.Addr
}

const unfinished = "sim: hosts do not run yet"

// Host returns the host of that name, and makes it if there is none. Everybody in the World can
// resolve the name. Without IP addresses it gets the next of 10.0.0.1, 10.0.0.2 and so on.
func (w *World) Host(name string, ips ...string) *Host { panic(unfinished) }

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// Addrs returns the host's addresses. The loopback addresses, too, are its own.
func (h *Host) Addrs() []netip.Addr { return h.addrs }

// Start makes a program one of those that the host runs: from now on, and again after each Restart.
// Its main task runs on a new loop, made with opts, as in Loop.Run and Loop.Close.
func (h *Host) Start(program func(t *corolla.Task) error, opts ...corolla.Option) *Program {
	panic(unfinished)
}

// Boot is Start for a program that makes its own loops, with the option that Host.Option returns, and
// runs them on goroutines of its own. It must make all of them before it runs the first.
func (h *Host) Boot(main func() error) *Program { panic(unfinished) }

// Run starts a program, once, and drives the World until it has ended. It returns the program's
// error.
func (h *Host) Run(program func(t *corolla.Task) error, opts ...corolla.Option) error {
	panic(unfinished)
}

// Option returns the option that puts loops on this host.
func (h *Host) Option() corolla.Option { panic(unfinished) }

// NewLoop returns a loop on this host, to be run by the caller.
func (h *Host) NewLoop(opts ...corolla.Option) *corolla.Loop { panic(unfinished) }

// Crash ends the host's process between two callbacks.
func (h *Host) Crash() { panic(unfinished) }

// PowerOff is Crash, but nobody is told.
func (h *Host) PowerOff() { panic(unfinished) }

// Restart starts the programs of a host that is down.
func (h *Host) Restart() { panic(unfinished) }

// Up reports whether the host is not down.
func (h *Host) Up() bool { panic(unfinished) }

// Program is a program that a host runs.
type Program struct{}

// Done reports whether the program has returned.
func (p *Program) Done() bool { panic(unfinished) }

// Err returns what the program has returned.
func (p *Program) Err() error { panic(unfinished) }

// Run drives the World until every program on a host that is up has returned, and returns their
// errors. If nothing more can happen it returns a *DeadlockError.
func (w *World) Run() error { panic(unfinished) }

// RunUntil drives the World until cond is true; it is asked after each turn of a loop. It returns a
// *DeadlockError if nothing more can happen, and a *LimitError once limit has passed.
func (w *World) RunUntil(cond func() bool, limit time.Duration) error { panic(unfinished) }

// Advance drives the World for d.
func (w *World) Advance(d time.Duration) { panic(unfinished) }

// Close cuts the power of all hosts, and waits until nothing of their programs is left.
func (w *World) Close() error { panic(unfinished) }

// Inject schedules a fault; one whose time has passed strikes at once.
func (w *World) Inject(f Fault) { panic(unfinished) }
