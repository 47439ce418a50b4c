package aio

import (
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// ErrServerClosed is returned by Server.Serve after Shutdown.
var ErrServerClosed = errors.New("aio: the server was shut down")

// Server runs a task for each connection that a listener accepts.
type Server struct {
	ln        *Listener
	handle    func(t *corolla.Task, c *Conn) error
	accepted  func(c *Conn) // instead of handle
	admission stream.Admission
	room      corolla.Event // set when there may be room
	conns     map[*Conn]*corolla.Future[struct{}]
	order     []*Conn // in order of arrival, so that nothing depends on map order
	changed   corolla.Event
	group     *corolla.Group // of the handlers, while it serves
	stopping  bool
}

// ServeOption configures a Server. Package transport has the same options.
type ServeOption func(*Server)

// MaxConns limits how many connections there may be at a time, including those that are closed but
// still sending; any more wait to be accepted, unless Refuse is given too. 0, the default, means no
// limit but the system's.
func MaxConns(n int) ServeOption { return func(s *Server) { s.admission.MaxConns = n } }

// MaxPerPeer limits how many connections one IP address, or one named Unix socket, may have at a
// time; any more are refused: reset, unless Refuse has a last word for them. Unnamed clients are
// not counted. 0, the default, means no limit.
func MaxPerPeer(n int) ServeOption { return func(s *Server) { s.admission.MaxPerPeer = n } }

// Refuse makes the server refuse connections beyond MaxConns, instead of letting them wait. What
// last returns is sent to each refused connection, whatever the reason, before the end of the
// stream; if last is nil or returns nothing, the connection is reset. With TLS last is not called,
// since nothing can be said before the handshake.
func Refuse(last func(peer net.Addr) []byte) ServeOption {
	return func(s *Server) { s.admission.Refuses, s.admission.LastWord = true, last }
}

// NewServer returns a server that calls handle for each connection of ln, each in its own task. The
// server owns ln from then on. A connection is closed when handle returns; any error other than the
// connection's end goes to the loop's error handler, as does a panic. After a panic the connection
// is aborted, so that the peer does not take a partial answer for a whole one.
func NewServer(ln *Listener, handle func(t *corolla.Task, c *Conn) error, opts ...ServeOption) *Server {
	return newServer(&Server{ln: ln, handle: handle, conns: map[*Conn]*corolla.Future[struct{}]{}}, opts)
}

// NewAcceptor returns a server without handlers: it calls accepted, on the loop, for each connection,
// which belongs to accepted from then on. It is for connections that need no task while they are
// idle; see Conn.OnceReadable. Serve accepts within the limits of the options, and neither Serve nor
// Shutdown waits for connections.
func NewAcceptor(ln *Listener, accepted func(c *Conn), opts ...ServeOption) *Server {
	return newServer(&Server{ln: ln, accepted: accepted}, opts)
}

func newServer(s *Server, opts []ServeOption) *Server {
	for _, o := range opts {
		o(s)
	}
	if s.ln.tls != nil {
		s.admission.LastWord = nil
	}
	s.admission.OnRoom(s.room.Set)
	return s
}

// Serve accepts connections until Shutdown, and then returns ErrServerClosed; before that it stops
// only when accepting fails or t is canceled. When the system is out of some resource it reports
// that and tries again. In each case the listener is closed.
//
// Handlers are children of t: Serve returns when all have ended, and canceling t, or a scope around
// Serve, cancels them too.
func (s *Server) Serve(t *corolla.Task) error {
	var why error
	err := t.Group(func(g *corolla.Group) error {
		s.group = g
		defer func() { s.group = nil }()
		why = s.accept(t, g)
		if !errors.Is(why, corolla.ErrBusy) { // else another Serve still needs it
			_ = s.ln.Close() // or Shutdown closed it
		}
		return nil // an error would cancel the handlers
	})
	err = errors.Join(err, t.Shielded(func(*corolla.Scope) error { return s.drained(t) }))
	if c := t.Scope().Canceled(); c != nil {
		return c
	}
	if err != nil { // not a handler's
		return errors.Join(why, err)
	}
	return why
}

// accept accepts connections until it has to stop, and returns why.
func (s *Server) accept(t *corolla.Task, g *corolla.Group) error {
	for {
		if err := s.awaitRoom(t); err != nil {
			return s.over(err)
		}
		sock, err := s.ln.acceptSocket(t)
		if err == nil {
			if s.admission.Admit(sock) {
				s.begin(g, s.ln.conn(sock))
			}
			continue
		}
		if !stream.Exhausted(err) {
			return s.over(err)
		}
		t.Loop().Report(fmt.Errorf("%w; trying again in %v", err, stream.Pause))
		if err := t.Sleep(stream.Pause); err != nil {
			return err
		}
	}
}

// Adopt serves a connection that did not come from the listener here, such as one that another process has
// accepted (Listener.Adopt), as if it did. It counts for the limits, but is never refused. A server with handlers
// that accepts no more closes the connection: Adopt then returns ErrServerClosed.
func (s *Server) Adopt(c *Conn) error {
	c.check("Server.Adopt")
	if s.accepted == nil && (s.group == nil || s.stopping) {
		return errors.Join(ErrServerClosed, c.Close())
	}
	s.admission.Take(c.Socket())
	s.begin(s.group, c)
	return nil
}

// awaitRoom parks t while there is no room for another connection.
func (s *Server) awaitRoom(t *corolla.Task) error {
	for s.admission.Full() {
		if s.stopping {
			return net.ErrClosed
		}
		s.room.Clear()
		if err := s.room.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) over(err error) error {
	if s.stopping && errors.Is(err, net.ErrClosed) {
		return ErrServerClosed
	}
	return err
}

func (s *Server) begin(g *corolla.Group, c *Conn) {
	if s.accepted != nil {
		s.accepted(c)
		return
	}
	s.order = append(s.order, c)
	// One handler's error or panic must not affect the others, so the group sees neither. The
	// frames made here are on the stack of every idle connection.
	s.conns[c] = g.Go(func(t *corolla.Task) error {
		defer survive(t, c)
		failed(c, s.handle(t, c))
		return nil
	}, corolla.Describe(s.handle, c))
	s.conns[c].OnDone(func(f *corolla.Future[struct{}]) { // even if the task never began
		_, _ = f.Result() // that, or runtime.Goexit, which the group reports
		s.end(c)
	})
}

// survive, deferred around a handler, recovers from its panic.
func survive(t *corolla.Task, c *Conn) {
	if v := recover(); v != nil {
		if !c.closed {
			_ = c.Abort() // or it is already lost
		}
		t.Loop().Recovered(v, t.String())
	}
}

//go:noinline
func failed(c *Conn, err error) {
	if err != nil && !stream.Ordinary(err) {
		c.Socket().Loop().Report(fmt.Errorf("handler of %v: %w", c, err))
	}
}

func (s *Server) end(c *Conn) {
	_ = c.Close() // or the handler did
	delete(s.conns, c)
	for i, o := range s.order {
		if o == c {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
	s.changed.Set()
}

// Conns returns how many connections are open, including those that are closed but still sending.
func (s *Server) Conns() int { return s.admission.Conns() }

// Addr returns the listener's address.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Shutdown stops accepting and waits until every handler has returned. If t is canceled, or its
// scope times out, it aborts the remaining connections, waits for their tasks, and returns how many
// there were. The error is then t's own.
func (s *Server) Shutdown(t *corolla.Task) (aborted int, err error) {
	s.stopping = true
	s.room.Set() // wakes Serve
	if e := s.ln.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
		err = e
	}
	if e := s.drained(t); e != nil {
		aborted, err = len(s.order), errors.Join(err, e)
		for _, c := range append([]*Conn(nil), s.order...) {
			_ = c.Abort() // or it has just ended by itself
			s.conns[c].Cancel(ErrServerClosed)
		}
		err = errors.Join(err, t.Shielded(func(*corolla.Scope) error { return s.drained(t) }))
	}
	return aborted, err
}

func (s *Server) drained(t *corolla.Task) error {
	for len(s.conns) > 0 {
		s.changed.Clear()
		if err := s.changed.Wait(t); err != nil {
			return err
		}
	}
	return nil
}
