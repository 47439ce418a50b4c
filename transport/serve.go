package transport

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// Server accepts connections and gives each a protocol of its own.
type Server struct {
	sock  *corolla.Socket
	build func() Protocol
	conns int

	options []corolla.SocketOption
	secure  func(*Conn) *secure.Layer // nil is no TLS

	most, perPeer int            // limits; 0 is none
	peers         map[string]int // connections of each address, if they are limited
}

// ServeOption configures a Server.
type ServeOption func(*Server)

// MaxConns sets how many connections there may be at a time; those beyond are reset. 0,
// as it is unless set, is no limit but the system's.
func MaxConns(n int) ServeOption { return func(s *Server) { s.most = n } }

// MaxPerPeer sets how many connections one IP address may have at a time; those beyond
// are reset. 0, as it is unless set, is no limit.
func MaxPerPeer(n int) ServeOption {
	return func(s *Server) { s.perPeer, s.peers = n, map[string]int{} }
}

// Options sets options of the listening socket, which its connections have too.
func Options(opts ...corolla.SocketOption) ServeOption {
	return func(s *Server) { s.options = opts }
}

// Serve listens at an address and calls build for the Protocol of each connection;
// if it returns nil the connection is closed.
func Serve(l *corolla.Loop, network, address string, build func() Protocol, opts ...ServeOption) (*Server, error) {
	srv := newServer(build, opts)
	s, err := l.Listen(network, address, srv.options...)
	if err != nil {
		return nil, err
	}
	srv.start(s)
	return srv, nil
}

// ServeOn is Serve on a socket that listens already, which the server owns from then on.
func ServeOn(s *corolla.Socket, build func() Protocol, opts ...ServeOption) *Server {
	srv := newServer(build, opts)
	srv.start(s)
	return srv
}

func newServer(build func() Protocol, opts []ServeOption) *Server {
	srv := &Server{build: build}
	for _, o := range opts {
		o(srv)
	}
	return srv
}

func (s *Server) start(sock *corolla.Socket) {
	s.sock = sock
	sock.OnReadable(s.accept)
}

// admit counts a connection, unless it is one too many. leave takes it off the count.
func (s *Server) admit(sock *corolla.Socket) (leave func(), ok bool) {
	if s.most > 0 && s.conns >= s.most {
		return nil, false
	}
	s.conns++
	if s.perPeer <= 0 {
		return s.leave, true
	}
	peer := sock.PeerHost()
	if s.peers[peer] >= s.perPeer {
		s.conns--
		return nil, false
	}
	s.peers[peer]++
	return func() {
		s.conns--
		if s.peers[peer]--; s.peers[peer] == 0 {
			delete(s.peers, peer)
		}
	}, true
}

func (s *Server) leave() { s.conns-- }

// maxAccepts is how many connections are taken in one turn, so that a flood of new
// ones leaves room for those that are there.
const maxAccepts = 64

func (s *Server) accept() {
	for range maxAccepts {
		sock, err := s.sock.TryAccept()
		if err == corolla.ErrWouldBlock {
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return // by build
		}
		if err != nil {
			l := s.sock.Loop()
			l.Report(fmt.Errorf("accept at %v: %w; trying again in %v", s.Addr(), err, acceptPause))
			s.sock.OnReadable(nil)
			l.After(acceptPause, func() { s.sock.OnReadable(s.accept) })
			return
		}
		s.begin(sock)
	}
}

// acceptPause is how long a server that cannot accept waits, as asyncio does.
const acceptPause = time.Second

// begin gives a connection its protocol.
func (s *Server) begin(sock *corolla.Socket) {
	leave, ok := s.admit(sock)
	if !ok {
		_ = sock.Reset() // nothing was sent on it that could be lost
		return
	}
	var p Protocol
	defer func() {
		if p == nil { // build said no, or panicked
			leave()
			_ = sock.Close()
		}
	}()
	if p = s.build(); p == nil {
		return
	}
	c := connect(sock, p)
	c.end.onLost = leave
	if s.secure == nil {
		sock.Loop().Soon(c.open)
		return
	}
	c.secure(s.secure(c), func(err error) {
		switch {
		case err == nil:
			sock.Loop().Soon(c.open)
		case !c.is(lost):
			sock.Loop().Report(err)
		}
	})
}

// Addr returns the address that is listened at, also after Close.
func (s *Server) Addr() net.Addr { return s.sock.LocalAddr() }

// Conns returns how many connections are open.
func (s *Server) Conns() int { return s.conns }

// Close stops listening. Connections stay.
func (s *Server) Close() error { return s.sock.Close() }

// Dial connects p to an address. The future gives its Conn, after Opened was called,
// or the reason why there is none; p then hears nothing.
func Dial(l *corolla.Loop, network, address string, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	return dial(l, network, address, opts, func(s *corolla.Socket, result *corolla.Future[*Conn]) *Conn {
		c := New(s, p)
		l.Soon(func() { _ = result.Resolve(c) })
		return c
	})
}

func dial(l *corolla.Loop, network, address string, opts []corolla.SocketOption,
	begin func(*corolla.Socket, *corolla.Future[*Conn]) *Conn,
) *corolla.Future[*Conn] {
	result := corolla.NewFuture[*Conn](l)
	f := l.Dial(network, address, opts...)
	var c *Conn
	result.OnCancel(func(cause error) {
		if c == nil {
			f.Cancel(cause)
			return
		}
		_ = result.Fail(&corolla.CanceledError{Cause: cause}) // it was pending
		c.Abort()                                             // connected, but not yet all that was asked for
	})
	f.OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			_ = result.Fail(err) // nobody else settles it
			return
		}
		c = begin(s, result)
	})
	return result
}
