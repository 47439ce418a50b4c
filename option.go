package corolla

import (
	"errors"
	"log"
	"os"
	"time"
)

// Option configures a Loop; see New.
type Option func(*options)

type options struct {
	machine
	debug     bool
	slow      time.Duration
	handler   func(error)
	stalled   func(*SlowError)
	crash     bool
	jobs      int
	budget    time.Duration
	idleTasks int
	signals   []os.Signal
	drain     time.Duration // at the end
}

func defaults() options {
	return options{
		slow:      100 * time.Millisecond,
		handler:   printError,
		stalled:   printStall,
		jobs:      64,
		budget:    time.Millisecond,
		idleTasks: 1024,
		drain:     5 * time.Second,
	}
}

// printError is the error handler of a loop that was given none.
func printError(err error) {
	var p *PanicError
	if errors.As(err, &p) {
		log.Printf("corolla: %v\n%s", err, p.Stack)
		return
	}
	log.Print("corolla: ", err)
}

// printStall is the stall handler of a loop that was given none.
func printStall(err *SlowError) { log.Printf("corolla: %v\n%s", err, err.Stack) }

// Debug turns on checks that cost time: a method that belongs to the loop panics
// when a foreign goroutine calls it, and reports say where callbacks were
// registered, not only which functions they are. What Scratch has lent is overwritten once it
// must not be used any more.
func Debug() Option { return func(o *options) { o.debug = true } }

// SlowLimit sets how long a callback, or a task between two parks, may hold the
// loop before that is reported: to the stall handler while it lasts, and to the error handler when
// it is over. It is 100 ms unless set; 0 turns the reports off.
func SlowLimit(d time.Duration) Option { return func(o *options) { o.slow = d } }

// StallHandler sets the function that is told of what has held the loop for longer than its SlowLimit
// and still does, even if it never ends: a callback that waits for what only the loop could bring, or a
// task that wants a mutex which another task of the loop holds. The error says what it is, as far as
// others than the loop can tell, and has the stack of the goroutine that it runs on. There is one
// report each time, and when it is over the error handler has a *SlowError with the whole time.
//
// It runs on a goroutine of its own, beside the loop, of which it may use only what is safe from any
// goroutine. It may still run when Run has returned. A process with more than 10,000 goroutines is
// spared the stack, for which Go stops them all. Unless set, reports are printed with the log package.
// On a simulated machine, whose time does not pass while something runs, there are none.
func StallHandler(handle func(*SlowError)) Option { return func(o *options) { o.stalled = handle } }

// ErrorHandler sets the function that gets every error which has no other place
// to go: *PanicError, *SlowError, *UnseenError, and errors of the machine. It
// runs on the loop's goroutine and must not block. Unless set, errors are printed
// with the log package, panics with their stacks.
func ErrorHandler(handle func(error)) Option { return func(o *options) { o.handler = handle } }

// Policy says what a loop does after a panic in a callback or a task.
type Policy int

const (
	// Continue gives the panic to the error handler and goes on: a server
	// survives one bad request.
	Continue Policy = iota
	// Crash lets the panic out of Run: a test does not hide it.
	Crash
)

// ErrorPolicy sets what happens after a panic. It is Continue unless set.
func ErrorPolicy(p Policy) Option { return func(o *options) { o.crash = p == Crash } }

// MaxJobs sets how many jobs of Offload run at the same time, and as many of each other kind of
// Workers; more wait for their turn. It is 64 unless set, and at least 1.
func MaxJobs(n int) Option { return func(o *options) { o.jobs = max(n, 1) } }

// TurnBudget sets how long a task or callback whose calls never have to wait may go on before
// they give others a turn; see Task.Checkpoint. It is 1 ms unless set; 0 is no limit of time.
func TurnBudget(d time.Duration) Option { return func(o *options) { o.budget = d } }

// MaxIdleCoroutines sets how many finished coroutines are kept for the next
// tasks. It is 1024 unless set.
func MaxIdleCoroutines(n int) Option { return func(o *options) { o.idleTasks = max(n, 0) } }

// CancelOnSignal makes Run cancel its main task, with a *SignalError as the cause, when one of
// the signals arrives. From then on they have their usual effect, so that a second one ends the
// program. (asyncio.run does so for SIGINT.)
func CancelOnSignal(sigs ...os.Signal) Option { return func(o *options) { o.signals = sigs } }

// CloseTimeout sets how long Close goes on sending what belongs to connections that were closed. It
// is 5 seconds unless set; 0 is as long as their peers take. If it is less than 0 Close waits for
// nobody: what the system does not take at once is lost.
func CloseTimeout(d time.Duration) Option { return func(o *options) { o.drain = d } }
