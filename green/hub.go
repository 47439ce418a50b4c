// Package green has green threads in the style of Eventlet and gevent: code that looks blocking and
// takes no task, because the hub knows which thread is running.
//
//	green.Main(func(h *green.Hub) error {
//		ln, err := h.Listen("tcp", ":7000")
//		if err != nil {
//			return err
//		}
//		return h.Serve(ln, func(c *green.Conn) error { _, err := io.Copy(c, c); return err })
//	})
//
// Suspension is implicit here, which is the point: a Conn is a net.Conn, so ordinary
// Go code can be given one. The price is that the code does not show where other
// threads may run in between. Nothing of the standard library is patched.
//
// What can wait must be called in a green thread, or another task of the loop, and panics
// elsewhere. Everything belongs to the loop's goroutine. Hub.Task opens all of package corolla to
// green code: queues, locks, scopes and groups take the task, and there are no others here.
//
// A sync.Mutex must not be held where others that want it may run: the thread that waits for it
// holds the loop. So a Conn is never given to tls.Client or tls.Server, whose connections hold
// mutexes while they read and write; use DialTLS, ListenTLS, Conn.ClientTLS and Conn.ServerTLS. Code
// that starts goroutines of its own is given what aio.Conn.NetConn returns.
//
// # Kills and timeouts
//
// A thread is killed, or its time is up, where it waits. What waits is of two kinds. A wait of
// green's own (Sleep, Thread.Wait, Pool.Go and the like) does not return then: the thread is unwound
// by a panic, which runs what it has deferred, up to the Timeout whose time is up, or to the
// thread's end. So no check for errors can swallow it, as none does Eventlet's exceptions. A call
// that others know (of a Conn, a Listener, a PacketConn, a dial) returns an error, for libraries
// hold locks across such calls, and release them on errors.
//
// What is deferred may wait in turn, 100 times and for 5 seconds in all, from the moment on in which
// the unwinding began. Beyond that its waits fail too.
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

// NewHub returns a hub for a loop. A loop can have several; their threads can meet.
func NewHub(l *corolla.Loop) *Hub { return &Hub{loop: l} }

// Loop returns the hub's loop.
func (h *Hub) Loop() *corolla.Loop { return h.loop }

// Task returns the task of the running thread, for everything of package corolla that takes one:
//
//	q.Get(h.Task())
//
// (Eventlet's getcurrent.)
func (h *Hub) Task() *corolla.Task { return h.current("green.Hub.Task") }

// Sleep lets other threads run for d; 0 or less is to the next turn.
func (h *Hub) Sleep(d time.Duration) {
	h.wait("green.Hub.Sleep", func(t *corolla.Task) error { return t.Sleep(d) })
}

// Run runs main as a green thread, and the loop until it has ended. The other threads are then
// killed, and Run waits for their ends.
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
