package aio

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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
	perPeer  int                // 0 is no limit
	peers    map[string]int     // connections of each address, if they are limited
	conns    map[*Conn]*corolla.Future[struct{}]
	order    []*Conn // of arrival, so that nothing depends on the order of a map
	changed  corolla.Event
	stopping bool
}

// ServeOption configures a Server.
type ServeOption func(*Server)

// MaxConns sets how many connections are served at a time; others wait to be accepted. 0, as
// it is unless set, is no limit but the system's.
func MaxConns(n int) ServeOption {
	return func(s *Server) {
		if s.room = nil; n > 0 {
			s.room = corolla.NewSemaphore(n)
		}
	}
}

// MaxPerPeer sets how many connections of one IP address are served at a time; those beyond are
// reset. 0, as it is unless set, is no limit.
func MaxPerPeer(n int) ServeOption {
	return func(s *Server) { s.perPeer, s.peers = n, map[string]int{} }
}

// NewServer returns a server that calls handle, in a task of its own, for each connection of
// ln, which it owns from then on. The connection is closed when handle returns; an error
// other than of the connection's end reaches the loop's error handler.
func NewServer(ln *Listener, handle func(t *corolla.Task, c *Conn) error, opts ...ServeOption) *Server {
	s := &Server{ln: ln, handle: handle, conns: map[*Conn]*corolla.Future[struct{}]{}}
	for _, o := range opts {
		o(s)
	}
	return s
}

// Serve is NewServer(ln, handle, opts...).Serve(t).
func Serve(t *corolla.Task, ln *Listener, handle func(t *corolla.Task, c *Conn) error, opts ...ServeOption) error {
	return NewServer(ln, handle, opts...).Serve(t)
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
			s.release()
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

// release makes room for another connection.
func (s *Server) release() {
	if s.room != nil {
		s.room.Release()
	}
}

// admit counts a connection to its peer, unless it is one too many.
func (s *Server) admit(c *Conn) (leave func(), ok bool) {
	if s.perPeer <= 0 {
		return func() {}, true
	}
	peer := c.sock.PeerHost()
	if s.peers[peer] >= s.perPeer {
		return nil, false
	}
	s.peers[peer]++
	return func() {
		if s.peers[peer]--; s.peers[peer] == 0 {
			delete(s.peers, peer)
		}
	}, true
}

func (s *Server) begin(t *corolla.Task, c *Conn) {
	leave, ok := s.admit(c)
	if !ok {
		_ = c.Abort() // nothing was sent on it that could be lost
		s.release()
		return
	}
	s.order = append(s.order, c)
	s.conns[c] = t.Loop().Go(func(t *corolla.Task) error { return s.handle(t, c) })
	s.conns[c].OnDone(func(f *corolla.Future[struct{}]) { // also of a task that never began
		leave()
		s.end(c)
		if _, err := f.Result(); err != nil && !ordinary(err) {
			c.sock.Loop().Report(fmt.Errorf("connection handler: %w", err))
		}
	})
}

// ordinary reports whether an error is one of those with which connections end.
func ordinary(err error) bool {
	for _, e := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded,
		syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT,
		corolla.ErrCanceled, corolla.ErrLoopClosed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
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
	s.release()
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
