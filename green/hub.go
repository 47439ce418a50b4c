// Package green provides green threads in the style of Eventlet and gevent: code that looks
// blocking and takes no task, because the hub knows which thread is running.
//
//	green.Main(func(h *green.Hub) error {
//		ln, err := h.Listen("tcp", ":7000")
//		if err != nil {
//			return err
//		}
//		return h.Serve(ln, func(c *green.Conn) error { _, err := io.Copy(c, c); return err })
//	})
//
// Suspension is implicit here, which is the point: a Conn is a net.Conn, so it can be given to
// ordinary Go code. The price is that the code does not show where other threads may run. Nothing
// in the standard library is patched.
//
// Functions that can wait must be called in a green thread, or in another task of the loop; they
// panic elsewhere. Everything belongs to the loop's goroutine. Hub.Task opens all of package
// corolla to green code: its queues, locks, scopes and groups take the task, and green has none of
// its own.
//
// A sync.Mutex must not be held while other threads that may lock it run: a thread that blocks on
// it blocks the loop. So never give a Conn to tls.Client or tls.Server, whose connections hold
// mutexes while they read and write; use DialTLS, ListenTLS, Conn.ClientTLS and Conn.ServerTLS.
// Code that starts goroutines of its own needs what aio.Conn.NetConn returns.
//
// # Kills and timeouts
//
// Kills and timeouts take effect where a thread waits, and there are two kinds of wait. A wait of
// green's own (Sleep, Thread.Wait, Pool.Go and the like) does not return: a panic unwinds the
// thread and runs its deferred calls, up to the Timeout whose time is up, or to the thread's end.
// So code that ignores errors cannot swallow it, as with Eventlet's exceptions. A call that
// libraries make too (on a Conn, a Listener or a PacketConn, or to dial) returns an error instead,
// because libraries hold locks across such calls, and release them on errors.
//
// Deferred calls may wait too, 100 times and for 5 seconds in all, counted from when the unwinding
// began. Beyond that their waits fail as well.
package green

import (
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// Hub runs green threads on a loop.
type Hub struct {
	loop   *corolla.Loop
	dying  map[*corolla.Task]*cleanup
	locals map[*corolla.Task]map[any]any
}

// NewHub returns a hub for a loop. A loop can have several, whose threads can wait for each other.
func NewHub(l *corolla.Loop) *Hub { return &Hub{loop: l} }

// Loop returns the hub's loop.
func (h *Hub) Loop() *corolla.Loop { return h.loop }

// Task returns the task of the running thread, for everything in package corolla that takes one:
//
//	q.Get(h.Task())
//
// (Eventlet's getcurrent.)
func (h *Hub) Task() *corolla.Task { return h.current("green.Hub.Task") }

// Sleep lets other threads run for d; 0 or less means until the next turn.
func (h *Hub) Sleep(d time.Duration) {
	h.wait("green.Hub.Sleep", func(t *corolla.Task) error { return t.Sleep(d) })
}

// Every calls f at once and then at the end of every d, until f returns an error, and returns that; see
// corolla.Every.
func (h *Hub) Every(d time.Duration, f func() error) error {
	l := h.loop
	for begin := l.Now(); ; {
		if err := f(); err != nil {
			return err
		}
		h.Sleep(d - (l.Now()-begin)%max(d, 1))
	}
}

// Run runs main as a green thread, and the loop until main has ended. The other threads are then
// killed, and Run waits for them to end.
func (h *Hub) Run(main func() error) error {
	return h.loop.Run(func(*corolla.Task) error { return main() })
}

// current returns the task of the running green thread.
func (h *Hub) current(what string) *corolla.Task {
	h.loop.Check(what)
	t := h.loop.Current()
	if t == nil {
		outside(what)
	}
	return t
}

func outside(what string) {
	panic("green: " + strings.TrimPrefix(what, "green.") + " outside of a green thread: start one with Hub.Go")
}
