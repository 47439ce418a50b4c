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
	name      string
	debug     bool
	slow      time.Duration
	handler   func(error)
	stalled   func(*SlowError)
	crash     bool
	jobs      int
	budget    time.Duration
	idleTasks int
	signals   []os.Signal
	drain     time.Duration // see CloseTimeout
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

// printError is the default error handler.
func printError(err error) {
	var p *PanicError
	if errors.As(err, &p) {
		log.Printf("corolla: %v\n%s", err, p.Stack)
		return
	}
	log.Print("corolla: ", err)
}

// printStall is the default stall handler.
func printStall(err *SlowError) { log.Printf("corolla: %v\n%s", err, err.Stack) }

// LoopName names the loop, for the panic that a call from a foreign goroutine gets: with several loops it
// says to which of them the thing belongs.
func LoopName(name string) Option { return func(o *options) { o.name = name } }

// Debug turns on checks that cost time: a method that belongs to the loop panics when a
// foreign goroutine calls it, even on processors where that is slow to tell; reports say where
// callbacks were registered, not only which functions they are; and the buffer from Scratch is
// overwritten once it must no longer be used.
func Debug() Option { return func(o *options) { o.debug = true } }

// SlowLimit sets how long a callback, or a task between two parks, may hold the loop before
// that is reported: to the stall handler while it lasts, and to the error handler when it is
// over. The default is 100 ms; 0 turns the reports off.
func SlowLimit(d time.Duration) Option { return func(o *options) { o.slow = d } }

// StallHandler sets the function that is called while something has been holding the loop for longer
// than its SlowLimit, even if that never ends: a callback that waits for something only the loop can
// do, or a task that wants a mutex held by another task of the loop. The error names it, as far as
// can be told from outside the loop, and has the stack of its goroutine. Each stall is reported once,
// and when it is over the error handler gets a *SlowError with the whole time.
//
// The handler runs on its own goroutine, beside the loop, and may use only what is safe from any
// goroutine. It may still be running when Run has returned. With more than 10,000 goroutines there is
// no stack, since Go would have to stop them all. By default reports are printed with the log package.
// On a simulated machine, where no time passes while something runs, there are none.
func StallHandler(handle func(*SlowError)) Option { return func(o *options) { o.stalled = handle } }

// ErrorHandler sets the function that gets every error that has nowhere else to go:
// *PanicError, *SlowError, *UnseenError, and errors of the machine. It runs on the
// loop's goroutine and must not block. By default errors are printed with the log
// package, panics with their stacks.
func ErrorHandler(handle func(error)) Option { return func(o *options) { o.handler = handle } }

// Policy says what a loop does after a panic in a callback or a task.
type Policy int

const (
	// Continue gives the panic to the error handler and carries on, so that a
	// server survives one bad request.
	Continue Policy = iota
	// Crash lets the panic out of Run, so that a test does not hide it.
	Crash
)

// ErrorPolicy sets what happens after a panic. The default is Continue.
func ErrorPolicy(p Policy) Option { return func(o *options) { o.crash = p == Crash } }

// MaxJobs sets how many jobs of Offload, and of each other kind of Workers, run at the same time;
// the rest wait their turn. The default is 64, the minimum 1.
func MaxJobs(n int) Option { return func(o *options) { o.jobs = max(n, 1) } }

// TurnBudget sets how long a task or callback whose calls never have to wait may run before
// it gives way to others; see Task.Checkpoint. The default is 1 ms; 0 is no time limit.
func TurnBudget(d time.Duration) Option { return func(o *options) { o.budget = d } }

// MaxIdleCoroutines sets how many finished coroutines are kept for reuse by later
// tasks. The default is 1024.
func MaxIdleCoroutines(n int) Option { return func(o *options) { o.idleTasks = max(n, 0) } }

// CancelOnSignal makes Run cancel its main task, with a *SignalError as the cause, when one of
// the signals arrives. From then on they have their usual effect, so that a second one ends the
// program. (asyncio.run does so for SIGINT.)
func CancelOnSignal(sigs ...os.Signal) Option { return func(o *options) { o.signals = sigs } }

// CloseTimeout sets how long Close goes on sending the pending data of connections that were closed.
// The default is 5 seconds; 0 is as long as their peers take. If it is less than 0, Close does not
// wait: what the system does not take at once is lost.
func CloseTimeout(d time.Duration) Option { return func(o *options) { o.drain = d } }
