package aio

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// ErrServerClosed is returned by Server.Serve after Shutdown.
var ErrServerClosed = errors.New("aio: the server was shut down")

// Server runs a task for each connection that a listener accepts.
type Server struct {
	ln       *Listener
	handle   func(t *corolla.Task, c *Conn) error
	room     *corolla.Semaphore // nil is no limit
	conns    map[*Conn]*corolla.Future[struct{}]
	order    []*Conn // of arrival, so that nothing depends on the order of a map
	changed  corolla.Event
	stopping bool
}

// NewServer returns a server that calls handle, in a task of its own, for each connection of
// ln, which it owns from then on. The connection is closed when handle returns; an error
// other than of the connection's end reaches the loop's error handler. At most maxConns are
// served at a time, others wait to be accepted; 0 is no limit.
func NewServer(ln *Listener, handle func(t *corolla.Task, c *Conn) error, maxConns int) *Server {
	s := &Server{ln: ln, handle: handle, conns: map[*Conn]*corolla.Future[struct{}]{}}
	if maxConns > 0 {
		s.room = corolla.NewSemaphore(maxConns)
	}
	return s
}

// Serve is NewServer(ln, handle, maxConns).Serve(t).
func Serve(t *corolla.Task, ln *Listener, handle func(t *corolla.Task, c *Conn) error, maxConns int) error {
	return NewServer(ln, handle, maxConns).Serve(t)
}

// Serve accepts connections until Shutdown, and then returns ErrServerClosed; before that it
// returns only with an error of accepting, or t's own; when the system has run out of something
// it reports that and tries again. The connections it has accepted go on.
func (s *Server) Serve(t *corolla.Task) error {
	for {
		if s.room != nil {
			if err := s.room.Acquire(t); err != nil {
				return err
			}
		}
		c, err := s.ln.Accept(t)
		if err != nil {
			if s.room != nil {
				s.room.Release()
			}
			if !exhausted(err) {
				return s.over(err)
			}
			t.Loop().Report(fmt.Errorf("%w; trying again in %v", err, acceptPause))
			if err := t.Sleep(acceptPause); err != nil {
				return err
			}
			continue
		}
		s.begin(t, c)
	}
}

func (s *Server) over(err error) error {
	if s.stopping && errors.Is(err, net.ErrClosed) {
		return ErrServerClosed
	}
	return err
}

// acceptPause is how long a server waits that cannot accept, as asyncio does.
const acceptPause = time.Second

// exhausted reports whether an error of accepting may pass when others have given something
// back.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSPC} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (s *Server) begin(t *corolla.Task, c *Conn) {
	s.order = append(s.order, c)
	s.conns[c] = t.Loop().Go(func(t *corolla.Task) error { return s.handle(t, c) })
	s.conns[c].OnDone(func(f *corolla.Future[struct{}]) { // also of a task that never began
		s.end(c)
		if _, err := f.Result(); err != nil && !ordinary(err) {
			c.sock.Loop().Report(fmt.Errorf("connection handler: %w", err))
		}
	})
}

// ordinary reports whether an error is one of those with which connections end.
func ordinary(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrLoopClosed)
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
	if s.room != nil {
		s.room.Release()
	}
	s.changed.Set()
}

// Conns returns how many connections are being served.
func (s *Server) Conns() int { return len(s.conns) }

// Addr returns the address that is listened at.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Shutdown stops accepting and waits until every connection has been served. When t is
// canceled, or the scope's time is up, it aborts those that are left, waits for their tasks,
// and returns how many there were. The error is t's own.
func (s *Server) Shutdown(t *corolla.Task) (aborted int, err error) {
	s.stopping = true
	if e := s.ln.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
		err = e
	}
	if e := s.drained(t); e != nil {
		aborted, err = len(s.order), errors.Join(err, e)
		for _, c := range append([]*Conn(nil), s.order...) {
			_ = c.Abort() // or it ends by itself in this moment
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
