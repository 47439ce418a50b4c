package corolla

import (
	"io"
	"net"

	"github.com/corolla-go/corolla/internal/host"
)

// descriptor is one that a loop's machine tells of. All readiness is kept here, whether the descriptor
// is a Socket, of which we see what is tried, or is given to a Watch, of which we do not.
type descriptor struct {
	loop *Loop
	fd   host.FD
	r, w direction
	peer host.Endpoint // of a connection
}

// direction is one half of a descriptor.
type direction struct {
	ready    bool
	level    bool       // the machine tells again for as long as it is ready, so each call forgets it
	pieces   bool       // less than was asked for does not mean that it is not ready any more
	gated    bool       // there is a gate: see socket_throttle.go
	held     bool       // which is shut
	behind   bool       // what ready will be when it opens
	callback *readiness // nil if none
	spare    readiness  // the first callback's, so that most need no allocation
	waiter   *Task
}

// Every Try… method begins with may, returns what refusal says if it may not, asks the system, and
// hands what came of it to tried, or triedToRead. These are several small functions, and not one
// that is given the call, because the compiler inlines them and would not inline that.

// may reports whether to ask the system to do something of a size in a direction.
func (s *Socket) may(d *direction, size int) bool { return d.ready && size > 0 && !s.closed }

// refusal is what a method returns that may not: net.ErrClosed on a socket that was closed, nil
// where there is nothing to do, and ErrWouldBlock while the direction is not ready.
func (s *Socket) refusal(op string, size int) error {
	switch {
	case s.closed:
		return s.gone(op)
	case size <= 0:
		return nil
	}
	return ErrWouldBlock
}

// tried forgets that a direction is ready if an attempt shows that it is not any more: the system
// would have had to wait, or has done only a part of what was asked.
func (d *direction) tried(part bool, err error) {
	if err == host.ErrAgain || err == nil && part && !d.pieces {
		d.ready = false
	}
}

// triedToRead is tried for what takes from a stream. A part of what was asked for is no sign where
// the system ends a read at a mark; nor once the peer has hung up, for then no edge will tell of the
// end.
func (s *Socket) triedToRead(part bool, err error) {
	s.r.tried(part && !s.hangup && !s.urgent, err)
	if err != nil {
		s.failedToRead(err)
	}
}

func (s *Socket) failedToRead(err error) {
	switch err {
	case host.ErrAgain:
		s.urgent = false
	case io.EOF:
		s.ended = true // but still ready, for whoever reads again
		s.r.mute()
	}
}

// readiness is one registration of a callback.
type readiness struct {
	of      *descriptor
	f       func() // nil once removed
	writing bool   // which of its directions it is
	once    bool
	queued  bool
	site    site
}

func (c *readiness) direction() *direction {
	if c.writing {
		return &c.of.w
	}
	return &c.of.r
}

// OnReadable calls f whenever the socket is readable, once a turn for as long as
// it stays so; nil ends that. It replaces the callback set before, which does not
// run any more even if it was about to. After the end of the stream was read, f is
// not called again. It panics if a task waits for the same thing, and takes the place of
// OnceReadable's callback, which nil leaves alone.
func (s *Socket) OnReadable(f func()) { s.on(&s.r, f, false, "OnReadable") }

// OnWritable does for writing what OnReadable does for reading.
func (s *Socket) OnWritable(f func()) { s.on(&s.w, f, false, "OnWritable") }

// OnceReadable calls f once, when the socket is readable, at its end or closed: whoever
// waits thus always hears, and learns from TryRead what it was; nil takes it back. It
// returns ErrBusy if a task or a callback waits for the same thing.
func (s *Socket) OnceReadable(f func()) error { return s.once(&s.r, f, "OnceReadable") }

// OnceWritable does for writing what OnceReadable does for reading.
func (s *Socket) OnceWritable(f func()) error { return s.once(&s.w, f, "OnceWritable") }

// Readable reports whether TryRead, TryReadFrom or TryAccept may find something. It asks nobody: it
// is false only if they would return ErrWouldBlock.
func (s *Socket) Readable() bool {
	s.loop.check("Socket.Readable")
	return s.r.ready || s.closed
}

func (s *Socket) once(d *direction, f func(), what string) error {
	if f != nil && (d.waiter != nil || d.callback != nil) {
		return ErrBusy
	}
	if f != nil || d.callback != nil && d.callback.once {
		s.on(d, f, true, what)
	}
	return nil
}

func (s *Socket) on(d *direction, f func(), once bool, what string) {
	s.loop.check(what)
	if f != nil && d.waiter != nil {
		panic("corolla: " + what + " on a socket for which " + d.waiter.String() + " waits; a socket has one reader and one writer")
	}
	if f == nil && !once && d.callback != nil && d.callback.once {
		return // somebody else's, who must hear
	}
	d.mute()
	if f == nil || !once && (s.closed || d == &s.r && s.ended) {
		return
	}
	var from site
	if s.loop.opt.debug {
		from = callSite(3)
	}
	if s.closed {
		d.ready = true
	}
	s.register(d, f, once, from)
}

// register gives a direction, which has none, a callback.
func (of *descriptor) register(d *direction, f func(), once bool, from site) {
	c := &d.spare
	if c.queued { // with a callback that was removed, in whose place this one must not run
		c = new(readiness)
	}
	c.of, c.writing, c.f, c.once, c.site = of, d == &of.w, f, once, from
	d.callback = c
	d.call()
}

func (d *direction) mute() {
	if d.callback != nil {
		d.callback.f = nil
		d.callback = nil
	}
}

// call makes the callback ready if the direction is.
func (d *direction) call() {
	if c := d.callback; c != nil && d.ready && !c.queued {
		c.queued = true
		c.of.loop.push(c)
	}
}

// run calls the callback, and makes it ready again if there is still something
// to do.
func (c *readiness) run() {
	c.queued = false
	f := c.f
	if f == nil {
		return
	}
	d := c.direction()
	if c.once {
		d.mute()
	}
	if d.level {
		d.ready = false
	}
	f()
	d.call()
}

// WaitReadable parks t until the socket is readable. It returns ErrBusy if
// another task or a callback waits for that already, net.ErrClosed when the
// socket is closed meanwhile, and t's own error if t is canceled.
func (s *Socket) WaitReadable(t *Task) error {
	s.loop.check("Socket.WaitReadable")
	return s.wait(t, &s.r, "reading a socket")
}

// WaitWritable does for writing what WaitReadable does for reading.
func (s *Socket) WaitWritable(t *Task) error {
	s.loop.check("Socket.WaitWritable")
	return s.wait(t, &s.w, "writing to a socket")
}

func (s *Socket) wait(t *Task, d *direction, on any) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case d.waiter != nil || d.callback != nil:
		return ErrBusy
	case d.ready:
		return nil
	}
	if err := t.willing("a wait for a socket"); err != nil {
		return err
	}
	d.waiter = t
	err := t.Park(on)
	d.waiter = nil
	if err == nil && s.closed {
		return net.ErrClosed
	}
	return err
}

// event is told by the loop what the host has seen.
func (s *Socket) event(r host.Ready) {
	if r&host.Hangup != 0 {
		s.hangup = true
		r |= host.Readable | host.Writable
	}
	if r&host.Urgent != 0 {
		s.urgent = true
	}
	if r&host.Readable != 0 {
		s.r.begin()
	}
	if r&host.Writable != 0 {
		s.w.begin()
	}
}

func (d *direction) begin() {
	if d.held {
		d.behind = true
		return
	}
	d.ready = true
	if d.waiter != nil {
		d.waiter.Unpark()
	}
	d.call()
}
