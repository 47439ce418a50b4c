// Package corolla is an event loop, and on it every way of writing programs for one:
// callbacks, protocols, tasks, Deferred chains, green threads and generators. They
// share the loop, the sockets and the clock, so one program can mix them.
//
//	l, err := corolla.New()
//	…
//	err = l.Run(func(t *corolla.Task) error {
//		c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
//		…
//	})
//
// # House rules
//
// Everything runs on the goroutine that runs the loop, one thing at a time, so what
// connections share needs no locks. Other goroutines come in through Loop.Post; the
// few other things that they may do are marked "Safe from any goroutine."
//
// Whatever takes a *Task may suspend it, and other code then runs; whatever takes none
// cannot. The exceptions have no place for a task: package green and what Bind of package
// aio returns, where a net.Conn waits, and the Yield of a generator.
//
// A Task is a context.Context. Cancellation is a state, not an event: in a canceled
// scope everything that waits returns an error, until the scope is left.
//
// Nothing fails silently. A panic, an error that nobody looked at, a callback that
// held the loop too long: all reach the loop's error handler.
//
// # Models
//
//	callbacks        Loop.Soon, Loop.After, Socket.OnReadable     this package
//	protocols        transport.Protocol, transport.Conn           package transport
//	tasks            Task, Future, Group; aio.Conn                this package, package aio
//	Deferred chains  deferred.Deferred                            package deferred
//	green threads    green.Hub, green.Conn                        package green
//	generators       gen.Generator, gen.Go                        package gen
//
// Package sim has a simulated machine for loops, for tests that repeat exactly.
package corolla
