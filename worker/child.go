package worker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Worker is a worker in its own process. Everything here belongs to its loop's goroutine.
type Worker struct {
	role   role
	linger time.Duration
	loop   *corolla.Loop
	files  map[string]*os.File        // inherited, and not yet asked for
	names  map[*corolla.Socket]string // of the sockets that were asked for
	parent *aio.Conn                  // the pipe to it; nothing ever waits for it
	give   *giver
	take   *taker

	retired corolla.Event
	late    bool // it has not ended within the grace
	on      []func()
	scopes  map[*corolla.Scope]bool // that end when the worker is to
	scope   *corolla.Scope          // of the body
	check   func(t *corolla.Task) error
}

// work runs body as a worker.
func (p *Pool) work(t *corolla.Task, as role, body func(t *corolla.Task, w *Worker) error) error {
	w := &Worker{
		role: as, linger: p.Linger, loop: t.Loop(), files: map[string]*os.File{},
		names: map[*corolla.Socket]string{}, scopes: map[*corolla.Scope]bool{},
	}
	if err := w.inherit(); err != nil {
		return err
	}
	defer w.close()
	input, err := w.loop.Adopt(os.Stdin)
	if err != nil {
		return fmt.Errorf("worker: standard input, which says when to end: %w", err)
	}
	lifeline := aio.NewConn(input)
	defer func() { _ = lifeline.Close() }() // only read from
	// Ctrl-C, and the end of a terminal's session, reach all processes of the terminal.
	defer w.loop.OnSignal(func(sig os.Signal) {
		if sig == syscall.SIGTERM {
			w.retire()
		}
	}, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)()
	return t.Shielded(func(*corolla.Scope) error {
		err := t.Cancelable(func(s *corolla.Scope) error {
			w.scope = s
			watch := w.loop.Go(func(t *corolla.Task) error { return w.awaitEnd(t, lifeline) })
			defer watch.Cancel(nil)
			beat := w.loop.Go(w.beat)
			defer beat.Cancel(nil)
			return body(t, w)
		})
		w.take.close(t)
		w.give.close()
		if w.Retiring() && !w.late && corolla.IsOnly(err, corolla.ErrCanceled, context.Canceled) {
			return nil
		}
		return err
	})
}

// inherit takes what the parent has passed.
func (w *Worker) inherit() error {
	files, err := corolla.Inherited()
	if err != nil {
		return err
	}
	for _, f := range files {
		w.files[f.Name()] = f
	}
	s, err := w.adopt(channelName)
	if err != nil {
		w.close()
		return err
	}
	w.parent = aio.NewConn(s)
	next, err := w.adoptIfThere(nextName)
	if err != nil {
		w.close()
		return err
	}
	w.give = newGiver(w, next)
	last, err := w.adoptIfThere(lastName)
	if err != nil {
		w.close()
		return err
	}
	w.take = newTaker(w, last)
	return nil
}

// adoptIfThere adopts what a parent of an older version does not pass.
func (w *Worker) adoptIfThere(name string) (*corolla.Socket, error) {
	if w.files[name] == nil {
		return nil, nil
	}
	return w.adopt(name)
}

// close closes what nobody asked for, and the pipe.
func (w *Worker) close() {
	for _, f := range w.files {
		_ = f.Close()
	}
	if w.parent != nil {
		_ = w.parent.Close()
	}
}

func (w *Worker) adopt(name string, opts ...corolla.SocketOption) (*corolla.Socket, error) {
	f := w.files[name]
	if f == nil {
		return nil, noSocket(name)
	}
	delete(w.files, name)
	s, err := w.loop.Adopt(f, opts...)
	_ = f.Close() // it was duplicated
	if err != nil {
		return nil, fmt.Errorf("worker: socket %q: %w", name, err)
	}
	return s, nil
}

// awaitEnd waits until the parent closes the worker's input, or ends.
func (w *Worker) awaitEnd(t *corolla.Task, lifeline *aio.Conn) error {
	for {
		if _, err := lifeline.Receive(t); err != nil {
			if t.Err() == nil {
				w.retire()
			}
			return nil
		}
	}
}

// beat says, three times in each while that the watchdog has, that the worker lives, unless its check fails.
func (w *Worker) beat(t *corolla.Task) error {
	if w.role.watchdog <= 0 {
		return nil
	}
	_ = corolla.Every(t, w.role.watchdog/3, func() error { // it ends when it is canceled
		if w.check != nil {
			if err := w.check(t); err != nil {
				w.Status("the check fails: " + err.Error())
				return t.Err()
			}
		}
		w.tell("WATCHDOG=1")
		return nil
	})
	return nil
}

// tell sends the parent a line, of what it takes at most. If it takes none, because it has ended, there is nobody
// to tell.
func (w *Worker) tell(line string) {
	_ = w.parent.TryWrite([]byte(line[:min(len(line), maxTold)] + "\n"))
}

// retire tells the worker to end. The second time it does nothing.
func (w *Worker) retire() {
	if w.Retiring() {
		return
	}
	w.tell("STOPPING=1")
	w.give.begin()
	w.retired.Set()
	for s := range w.scopes { // in no order
		s.Cancel(ErrRetired)
	}
	if len(w.on)+len(w.scopes) == 0 {
		w.scope.Cancel(ErrRetired)
		return
	}
	w.loop.After(w.role.grace, func() {
		w.late = true
		w.scope.Cancel(fmt.Errorf("%w, and not done within %v", ErrRetired, w.role.grace))
	})
	for _, f := range w.on {
		w.loop.Soon(f)
	}
}

// Number returns which worker of the pool this is, from 1.
func (w *Worker) Number() int { return w.role.number }

// Generation returns how many times the pool's workers had been replaced when this one was started.
func (w *Worker) Generation() int { return w.role.generation }

// Socket returns the listening socket of an Address, by its name. It can be asked for once, and is then the
// caller's. The options are those that say how the socket and its connections are used: see
// corolla.Loop.Adopt. A socket that the parent does not have is an error, also when this program's Pool names
// it: the parent may be of an older version.
func (w *Worker) Socket(name string, opts ...corolla.SocketOption) (*corolla.Socket, error) {
	w.loop.Check("worker.Worker.Socket")
	if reserved(name) {
		name = ""
	}
	s, err := w.adopt(name, opts...)
	if err == nil {
		w.names[s] = name
	}
	return s, err
}

// File returns the listening socket of an Address, by its name, for loops that are not the worker's own: each of them
// adopts it, and they accept from one queue. It can be asked for once, instead of Socket, and is then the caller's to
// close.
func (w *Worker) File(name string) (*os.File, error) {
	w.loop.Check("worker.Worker.File")
	f := w.files[name]
	if f == nil || name == channelName {
		return nil, noSocket(name)
	}
	delete(w.files, name)
	return f, nil
}

func noSocket(name string) error {
	return fmt.Errorf("worker: no socket %q: it is not among Pool.Listen, was taken already, or the parent, which an older version may have started, has none", name)
}

// Listen is Socket, for aio. aio.NewTLSListener makes one with TLS of a Socket.
func (w *Worker) Listen(name string, opts ...corolla.SocketOption) (*aio.Listener, error) {
	s, err := w.Socket(name, opts...)
	if err != nil {
		return nil, err
	}
	return aio.NewListener(s), nil
}

// Ready tells the parent that the worker works. Serve and ServeHTTP do so too. Until then a reload waits, for
// Pool.ReadyTimeout. (sd_notify's READY=1.)
func (w *Worker) Ready() {
	w.loop.Check("worker.Worker.Ready")
	w.tell("READY=1")
}

// Status tells the parent's log what the worker is at, in one line. (sd_notify's STATUS.)
func (w *Worker) Status(text string) {
	w.loop.Check("worker.Worker.Status")
	w.tell("STATUS=" + strings.ReplaceAll(text, "\n", " "))
}

// Check sets a function that says whether the worker is well, besides that its loop turns. It is called three
// times in Pool.Watchdog, in a task of its own. While it waits or returns errors the worker shows no sign of
// life.
func (w *Worker) Check(f func(t *corolla.Task) error) {
	w.loop.Check("worker.Worker.Check")
	w.check = f
}

// OnRetire has a function called, on the loop, when the worker is to end: to stop accepting, and to finish what
// it is at within Pool.Grace. Then the body's task is canceled. If there is no such function, and no server in
// Serve or ServeHTTP, the body's task is canceled at once, with ErrRetired as the cause; that stops a
// service.Tree in order. If the worker is to end already, f is called in the next turn.
func (w *Worker) OnRetire(f func()) {
	w.loop.Check("worker.Worker.OnRetire")
	if w.on = append(w.on, f); w.Retiring() {
		w.loop.Soon(f)
	}
}

// Retiring reports whether the worker is to end.
func (w *Worker) Retiring() bool { return w.retired.IsSet() }
