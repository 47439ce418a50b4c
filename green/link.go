package green

import (
	"slices"

	"github.com/corolla-go/corolla"
)

// link is a function to call when a thread has ended.
type link[T any] struct{ call func(*Thread[T]) }

// Link calls f when the thread has ended, in the thread, after the functions that were linked
// before it, and before threads that wait for this one go on. If f panics, the error handler is
// told, and functions linked later are not called. If the thread has ended already, Link calls f at
// once. If the thread never began, because its loop or Run has ended, f is called outside any
// thread, and must not wait.
//
// unlink removes the link, and reports whether it did: false if f has been called, or is running.
func (th *Thread[T]) Link(f func(*Thread[T])) (unlink func() bool) {
	th.hub.loop.Check("green.Thread.Link")
	if th.dead {
		f(th)
		return func() bool { return false }
	}
	l := &link[T]{f}
	th.links = append(th.links, l)
	return func() bool {
		was := l.call != nil
		l.call = nil // runLinks may hold it
		if i := slices.Index(th.links, l); i >= 0 {
			th.links = slices.Delete(th.links, i, i+1)
		}
		return was
	}
}

func (th *Thread[T]) runLinks() {
	if len(th.links) == 0 {
		return
	}
	links := th.links
	th.links = nil
	defer func() {
		if v := recover(); v != nil && !corolla.IsUnwinding(v) {
			th.hub.loop.Recovered(v, "a link of "+th.String())
		}
	}()
	for _, l := range links {
		if call := l.call; call != nil {
			l.call = nil
			call(th)
		}
	}
}

// Future returns a future of the thread's result, for functions that take futures, such as
// corolla.All and corolla.First. Canceling it does not affect the thread.
func (th *Thread[T]) Future() *corolla.Future[T] {
	f := corolla.NewFuture[T](th.hub.loop)
	th.Link(func(th *Thread[T]) {
		if v, err := th.Result(); err == nil {
			_ = f.Resolve(v) // or it was canceled
		} else if !f.Done() {
			_ = f.Fail(err)
		}
	})
	return f
}
