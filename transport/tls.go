package transport

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// ErrTruncated is what Closed gets when a TLS connection ends without a close_notify alert: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated = stream.ErrTruncated

// HandshakeError says that a TLS handshake failed. DialTLS, Closed and, on a server, the loop's
// error handler get it.
type HandshakeError struct {
	Peer net.Addr // nil if no longer known
	Err  error
}

func (e *HandshakeError) Error() string {
	if e.Peer == nil {
		return fmt.Sprintf("handshake: %v", e.Err)
	}
	return fmt.Sprintf("handshake with %v: %v", e.Peer, e.Err)
}

// Unwrap returns why the handshake failed.
func (e *HandshakeError) Unwrap() error { return e.Err }

// ServeTLS is Serve with TLS: a connection's Opened comes after its handshake. A failed handshake
// is reported to the loop's error handler, since the protocol never hears of it; but not if the
// connection ended or timed out before the peer had sent anything, as with port scans and health
// checks. The Options corolla.HandshakeTimeout and corolla.MaxHandshakes limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls documents how one is chosen for each
// name, and how to replace them while the server runs (GetCertificate). cfg's Get… and Verify…
// functions may block: they run on other goroutines, several at a time, so they must be safe from
// any goroutine. Everything else in cfg runs on the loop.
func ServeTLS(l *corolla.Loop, network, address string, cfg *tls.Config, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	srv := newServer(build, opts)
	how, err := stream.ListenTLS(l, cfg, srv.options)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	srv.tls = how
	return srv.listen(l, network, address)
}

// ServeTLSOn is ServeTLS on a socket that is already listening, which the server owns from then on.
func ServeTLSOn(s *corolla.Socket, cfg *tls.Config, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	srv := newServer(build, opts)
	how, err := stream.ListenTLS(s.Loop(), cfg, srv.options)
	if err != nil {
		return nil, fmt.Errorf("listen %v: %w", s.LocalAddr(), err)
	}
	srv.tls = how
	return srv.start(s), nil
}

// DialTLS is Dial with TLS: Opened is called, and the future settled, after the handshake. If cfg,
// which may be nil, has no ServerName, the server's certificate must be valid for the host in the
// address. ServeTLS says which parts of cfg run where, and which options limit handshakes.
func DialTLS(l *corolla.Loop, network, address string, cfg *tls.Config, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	how, err := stream.DialTLS(l, address, cfg, opts)
	if err != nil {
		return failedConn(l, err)
	}
	return dial(l, network, address, opts, func(s *corolla.Socket, result *corolla.Future[*Conn]) *Conn {
		c := connect(s, p)
		startTLS(c, how, nil, func(err error) {
			if err != nil {
				_ = result.Fail(err)
				return
			}
			c.openSoon()
			l.Soon(func() { _ = result.Resolve(c) })
		})
		return c
	})
}

// ClientTLS starts TLS, as the client, on a connection already in use: from then on what is written
// is encrypted, and Data gets decrypted data. What Data has already been given is not part of it; but
// what a Receiver holds is, so that nothing said in the clear is taken for something said through TLS.
// done is called after the handshake, or when the connection is lost before that; if the handshake
// fails, Closed follows with the same error. Only the options for handshakes matter; see ServeTLS.
func (c *Conn) ClientTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	how, err := stream.ClientTLS(c.loop(), cfg, opts)
	return secure(c, how, err, done)
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	how, err := stream.ServerTLS(c.loop(), cfg, opts)
	return secure(c, how, err, done)
}

// secure starts TLS on a connection already in use, if it can be done.
func secure(c *Conn, how *stream.TLS, err error, done func(error)) error {
	switch {
	case err != nil:
	case c.stream.HasTLS():
		err = stream.ErrTLSAlready
	case c.is(away):
		err = fmt.Errorf("the connection is spliced: %w", corolla.ErrBusy)
	case c.is(closing | shut | lost):
		err = net.ErrClosed
	default:
		var early []byte
		if p, ok := c.proto.(interface{ early() []byte }); ok {
			early = p.early()
		}
		startTLS(c, how, early, func(err error) {
			defer c.guard()
			done(err)
			if err == nil {
				startReading(c)
			}
		})
		return nil
	}
	return fmt.Errorf("start TLS: %w", err)
}

// startTLS starts TLS. If the handshake fails, the connection is lost.
func startTLS(c *Conn, how *stream.TLS, early []byte, done func(error)) {
	c.Socket().OnReadable(nil)
	c.stream.StartTLS(how, early, func(err error) {
		if err != nil {
			err = &HandshakeError{Peer: c.RemoteAddr(), Err: err}
		}
		done(err)
		if err != nil {
			c.end(err, false)
		}
	})
}

// TLS returns the connection's TLS state. It reports false without TLS, or before the handshake is
// done.
func (c *Conn) TLS() (tls.ConnectionState, bool) { return c.stream.TLSState() }
