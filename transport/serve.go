package transport

import (
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Server accepts connections and gives each its own protocol.
type Server struct {
	sock      *corolla.Socket
	build     func(c *Conn) Protocol
	admission stream.Admission
	pause     *corolla.Timer // after a failed accept; nil if not pausing

	options []corolla.SocketOption
	tls     *stream.TLS // nil if none
	solo    bool        // sock is not listening: it is the only connection
}

// ServeOption configures a Server. Package aio has the same options.
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

// Options adds options for the listening socket, which apply to its connections too.
func Options(opts ...corolla.SocketOption) ServeOption {
	return func(s *Server) { s.options = append(s.options, opts...) }
}

// Serve listens on an address and calls build for the Protocol of each connection, which may depend on
// the Conn's addresses. If build returns nil, the connection is closed, before any TLS handshake.
// (Twisted's buildProtocol.) What build itself writes comes before what Opened writes.
func Serve(l *corolla.Loop, network, address string, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	return newServer(build, opts).listen(l, network, address)
}

// ServeOn is Serve on a socket that is already listening, which the server owns from then on.
func ServeOn(s *corolla.Socket, build func(c *Conn) Protocol, opts ...ServeOption) *Server {
	return newServer(build, opts).start(s)
}

func newServer(build func(c *Conn) Protocol, opts []ServeOption) *Server {
	srv := &Server{build: build}
	for _, o := range opts {
		o(srv)
	}
	return srv
}

func (s *Server) listen(l *corolla.Loop, network, address string) (*Server, error) {
	sock, err := l.Listen(network, address, s.options...)
	if err != nil {
		return nil, err
	}
	return s.start(sock), nil
}

func (s *Server) start(sock *corolla.Socket) *Server {
	s.sock = sock
	if s.tls != nil {
		s.admission.LastWord = nil
	}
	s.admission.OnRoom(s.acceptAgain)
	s.acceptAgain()
	return s
}

// acceptAgain accepts connections, except during a pause.
func (s *Server) acceptAgain() {
	if s.pause == nil {
		s.sock.OnReadable(s.accept)
	}
}

// maxAccepts is how many connections are accepted in one turn, so that a flood of new ones leaves
// time for those already open.
const maxAccepts = 64

func (s *Server) accept() {
	for range maxAccepts {
		if s.admission.Full() {
			s.sock.OnReadable(nil) // until OnRoom
			return
		}
		sock, err := s.sock.TryAccept()
		if err == corolla.ErrWouldBlock || errors.Is(err, net.ErrClosed) { // closed by build
			return
		}
		if err != nil {
			l := s.sock.Loop()
			l.Report(fmt.Errorf("accept at %v: %w; trying again in %v", s.Addr(), err, stream.Pause))
			s.sock.OnReadable(nil)
			s.pause = l.After(stream.Pause, func() {
				s.pause = nil
				s.acceptAgain()
			})
			return
		}
		s.begin(sock)
	}
}

// begin gives a connection its protocol. TLS is started before that, so that build cannot write
// anything in the clear.
func (s *Server) begin(sock *corolla.Socket) {
	if !s.admission.Admit(sock) {
		return
	}
	c := connect(sock, nil)
	defer func() {
		if c.proto == nil { // build said no, or panicked
			c.end(nil, false)
		}
	}()
	if s.tls != nil {
		startTLS(c, s.tls, nil, func(err error) {
			switch {
			case err == nil:
				c.openSoon()
			case c.is(lost) || !c.stream.Heard() && stream.Ordinary(err): // not worth a report
			default:
				sock.Loop().Report(err)
			}
		})
	}
	if c.proto = s.build(c); c.proto != nil && s.tls == nil {
		c.openSoon()
	}
}

// Addr returns the server's address, even after Close.
func (s *Server) Addr() net.Addr { return s.sock.LocalAddr() }

// Conns returns how many connections are open, including those that are closed but still sending.
func (s *Server) Conns() int {
	if s.solo && !s.sock.Closed() {
		return 1
	}
	return s.admission.Conns()
}

// Close stops listening. Connections stay open.
func (s *Server) Close() error {
	if s.pause != nil {
		s.pause.Stop()
	}
	if s.solo {
		return nil
	}
	return s.sock.Close()
}

// Dial connects p to an address. The future resolves to the Conn, after Opened was called, or fails
// with the reason; p then hears nothing.
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
		c.Abort()                                             // connected, but not ready yet
	})
	f.OnDone(func(f *corolla.Future[*corolla.Socket]) {
		s, err := f.Result()
		if err != nil {
			_ = result.Fail(err) // nothing else settles it
			return
		}
		c = begin(s, result)
	})
	return result
}
