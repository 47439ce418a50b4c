package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
)

// OnLoop lets a loop's handlers serve where net/http does the talking. The goroutine on which net/http
// calls the handler posts a task to the loop, and then does whatever that task asks of it: each wish to
// read the body, or to write what has collected, is an errand, a function that may block. So a small
// answer crosses over once, with the end of the task. An errand that comes while that goroutine is still
// out on another one, as when a handler reads in one task and writes in another, is done by a worker.
//
// A task never lends its buffers to an errand. It may be canceled while the errand still blocks, and its
// caller would take the buffer back.

// onLoopWorkers is the name of the workers that do the second errand of a request.
const onLoopWorkers = "onloop"

// OnLoop returns a handler for a server of net/http whose calls run on the loop: each call of handler is
// a task of l, while the goroutine that net/http made for the request waits. So handlers share state
// without locks, as they do with Server, behind whatever net/http can do that Server cannot: HTTP/2, h2c,
// autocert, a server that is already there.
//
// In the handler, r.Context() is the task, with the values of net/http's context; the task is canceled
// when that context ends. Reading the body parks the task until there is some. What is written collects
// in a buffer of up to 32 KiB that is handed over when it is full, by Flush, and at the end, so an error
// in writing is returned by a later call. The ResponseWriter implements http.Flusher, io.StringWriter and
// io.ReaderFrom, which leaves the sending of an *os.File to net/http, and supports the deadlines and
// EnableFullDuplex of http.ResponseController. It has no Hijack: http.ResponseController returns
// http.ErrNotSupported. It and the body are for tasks of the loop; elsewhere they panic.
//
// A panic continues on net/http's goroutine: http.ErrAbortHandler as it is, any other as an error that
// has the stack of the handler and unwraps to a *corolla.PanicError. If a read of the body is still
// going on when the handler returns, because its task was canceled, its connection is not used again.
//
// When the loop is closed, calls that have not begun are answered with 503 Service Unavailable. While it
// does not run, they wait.
//
// OnLoop is called on the loop, or before the loop runs. The handler that it returns is safe from any
// goroutine except those that run the loop, which would wait for themselves: there it panics.
func OnLoop(l *corolla.Loop, handler http.Handler) http.Handler {
	h := &onLoop{loop: l, handler: handler, function: handler.ServeHTTP, workers: l.Workers(onLoopWorkers), gone: make(chan struct{})}
	if f, ok := handler.(http.HandlerFunc); ok {
		h.function = f // which is better known by its own name
	}
	h.workers.SetLimit(math.MaxInt) // there are no more errands than goroutines of net/http's
	l.OnClose(func() { close(h.gone) })
	return h
}

type onLoop struct {
	loop     *corolla.Loop
	handler  http.Handler
	function any // to be named in lists
	workers  *corolla.Workers
	gone     chan struct{} // closed with the loop
}

func (h *onLoop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.loop.CheckOutside("a handler made by web.OnLoop")
	x := &onLoopCall{h: h, w: w, r: r, mail: make(chan onLoopErrand, 2)}
	x.body.x, x.answer.x = x, x
	x.answer.header = w.Header().Clone()
	if h.loop.Post(x.begin) != nil || !x.attend() {
		refuseOnLoop(w)
	}
}

func refuseOnLoop(w http.ResponseWriter) {
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// onLoopCall is one call of a handler. What it has of net/http is for errands; the rest belongs to the
// loop.
type onLoopCall struct {
	corolla.Job
	h *onLoop

	w    http.ResponseWriter
	r    *http.Request
	mail chan onLoopErrand // to net/http's goroutine: at most one errand, and the end
	away sync.WaitGroup    // errands that workers do

	begun  atomic.Bool         // or given up
	broken atomic.Pointer[any] // the first panic in an errand

	inner   *http.Request // the handler's
	out     bool          // net/http's goroutine is out on an errand
	aborted bool          // the handler panicked with http.ErrAbortHandler
	body    onLoopBody
	answer  onLoopWriter
	control onLoopLane
}

// onLoopErrand is something that net/http's goroutine is to do. The one without a lane is the last.
type onLoopErrand struct {
	lane *onLoopLane
	do   func() error
}

// onLoopLane is a kind of errand, of which there is one at a time.
type onLoopLane struct {
	busy    bool
	err     error // the first
	waiting corolla.Waiters
}

// begin starts the task.
func (x *onLoopCall) begin() {
	if x.begun.CompareAndSwap(false, true) {
		x.Start(x.h.loop, x,
			corolla.With(x.r.Context()), corolla.Describe(x.h.function, x), corolla.Eager())
	}
}

// attend does errands until the task has ended. It reports false if the task will never begin.
func (x *onLoopCall) attend() bool {
	gone, ended := x.h.gone, x.r.Context().Done()
	for {
		select {
		case e := <-x.mail:
			if e.lane == nil {
				_ = e.do() // always nil: nobody is left to hear of it
				return true
			}
			x.do(e, false)
			continue
		case <-gone:
		case <-ended:
		}
		if x.begun.CompareAndSwap(false, true) {
			return false
		}
		gone, ended = nil, nil // the task hears of it too
	}
}

// do does an errand, and tells the loop.
func (x *onLoopCall) do(e onLoopErrand, away bool) {
	var err error
	defer func() {
		v := recover()
		if v != nil { // it goes on where the call ends
			err = fmt.Errorf("web: panic on net/http's side: %v", v)
			x.broken.CompareAndSwap(nil, &v)
		}
		_ = x.h.loop.Post(func() { // refused on a closed loop, where nobody waits
			if !away {
				x.out = false
			}
			if v != nil {
				x.Task().Cancel(err)
			}
			e.lane.land(err)
		})
	}()
	err = e.do()
}

func (n *onLoopLane) land(err error) {
	n.busy = false
	if n.err == nil {
		n.err = err
	}
	n.waiting.WakeAll()
}

// send sends somebody on an errand; the lane must be free.
func (x *onLoopCall) send(n *onLoopLane, do func() error) {
	n.busy = true
	e := onLoopErrand{n, do}
	if !x.out {
		x.out = true
		x.mail <- e // which has room for it
		return
	}
	x.elsewhere(func() { x.do(e, true) }, func() { n.land(corolla.ErrLoopClosed) })
}

// elsewhere has a worker call f, which the call waits for; or calls refused if there are none any more.
func (x *onLoopCall) elsewhere(f, refused func()) {
	x.away.Add(1)
	work := corolla.OffloadTo(x.h.workers, func(context.Context) (struct{}, error) {
		defer x.away.Done()
		f()
		return struct{}{}, nil
	})
	if work.Done() {
		x.away.Done()
		_, _ = work.Result() // corolla.ErrLoopClosed
		refused()
	}
}

// wait parks the current task until a lane is free.
func (x *onLoopCall) wait(n *onLoopLane, what string) error {
	for n.busy {
		t := x.h.loop.Current()
		if t == nil {
			panic("web: " + what + " in a callback, which cannot wait; call it in a task")
		}
		if _, err := n.waiting.Wait(t, what); err != nil {
			return err
		}
	}
	return nil
}

// Run is the body of the task.
func (x *onLoopCall) Run(t *corolla.Task) error {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			x.aborted = true
		default:
			panic(v)
		}
	}()
	x.inner = x.r.WithContext(onLoopContext{t})
	if x.r.Body != nil && x.r.Body != http.NoBody {
		x.inner.Body = &x.body
	}
	if x.r.Trailer != nil {
		x.inner.Trailer = x.r.Trailer.Clone()
	}
	x.h.handler.ServeHTTP(&x.answer, x.inner)
	return nil
}

// String says what the task is for.
func (x *onLoopCall) String() string {
	return fmt.Sprintf("%s %s for %s", x.r.Method, x.r.URL.Path, x.r.RemoteAddr)
}

// Function returns the handler's function.
func (x *onLoopCall) Function() any { return x.h.function }

// Ended hands over what is left of the answer, or why there is none.
func (x *onLoopCall) Ended(err error) {
	x.answer.over, x.body.over = true, true
	if x.body.lane.busy {
		x.interrupt()
	}
	sent := x.answer.sent
	finish := x.answer.last()
	x.mail <- onLoopErrand{do: func() error { // net/http's goroutine is back, or will be
		x.away.Wait()
		x.raise(err, sent)
		finish(err)
		if x.r.MultipartForm == nil && x.inner != nil {
			x.r.MultipartForm = x.inner.MultipartForm // whose files net/http removes
		}
		return nil
	}}
}

// raise continues a panic on net/http's goroutine.
func (x *onLoopCall) raise(err error, sent bool) {
	if v := x.broken.Load(); v != nil {
		panic(*v)
	}
	if p, ok := err.(*corolla.PanicError); ok {
		panic(&onLoopPanic{p})
	}
	if x.aborted || err != nil && sent {
		panic(http.ErrAbortHandler) // so that a part of an answer is not taken for the whole
	}
}

// interrupt makes a read of the body return that nobody waits for any more.
func (x *onLoopCall) interrupt() {
	now := func() {
		// Where it is not supported, there is only waiting.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Unix(1, 0))
	}
	x.elsewhere(now, now)
}

// onLoopContext is the context of the handler's request.
type onLoopContext struct{ *corolla.Task }

func (c onLoopContext) Value(key any) any {
	if key == (taskKey{}) {
		return c.Task
	}
	return c.Task.Value(key)
}

// onLoopPanic is the panic of a handler on the goroutine that called for it. net/http logs it with the
// stack of that goroutine, which says nothing of where it happened.
type onLoopPanic struct{ *corolla.PanicError }

func (p *onLoopPanic) Error() string { return fmt.Sprintf("%v\n\n%s", p.PanicError, p.Stack) }
func (p *onLoopPanic) Unwrap() error { return p.PanicError }
