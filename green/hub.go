// Package green has green threads in the style of Eventlet: code that looks blocking
// and takes no task, because the hub knows which thread is running.
//
//	h := green.NewHub(l)
//	h.Go(func() { h.Sleep(time.Second); … })
//
// Suspension is implicit here, which is the point: a Conn is a net.Conn, so ordinary
// Go code can be given one. The price is that the code does not show where other
// threads may run in between. Nothing of the standard library is patched.
//
// What can wait must be called in a green thread and panics elsewhere. Everything
// belongs to the loop's goroutine.
package green

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Hub runs green threads on a loop.
type Hub struct {
	loop *corolla.Loop
}

// NewHub returns a hub for a loop. A loop can have several; their threads can meet.
func NewHub(l *corolla.Loop) *Hub { return &Hub{loop: l} }

// Loop returns the hub's loop.
func (h *Hub) Loop() *corolla.Loop { return h.loop }

// Thread is a green thread.
type Thread struct {
	hub    *Hub
	result *corolla.Future[struct{}]
}

// Go starts f as a green thread, in the next turn: it never runs within the call
// (Eventlet's spawn). A panic in f ends the thread only, and is its error.
func (h *Hub) Go(f func()) *Thread {
	body := func(*corolla.Task) error { f(); return nil }
	return &Thread{h, h.loop.Go(body, corolla.Describe(f, nil))}
}

// Wait waits until the thread has ended, and returns its error: nil, or a
// *corolla.PanicError. Any number of threads may wait, any number of times.
func (th *Thread) Wait() error {
	_, err := th.result.Await(th.hub.current("Thread.Wait"))
	return err
}

// Sleep lets other threads run for d; 0 or less is to the next turn.
func (h *Hub) Sleep(d time.Duration) error { return h.current("Sleep").Sleep(d) }

// Run runs main as a green thread, and the loop until it has ended.
func (h *Hub) Run(main func() error) error {
	return h.loop.Run(func(*corolla.Task) error { return main() })
}

// current returns the task of the running green thread.
func (h *Hub) current(what string) *corolla.Task {
	t := h.loop.Current()
	if t == nil {
		outside(what)
	}
	return t
}

func outside(what string) {
	panic("green: " + what + " outside of a green thread: start one with Hub.Go")
}
