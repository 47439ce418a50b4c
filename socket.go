package corolla

import (
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Socket is a non-blocking socket of a loop: a stream, datagram or listening socket, or
// a pipe or terminal. Models are built on its three kinds of methods: Try… methods act
// at once or return ErrWouldBlock; On… methods register a callback; Wait… methods park
// a task.
//
// A socket is registered with the system once, for both directions, edge-triggered.
// It remembers that it is ready until an operation finds that it no longer is, so
// callbacks are called for as long as a socket is ready, as with asyncio's add_reader,
// yet a busy connection costs no calls to change its registration and no reads that
// find nothing.
type Socket struct {
	descriptor
	out *Outbox        // the one that writes to it, if any
	set *socketOptions // those that it, or its listener, was made with; nil is the defaults

	names *names

	network   network
	hangup    bool // no more edges will come for reading
	ended     bool // the end of the stream was read
	closed    bool
	urgent    bool // a short read may have ended at an urgent mark, so it does not mean drained
	writeOnly bool // a pipe's end
	terminal  bool
	shedding  bool   // connections are closed for lack of descriptors, and that was reported
	onClosed  func() // nil if none
}

// network says what kind a socket is.
type network uint8

const (
	file network = iota
	pipe
	tcp
	unix
	udp
	unixgram
)

var networks = [...]string{file: "file", pipe: "pipe", tcp: "tcp", unix: "unix", udp: "udp", unixgram: "unixgram"}

func networkOf(addr net.Addr) network {
	if addr != nil {
		if i := slices.Index(networks[:], addr.Network()); i >= 0 {
			return network(i)
		}
	}
	return file
}

// ConnectError returns the outcome of Connect, once the socket is writable: nil if it is
// connected, or the system's error, unwrapped.
func (s *Socket) ConnectError() error {
	s.loop.check("Socket.ConnectError")
	if !s.may(&s.w, 1) {
		return s.refusal("dial", 1)
	}
	return s.loop.host.ConnectError(s.fd)
}

// TryAccept accepts a connection from a listening socket. While the process is out of
// descriptors, connections are accepted and closed, and the error handler is told once.
func (s *Socket) TryAccept() (*Socket, error) {
	s.loop.check("Socket.TryAccept")
	if !s.may(&s.r, 1) {
		return nil, s.refusal("accept", 1)
	}
	if s.set != nil && s.set.proxy != nil {
		return s.set.proxy.accept(s)
	}
	if s.set != nil && s.set.feed != nil {
		return s.set.feed.accept()
	}
	return acceptBare(s)
}

// acceptNext takes a connection that the system has for a listening socket.
func acceptNext(s *Socket) (host.Accepted, error) {
	c, err := s.loop.host.Accept(s.fd)
	for err == host.ErrShed {
		s.shed(err)
		c, err = s.loop.host.Accept(s.fd)
	}
	s.r.tried(false, err)
	if err == nil {
		s.shedding = false
	}
	return c, err
}

// acceptBare is TryAccept without ProxyProtocol.
func acceptBare(s *Socket) (*Socket, error) {
	c, err := acceptNext(s)
	if err != nil {
		return nil, err
	}
	accepted, err := s.loop.newSocket(c.FD, s.network)
	if err != nil {
		return nil, err
	}
	accepted.w.ready, accepted.set = true, s.set
	if s.set != nil && s.set.proxy == nil { // else once its head was read
		throttleAsSet(accepted)
	}
	accepted.inherit(s)
	if accepted.peer = c.Peer; c.Other != nil {
		accepted.know(names{peer: c.Other})
	}
	return accepted, nil
}

// shed reports that connections are being closed, once until one is accepted again.
func (s *Socket) shed(err error) {
	if !s.shedding {
		s.shedding = true
		s.loop.report(fmt.Errorf("accept at %v: %w", s.LocalAddr(), err))
	}
}

// TryRead reads at most len(b) bytes. It returns io.EOF at the end of the stream,
// ErrWouldBlock if nothing has arrived, and otherwise the system's error, unwrapped.
func (s *Socket) TryRead(b []byte) (int, error) {
	s.loop.check("Socket.TryRead")
	if !s.may(&s.r, len(b)) {
		return 0, s.refusal("read", len(b))
	}
	size := pass(s, &s.r, len(b))
	if size == 0 {
		return 0, ErrWouldBlock
	}
	n, more, err := s.read(b[:size])
	s.triedToRead(n < size && !more, err)
	passed(s, &s.r, len(b), size, n)
	return n, err
}

// read reads, and says whether there may be more even after a short read.
func (s *Socket) read(b []byte) (n int, more bool, err error) {
	switch {
	case s.network == unix:
		return s.loop.host.TryReadUnix(s.fd, b)
	case !s.writeOnly:
		n, err = s.loop.host.TryRead(s.fd, b)
	case s.hangup: // the pipe has no reader any more
		err = io.EOF
	default:
		err = host.ErrAgain
	}
	switch {
	case err == nil:
	case err == syscall.EIO && s.terminal: // which is how its end shows
		err = io.EOF
	case err == io.EOF && s.packets(): // a datagram of no bytes
		err = nil
	}
	return n, false, err
}

// TryWrite writes at most len(b) bytes and returns how many. ErrWouldBlock means none;
// other errors are the system's, unwrapped.
func (s *Socket) TryWrite(b []byte) (int, error) {
	s.loop.check("Socket.TryWrite")
	if !s.may(&s.w, len(b)) {
		return 0, s.refusal("write", len(b))
	}
	size := pass(s, &s.w, len(b))
	if size == 0 {
		return 0, ErrWouldBlock
	}
	n, err := s.loop.host.TryWrite(s.fd, b[:size])
	s.w.tried(n < size, err)
	passed(s, &s.w, len(b), size, n)
	return n, err
}

// TryWriteBatch writes from the buffers in one system call, and returns how many bytes it
// wrote. Of more than 64 buffers it writes the first 64. No buffer may be empty.
func (s *Socket) TryWriteBatch(bufs [][]byte) (int, error) {
	s.loop.check("Socket.TryWriteBatch")
	if !s.may(&s.w, len(bufs)) {
		return 0, s.refusal("write", len(bufs))
	}
	bufs = bufs[:min(len(bufs), host.MaxBatch)]
	all := total(bufs)
	size := pass(s, &s.w, all)
	if size == 0 {
		return 0, ErrWouldBlock
	}
	var n int
	var err error
	if size < all {
		n, err = writeSome(s, bufs, size)
	} else {
		n, err = s.loop.host.TryWriteBatch(s.fd, bufs)
	}
	s.w.tried(n < size, err)
	passed(s, &s.w, all, size, n)
	return n, err
}

// total returns how many bytes are in the buffers.
func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}

// CloseWrite ends the stream to the peer; reading still works. It is not an error if the peer has
// reset the connection.
func (s *Socket) CloseWrite() error {
	s.loop.check("Socket.CloseWrite")
	if s.closed {
		return s.gone("close write")
	}
	if err := s.loop.host.CloseWrite(s.fd); err != syscall.ENOTCONN {
		return err
	}
	return nil
}

// Close closes the socket. Tasks that wait for it get net.ErrClosed; its callbacks are
// dropped, except those of OnceReadable and OnceWritable, which are called. A second
// Close returns net.ErrClosed.
func (s *Socket) Close() error {
	s.loop.check("Socket.Close")
	if s.closed {
		return s.gone("close")
	}
	if s.fd < 0 { // a Feed's
		s.forget()
		return nil
	}
	s.loop.fds[s.fd] = nil
	return s.drop()
}

// Reset is Close, but the peer sees a reset instead of the end of the stream, and data that the
// system has not yet sent is dropped.
func (s *Socket) Reset() error {
	s.loop.check("Socket.Reset")
	if s.closed {
		return s.gone("reset")
	}
	if s.fd < 0 { // a Feed's
		return s.Close()
	}
	s.loop.fds[s.fd] = nil
	s.forget()
	return s.loop.host.ResetFD(s.fd)
}

// drop closes the socket when its loop forgets it.
func (s *Socket) drop() error {
	s.forget()
	return s.loop.host.CloseFD(s.fd)
}

// forget wakes waiting tasks and drops the callbacks.
func (s *Socket) forget() {
	s.remember()
	s.closed = true
	unthrottle(s)
	if o := s.out; o != nil {
		s.out = nil
		o.Drop()
	}
	if x := s.loop.transfers[s]; x != nil {
		err := s.gone("write")
		if s.loop.state >= closing {
			err = ErrLoopClosed
		}
		x.end(transferError("write", s, err))
	}
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
	if f := s.onClosed; f != nil {
		s.onClosed = nil
		f()
	}
}

// OnClosed calls f, once, when the socket is closed, given away by Detach, or dropped by its loop;
// at once if that has happened. f is called within the call that closes the socket, so it should do
// no more than record the fact. If OnClosed is called several times, all functions are called, in
// that order.
func (s *Socket) OnClosed(f func()) {
	s.loop.check("Socket.OnClosed")
	before := s.onClosed
	switch {
	case s.closed:
		f()
	case before == nil:
		s.onClosed = f
	default:
		s.onClosed = func() {
			defer f() // even if one before panics
			before()
		}
	}
}

// FD returns the socket's descriptor, for system calls that this package does not offer;
// reading, writing and closing it are up to the Socket. It is -1 after Close, and means
// nothing to the system on a simulated loop.
func (s *Socket) FD() int {
	s.loop.check("Socket.FD")
	if s.closed {
		return -1
	}
	return int(s.fd)
}

// Network returns what kind the socket is: "tcp", "unix", "udp", "unixgram", "pipe", or "file"
// for anything else that was adopted.
func (s *Socket) Network() string { return networks[s.network] }

// Closed reports whether the socket is closed.
func (s *Socket) Closed() bool {
	s.loop.check("Socket.Closed")
	return s.closed
}

// Loop returns the loop that the socket belongs to.
func (s *Socket) Loop() *Loop { return s.loop }

func (s *Socket) gone(op string) error { return fmt.Errorf("corolla: %s: %w", op, net.ErrClosed) }
