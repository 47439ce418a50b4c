package corolla

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/corolla-go/corolla/internal/host"
)

// Socket is a non-blocking stream socket, or a listening one, of a loop. It is
// the one place where readiness lives: models are built on its three kinds of
// methods. Try… methods act at once or return ErrWouldBlock; On… methods register
// a callback; Wait… methods park a task.
//
// A socket is registered with the system once, for both directions, edge-triggered.
// It remembers readiness until an operation finds that it has ended, so callbacks
// are called for as long as a socket is ready, as asyncio's add_reader has it, yet
// a busy connection costs no call to change its registration and no read that
// finds nothing.
type Socket struct {
	loop   *Loop
	fd     host.FD
	r, w   direction
	hangup bool // no more edges will come for reading
	ended  bool // the end of the stream was read
	closed bool
}

// direction is one half of a socket.
type direction struct {
	ready    bool
	callback *readiness // nil if none
	spare    readiness  // the first callback's, so that most need no allocation
	waiter   *Task
}

// readiness is one registration of a callback.
type readiness struct {
	loop   *Loop
	dir    *direction
	f      func() // nil once removed
	once   bool
	queued bool
	site   site
}

func (l *Loop) newSocket(fd host.FD, writable bool) (*Socket, error) {
	s := &Socket{loop: l, fd: fd}
	s.w.ready = writable
	if err := l.host.Watch(fd, host.Read|host.Write|host.Edge); err != nil {
		return nil, errors.Join(err, l.host.CloseFD(fd))
	}
	l.setWatcher(fd, s)
	return s, nil
}

// ListenAddr returns a socket that listens at a *net.TCPAddr or *net.UnixAddr. A
// port of 0 picks a free one, which LocalAddr tells. Listen takes text.
func (l *Loop) ListenAddr(addr net.Addr) (*Socket, error) {
	l.check("ListenAddr")
	if l.state >= closing {
		return nil, opError("listen", addr, ErrLoopClosed)
	}
	fd, err := l.host.Listen(addr)
	if err != nil {
		return nil, opError("listen", addr, err)
	}
	s, err := l.newSocket(fd, false)
	return s, opError("listen", addr, err)
}

// Connect begins to connect to a *net.TCPAddr or *net.UnixAddr. Once the socket is
// writable, ConnectError tells what came of it. Dial does the whole of it.
func (l *Loop) Connect(addr net.Addr) (*Socket, error) {
	l.check("Connect")
	if l.state >= closing {
		return nil, opError("dial", addr, ErrLoopClosed)
	}
	fd, err := l.host.Connect(addr)
	if err != nil {
		return nil, opError("dial", addr, err)
	}
	s, err := l.newSocket(fd, false)
	return s, opError("dial", addr, err)
}

// ConnectError returns what became of Connect, once the socket is writable: nil
// if it is connected, or the system's error, bare.
func (s *Socket) ConnectError() error {
	if s.closed {
		return s.gone("dial")
	}
	if !s.w.ready {
		return ErrWouldBlock
	}
	if err := s.loop.host.ConnectError(s.fd); err != nil {
		return err
	}
	return nil
}

// TryAccept takes a connection from a listening socket.
func (s *Socket) TryAccept() (*Socket, error) {
	s.loop.check("Socket.TryAccept")
	switch {
	case s.closed:
		return nil, s.gone("accept")
	case !s.r.ready:
		return nil, ErrWouldBlock
	}
	fd, err := s.loop.host.Accept(s.fd)
	if err != nil {
		s.r.ready = err != host.ErrAgain
		return nil, err
	}
	return s.loop.newSocket(fd, true)
}

// TryRead reads at most len(b) bytes. It returns io.EOF at the end of the stream,
// ErrWouldBlock if nothing has arrived, and otherwise the system's error, bare.
func (s *Socket) TryRead(b []byte) (int, error) {
	s.loop.check("Socket.TryRead")
	switch {
	case s.closed:
		return 0, s.gone("read")
	case len(b) == 0:
		return 0, nil
	case !s.r.ready:
		return 0, ErrWouldBlock
	}
	n, err := s.loop.host.TryRead(s.fd, b)
	switch {
	case err == nil:
		s.r.ready = n == len(b) || s.hangup // a short read means drained, save at the end
	case err == host.ErrAgain:
		s.r.ready = false
	case err == io.EOF:
		s.ended = true // but still ready, for whoever reads again
		s.r.mute()
	}
	return n, err
}

// TryWrite writes at most len(b) bytes and returns how many. ErrWouldBlock means
// none; other errors are the system's, bare.
func (s *Socket) TryWrite(b []byte) (int, error) {
	s.loop.check("Socket.TryWrite")
	switch {
	case s.closed:
		return 0, s.gone("write")
	case len(b) == 0:
		return 0, nil
	case !s.w.ready:
		return 0, ErrWouldBlock
	}
	n, err := s.loop.host.TryWrite(s.fd, b)
	if err == host.ErrAgain || err == nil && n < len(b) {
		s.w.ready = false
	}
	return n, err
}

// CloseWrite ends the stream to the peer; reading goes on.
func (s *Socket) CloseWrite() error {
	s.loop.check("Socket.CloseWrite")
	if s.closed {
		return s.gone("close write")
	}
	return s.loop.host.CloseWrite(s.fd)
}

// OnReadable calls f whenever the socket is readable, once a turn for as long as
// it stays so; nil ends that. It replaces the callback set before, which does not
// run any more even if it was about to. After the end of the stream was read, f is
// not called again. It panics if a task waits for the same thing.
func (s *Socket) OnReadable(f func()) { s.on(&s.r, f, false, "OnReadable") }

// OnWritable does for writing what OnReadable does for reading.
func (s *Socket) OnWritable(f func()) { s.on(&s.w, f, false, "OnWritable") }

// OnceReadable calls f once, when the socket is readable, at its end or closed: whoever
// waits thus always hears, and learns from TryRead what it was; nil takes it back. It
// returns ErrBusy if a task or a callback waits for the same thing.
func (s *Socket) OnceReadable(f func()) error { return s.once(&s.r, f, "OnceReadable") }

// OnceWritable does for writing what OnceReadable does for reading.
func (s *Socket) OnceWritable(f func()) error { return s.once(&s.w, f, "OnceWritable") }

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
	d.mute()
	if f == nil || !once && (s.closed || d == &s.r && s.ended) {
		return
	}
	c := &d.spare
	if c.queued {
		c = new(readiness)
	}
	c.loop, c.dir, c.f, c.once = s.loop, d, f, once
	if s.loop.opt.debug {
		c.site = callSite(3)
	}
	d.callback = c
	if s.closed {
		d.ready = true
	}
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
		c.loop.push(c)
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
	if c.once {
		c.dir.mute()
	}
	f()
	c.dir.call()
}

// WaitReadable parks t until the socket is readable. It returns ErrBusy if
// another task or a callback waits for that already, net.ErrClosed when the
// socket is closed meanwhile, and t's own error if t is canceled.
func (s *Socket) WaitReadable(t *Task) error { return s.wait(t, &s.r, "reading a socket") }

// WaitWritable does for writing what WaitReadable does for reading.
func (s *Socket) WaitWritable(t *Task) error { return s.wait(t, &s.w, "writing to a socket") }

func (s *Socket) wait(t *Task, d *direction, on any) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case d.waiter != nil || d.callback != nil:
		return ErrBusy
	case d.ready:
		return nil
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
	if r&host.Readable != 0 {
		s.r.begin()
	}
	if r&host.Writable != 0 {
		s.w.begin()
	}
}

func (d *direction) begin() {
	d.ready = true
	if d.waiter != nil {
		d.waiter.Unpark()
	}
	d.call()
}

// Close closes the socket. Tasks that wait for it get net.ErrClosed; its callbacks
// are forgotten. A second Close returns net.ErrClosed.
func (s *Socket) Close() error {
	s.loop.check("Socket.Close")
	if s.closed {
		return s.gone("close")
	}
	s.loop.fds[s.fd] = nil
	return s.drop()
}

// drop closes the socket when its loop forgets it.
func (s *Socket) drop() error {
	s.closed = true
	for _, d := range [...]*direction{&s.r, &s.w} {
		if c := d.callback; c != nil && c.once {
			d.ready = true
			d.call()
		} else {
			d.mute()
		}
		if d.waiter != nil {
			d.waiter.Unpark()
		}
	}
	return s.loop.host.CloseFD(s.fd)
}

// FD returns the socket's descriptor, for calls to the system that this package has
// no name for; reading, writing and closing it are the socket's own. It is -1 after
// Close, and means nothing to the system on a simulated loop.
func (s *Socket) FD() int {
	if s.closed {
		return -1
	}
	return int(s.fd)
}

// Closed reports whether Close was called.
func (s *Socket) Closed() bool { return s.closed }

// Loop returns the loop that the socket belongs to.
func (s *Socket) Loop() *Loop { return s.loop }

// LocalAddr returns the socket's own address, or nil if it has none.
func (s *Socket) LocalAddr() net.Addr {
	if s.closed {
		return nil
	}
	return s.loop.host.LocalAddr(s.fd)
}

// PeerAddr returns the address of the other side, or nil if there is none.
func (s *Socket) PeerAddr() net.Addr {
	if s.closed {
		return nil
	}
	return s.loop.host.PeerAddr(s.fd)
}

func (s *Socket) gone(op string) error { return fmt.Errorf("corolla: %s: %w", op, net.ErrClosed) }

// opError says what was being done to what, as Go's net does.
func opError(op string, addr net.Addr, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", op, addr, err)
}
