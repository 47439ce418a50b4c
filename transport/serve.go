package transport

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/corolla-go/corolla"
)

// Server accepts connections and gives each a protocol of its own.
type Server struct {
	sock  *corolla.Socket
	build func() Protocol
	conns int

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

// Serve listens at an address and calls build for the Protocol of each connection;
// if it returns nil the connection is closed.
func Serve(l *corolla.Loop, network, address string, build func() Protocol, opts ...ServeOption) (*Server, error) {
	s, err := l.Listen(network, address)
	if err != nil {
		return nil, err
	}
	srv := &Server{sock: s, build: build}
	for _, o := range opts {
		o(srv)
	}
	s.OnReadable(srv.accept)
	return srv, nil
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
	peer := peerOf(sock)
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

// peerOf returns the IP address at the other end, or what else names it.
func peerOf(sock *corolla.Socket) string {
	switch a := sock.PeerAddr().(type) {
	case nil:
		return ""
	case *net.TCPAddr:
		return a.IP.String()
	default:
		return a.String()
	}
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
	if p = s.build(); p != nil {
		New(sock, p).end.onLost = leave
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
