package corolla

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// runnable is anything that can become ready: a callback, a timer, a task.
type runnable interface{ run() }

// entry is a place in the ready ring.
type entry struct {
	what runnable // nil once canceled
	site site
}

type callback func()

func (f callback) run() { f() }

// Handle identifies a callback given to Soon.
type Handle struct {
	loop   *Loop
	number uint64
}

// Soon runs f in the next turn of the loop, after everything that became ready before it.
// It panics on a closed loop; on one that is being closed f never runs.
func (l *Loop) Soon(f func()) Handle {
	l.check("Soon")
	if l.state == closed {
		panic("corolla: Soon on a closed loop: nothing would ever run the callback; check the order of shutdown")
	}
	return Handle{l, l.ready.Push(entry{callback(f), l.site()})}
}

// AtTurnEnd runs f on a loop at the end of the turn, when every callback of it has run and before the loop
// waits: for what gathers in a turn, such as messages to be sent together. It is not for what takes long.
// On a loop that is not running f runs at the end of the first turn, and on one that is closed never.
func AtTurnEnd(l *Loop, f func()) {
	l.check("AtTurnEnd")
	l.last.Push(entry{callback(f), l.site()})
}

// Cancel keeps the callback from running, and reports whether it did: false if the callback
// has already run or was canceled before. On the zero Handle it does nothing.
func (h Handle) Cancel() bool {
	if h.loop == nil {
		return false
	}
	h.loop.check("Handle.Cancel")
	at := h.loop.ready.At(h.number)
	if at == nil || at.what == nil {
		return false
	}
	at.what = nil
	return true
}

// push makes one of the loop's own runnables ready.
func (l *Loop) push(r runnable) { l.ready.Push(entry{what: r}) }

// crashWith records a panic to let out of Run: the first of a batch. Any others go to the error
// handler.
func (l *Loop) crashWith(p *PanicError) {
	if l.crashed == nil {
		l.crashed = p
	} else {
		l.report(p)
	}
}

// crash lets the recorded panic out, if there is one.
func (l *Loop) crash() {
	if p := l.crashed; p != nil {
		l.crashed = nil
		panic(p)
	}
}

// Recovered handles a panic as the loop handles one in a callback: it goes to the error
// handler or, with ErrorPolicy(Crash), out of Run. It is for code that calls user code and
// survives its panics: call it from the deferred function that recovered v, with where
// naming the code that panicked. It returns the error that it made.
func (l *Loop) Recovered(v any, where string) *PanicError {
	l.check("Recovered")
	p := l.Caught(v, where)
	if !l.opt.crash {
		l.report(p)
	}
	return p
}

// report gives an error to the error handler, and survives the handler's panics.
func (l *Loop) report(err error) {
	defer func() {
		if v := recover(); v != nil {
			defaults().handler(fmt.Errorf("the error handler panicked: %v; it was given: %w", v, err))
		}
	}()
	l.opt.handler(err)
}

// Report gives an error that has nowhere else to go to the loop's error handler.
func (l *Loop) Report(err error) {
	l.check("Report")
	l.report(err)
}

// inbox holds what other goroutines want the loop to run.
type inbox struct {
	n     atomic.Int64 // len(items), readable without the lock
	mu    sync.Mutex
	open  bool
	items []entry
	spare []entry // the other half of a double buffer
}

// Post runs f on the loop, after everything posted before it. It returns ErrLoopClosed if
// the loop was closed; a callback that was posted but has not run when the loop is closed
// never runs. Safe from any goroutine.
func (l *Loop) Post(f func()) error {
	e := entry{callback(f), l.site()}
	l.inbox.mu.Lock()
	if !l.inbox.open {
		l.inbox.mu.Unlock()
		return fmt.Errorf("corolla: post: %w", ErrLoopClosed)
	}
	l.inbox.items = append(l.inbox.items, e)
	l.inbox.n.Add(1)
	l.inbox.mu.Unlock()
	l.host.Wake()
	return nil
}

func (l *Loop) takeInbox() {
	in := &l.inbox
	in.mu.Lock()
	items := in.items
	in.items = in.spare[:0]
	in.n.Store(0)
	in.mu.Unlock()
	for _, e := range items {
		l.ready.Push(e)
	}
	clear(items)
	if in.spare = items; cap(items) > 1<<16 {
		in.spare = nil
	}
}

// close refuses further posts, and drops those that were not taken.
func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open = false
	in.items, in.spare = nil, nil
}
