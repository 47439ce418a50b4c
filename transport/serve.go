package transport

import (
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
)

// Server accepts connections and gives each a protocol of its own.
type Server struct {
	sock  *corolla.Socket
	build func() Protocol
	conns int
}

// Serve listens at an address and calls build for the Protocol of each connection;
// if it returns nil the connection is closed.
func Serve(l *corolla.Loop, network, address string, build func() Protocol) (*Server, error) {
	s, err := l.Listen(network, address)
	if err != nil {
		return nil, err
	}
	srv := &Server{sock: s, build: build}
	s.OnReadable(srv.accept)
	return srv, nil
}

// maxAccepts is how many connections are taken in one turn, so that a flood of new
// ones leaves room for those that are there.
const maxAccepts = 64

func (s *Server) accept() {
	for range maxAccepts {
		sock, err := s.sock.TryAccept()
		if err == corolla.ErrWouldBlock {
			return
		}
		if err != nil {
			s.sock.Loop().Report(fmt.Errorf("accept at %v: %w", s.Addr(), err))
			return
		}
		p := s.build()
		if p == nil {
			_ = sock.Close() // nothing was sent on it that could be lost
			continue
		}
		s.conns++
		New(sock, p).onLost = func() { s.conns-- }
	}
}

// Addr returns the address that is listened at, or nil after Close.
func (s *Server) Addr() net.Addr { return s.sock.LocalAddr() }

// Conns returns how many connections are open.
func (s *Server) Conns() int { return s.conns }

// Close stops listening. Connections stay.
func (s *Server) Close() error { return s.sock.Close() }

// Dial connects p to an address. The future gives its Conn, after Opened was called,
// or the reason why there is none; p then hears nothing.
func Dial(l *corolla.Loop, network, address string, p Protocol) *corolla.Future[*Conn] {
	result := corolla.NewFuture[*Conn](l)
	dial := l.Dial(network, address)
	result.OnCancel(func(cause error) { dial.Cancel(cause) })
	dial.OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			_ = result.Fail(err) // nobody else settles it
			return
		}
		c := New(s, p)
		l.Soon(func() { _ = result.Resolve(c) })
	})
	return result
}
