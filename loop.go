package corolla

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla/internal/ds"
	"github.com/corolla-go/corolla/internal/host"
)

// Loop is an event loop: it runs callbacks, one at a time, as they become ready,
// and waits when none is. New makes one; Run or RunForever runs it.
//
// A Loop and everything that belongs to it are owned by the goroutine that runs it:
// while it runs, only its own callbacks and tasks may call its methods. The methods
// marked "Safe from any goroutine." are the exceptions; other goroutines use Post to
// run code on the loop.
type Loop struct {
	host host.Host
	opt  options
	now  time.Duration

	ready  ds.Ring[entry]
	batch  int            // how many ready entries are left of the current batch
	runs   entry          // the one being run
	last   ds.Ring[entry] // given to AtTurnEnd
	inbox  inbox
	timers ds.Heap[*Timer, timerOrder]
	seq    uint64 // numbers the timers
	turns  uint64
	fds    []watcher
	events []host.Event

	current     *Task
	tasks       ds.List[*Task] // in the order in which they were started
	spare       coroutines
	unseen      ds.List[*Unseen] // in the order in which they occurred
	callbacks   int              // OnDone callbacks of pending futures
	contexts    int              // that tasks are attached to
	workers     map[string]*Workers
	closers     ds.List[func()]
	transfers   map[*Socket]*Transfer // in progress, by destination
	scratch     []byte
	nextScratch []byte      // for code that runs while scratch is in use
	segments    segmentPool // of outboxes

	ending   ending
	state    state
	once     bool  // RunOnce closes the loop
	failed   error // the host's error, which ends the run after the turn
	stopping atomic.Bool
	crashed  *PanicError
	gone     chan struct{}                 // closed when the loop is
	run      atomic.Pointer[chan struct{}] // closed when the current run ends
	owner    uintptr                       // the goroutine that is running now; 0 is any
	begun    uintptr                       // the goroutine that runs the loop
	pulled   *pulled                       // the generator that is running now, if any

	unguard func()                // stops watching the run for stalls
	stall   atomic.Pointer[stall] // the last one reported while it lasted
}

type state uint8

const (
	idle state = iota
	running
	closing
	closed
)

// New returns a Loop on this machine. Close it when done. On a system without a
// host the error wraps errors.ErrUnsupported.
func New(opts ...Option) (*Loop, error) {
	l := &Loop{opt: defaults(), events: make([]host.Event, host.MaxEvents), gone: make(chan struct{})}
	for _, o := range opts {
		o(&l.opt)
	}
	h, err := l.opt.host(l)
	if err != nil {
		return nil, fmt.Errorf("corolla: new loop: %w", err)
	}
	l.host = h
	l.inbox.open = true
	l.now = h.Now()
	return l, nil
}

// Now returns the loop's clock: the time since some fixed moment in the past. It is
// monotonic, stands still while a callback runs, and may lag by some tens of microseconds.
func (l *Loop) Now() time.Duration {
	l.check("Now")
	return l.now
}

// Time returns the wall-clock time that corresponds to Now.
func (l *Loop) Time() time.Time {
	l.check("Time")
	return l.host.Epoch().Add(l.now)
}

// Simulated reports whether package sim made the loop. Its machine has no processes or descriptors
// of its own. Safe from any goroutine.
func (l *Loop) Simulated() bool { return l.opt.simulated != nil }

// Run starts main as a task and runs the loop until it has finished. It then
// cancels every other task, waits until they have ended too, or until Stop, and returns
// main's error.
//
// It returns ErrLoopStopped if Stop came first, ErrLoopRunning if the loop is already
// running, ErrLoopClosed after Close, and on a simulated machine a *DeadlockError when
// main waits for something that can never happen.
func (l *Loop) Run(main func(t *Task) error) error {
	if err := l.begin(); err != nil {
		return fmt.Errorf("corolla: run: %w", err)
	}
	defer l.end()
	result := l.Go(main, Name("main"))
	if len(l.opt.signals) > 0 {
		defer l.cancelOnSignal(result.Task())()
	}
	if err := l.spin(result.Done); err != nil {
		l.cancelTasks(result.Task(), err)
		return err
	}
	if !result.Done() {
		return ErrLoopStopped
	}
	_, err := result.Result()
	l.ending.cause = errMainOver // for tasks started from now on, too
	l.cancelTasks(nil, errMainOver)
	if l.tasks.Len() == 0 || l.stopping.Load() {
		return err
	}
	return join(err, l.spin(func() bool { return l.tasks.Len() == 0 }))
}

var errMainOver = errors.New("the main task has finished")

// RunForever runs the loop until Stop. If Stop was called before, it runs one
// turn. What is ready or registered when it returns stays so, and carries on when
// the loop is run again.
func (l *Loop) RunForever() error {
	if err := l.begin(); err != nil {
		return fmt.Errorf("corolla: run: %w", err)
	}
	defer l.end()
	return l.spin(func() bool { return false })
}

// Stop makes Run or RunForever return after the current turn. Safe from any goroutine.
func (l *Loop) Stop() {
	l.stopping.Store(true)
	l.host.Wake()
}

func (l *Loop) begin() error {
	switch l.state {
	case running:
		return ErrLoopRunning
	case closing, closed:
		return ErrLoopClosed
	}
	l.host.Running(true)
	l.state = running
	l.guard()
	run := make(chan struct{})
	l.run.Store(&run)
	l.own()
	l.now = l.host.Now()
	return nil
}

// end is deferred, because a callback's runtime.Goexit ends the loop's goroutine, and
// with ErrorPolicy(Crash) a panic passes through.
func (l *Loop) end() {
	l.state = idle
	l.unguard()
	close(*l.run.Swap(nil))
	l.disown()
	l.pulled = nil
	l.ending.cause = nil
	l.current = nil
	l.stopping.Store(false)
	if !l.once {
		l.host.Running(false)
	}
}

// halted returns a channel that is closed once the loop is not running. Safe from any goroutine.
func (l *Loop) halted() <-chan struct{} {
	if run := l.run.Load(); run != nil {
		return *run
	}
	none := make(chan struct{})
	close(none)
	return none
}

// spin runs turns, at least one, until the run is over, Stop is called or the host fails. A turn is:
// inbox, poll, events, timers, batch.
//
// Everything that a batch makes ready runs in the next turn, after another poll,
// so that no callback can starve the descriptors (as in asyncio: BaseEventLoop's
// _run_once).
func (l *Loop) spin(over func() bool) error {
	l.gather()
	for !l.runSome(over) {
	}
	err := l.failed
	l.failed = nil
	l.crash()
	if err != nil {
		return l.explain(err)
	}
	return nil
}

// runSome runs turns until the spin is done or a callback panics, so that not every callback pays for
// a recover. Turns and calls share one function to keep the stack shallow: after a switch to a task
// and back, the processor mispredicts every return.
func (l *Loop) runSome(over func() bool) (done bool) {
	defer func() {
		if e := l.runs; e.what != nil { // a panic, or a runtime.Goexit, which continues after this
			l.runs = entry{}
			l.caught(recover(), e)
		}
	}()
	for {
		for l.batch > 0 && l.failed == nil {
			l.batch--
			if l.runs = l.ready.Pop(); l.runs.what == nil {
				continue
			}
			l.runs.what.run()
			was := l.now
			if l.now = l.host.Recent(); l.now-was > l.opt.slow && l.opt.slow > 0 {
				l.slow(l.now - was)
			}
			l.runs.what = nil
		}
		for l.last.Len() > 0 {
			l.runs = l.last.Pop()
			l.runs.what.run()
			l.runs.what = nil
		}
		if l.failed != nil || l.crashed != nil || l.stopping.Load() || over() {
			return true
		}
		l.gather()
	}
}

// caught deals with a callback that did not return.
func (l *Loop) caught(v any, e entry) {
	if v != nil {
		l.Recovered(v, describe(e))
	}
	if c, ok := e.what.(*readiness); ok {
		c.direction().call() // it did not get to do so itself
	}
	l.now = l.host.Now()
}

// gather polls, and makes ready what the turn will run.
func (l *Loop) gather() {
	l.turns++
	if l.inbox.n.Load() > 0 {
		l.takeInbox()
	}
	l.ready.Shrink(1 << 16)
	n, err := l.poll()
	l.failed = err
	if l.inbox.n.Load() > 0 { // posted during the wait, perhaps ending it
		l.takeInbox()
	}
	for _, ev := range l.events[:n] {
		// An event may be for a descriptor that an earlier call has closed.
		if int(ev.FD) < len(l.fds) && l.fds[ev.FD] != nil {
			l.fds[ev.FD].event(ev.Ready)
		}
	}
	if l.timers.Len() > 0 {
		l.takeTimers()
	}
	l.batch = l.ready.Len()
}

func (l *Loop) poll() (int, error) {
	until := time.Duration(0)
	none := l.ready.Len() == 0
	if none && !l.stopping.Load() {
		until = -1
		if l.timers.Len() > 0 {
			until = l.timers.Min().when
		}
	}
	n, err := l.host.Wait(l.events, until)
	if none {
		l.now = l.host.Recent() // otherwise the clock was read when the last batch ended
	}
	return n, err
}

func (l *Loop) explain(err error) error {
	if errors.Is(err, host.ErrDeadlock) {
		return &DeadlockError{Tasks: l.Tasks()}
	}
	return fmt.Errorf("corolla: wait: %w", err)
}

// Scratch returns a buffer of 64 KiB that all callbacks of the loop share, so that a
// connection needs none of its own. Its contents are valid until the callback returns, the
// task parks, or the caller reads from a connection; in debug mode they are then overwritten.
func (l *Loop) Scratch() []byte {
	l.check("Scratch")
	if l.scratch == nil {
		l.scratch = make([]byte, 64<<10)
	}
	return l.scratch
}

// spoilScratch overwrites the scratch buffer, in debug mode, once it must no longer be used.
func (l *Loop) spoilScratch() {
	for i := range l.scratch {
		l.scratch[i] = 0xDB
	}
}

// nested runs f inside a callback that may be using the scratch buffer, and gives f another one.
func (l *Loop) nested(f func()) {
	mine := l.scratch
	current, owner, pulled := l.current, l.owner, l.pulled
	l.scratch, l.nextScratch = l.nextScratch, nil
	defer func() { // even if f ends the goroutine
		l.scratch, l.nextScratch = mine, l.scratch
		l.current, l.owner, l.pulled = current, owner, pulled
	}()
	f()
}
