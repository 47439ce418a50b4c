package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// ErrTruncated is what Closed gets when a connection with TLS ends without TLS's own end: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated = stream.ErrTruncated

// HandshakeError says that a handshake has failed. It is what DialTLS, Closed and, on a server,
// the loop's error handler get.
type HandshakeError struct {
	Peer net.Addr // nil if it is gone already
	Err  error
}

func (e *HandshakeError) Error() string {
	if e.Peer == nil {
		return fmt.Sprintf("handshake: %v", e.Err)
	}
	return fmt.Sprintf("handshake with %v: %v", e.Peer, e.Err)
}

// Unwrap returns why it has failed.
func (e *HandshakeError) Unwrap() error { return e.Err }

// ServeTLS is Serve with TLS: a connection's Opened comes after its handshake. A handshake that
// fails is reported to the loop's error handler, for its protocol never hears of it; but not when
// the connection has ended, or the time is up, before the peer had sent anything, as with port scans and
// health checks. corolla.HandshakeTimeout and corolla.MaxHandshakes, among the Options, limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls says how one is chosen for each name,
// and how they are replaced while the server runs (GetCertificate). cfg's functions that choose and
// verify (Get… and Verify…) may block: they run on goroutines of their own, several at a time, so they
// must be safe from any goroutine. What else is in cfg runs on the loop.
func ServeTLS(l *corolla.Loop, network, address string, cfg *tls.Config, build func() Protocol, opts ...ServeOption) (*Server, error) {
	srv := newServer(build, opts)
	how, err := stream.ListenTLS(l, cfg, srv.options)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	srv.tls = how
	return srv.listen(l, network, address)
}

// DialTLS is Dial with TLS: Opened comes, and the future has its result, after the handshake.
// If cfg, which may be nil, names no server, the host of the address is the name that the
// server's certificate must have. For what of cfg runs where, and the options of handshakes, see
// ServeTLS.
func DialTLS(l *corolla.Loop, network, address string, cfg *tls.Config, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	how, err := stream.DialTLS(l, address, cfg, opts)
	if err != nil {
		result := corolla.NewFuture[*Conn](l)
		_ = result.Fail(err) // the first to settle it
		return result
	}
	return dial(l, network, address, opts, func(s *corolla.Socket, result *corolla.Future[*Conn]) *Conn {
		c := connect(s, p)
		startTLS(c, how, func(err error) {
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

// ClientTLS starts TLS, as the client, on a connection that is in use: what is written from
// then on is encrypted, and Data gets what was decrypted. What Data has been given already
// is no part of it. done is called after the handshake, or when the connection is lost before
// that; if the handshake fails, Closed follows with the same error. Of the options only those of
// handshakes matter; see ServeTLS.
func (c *Conn) ClientTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	how, err := stream.ClientTLS(c.loop(), cfg, opts)
	return secure(c, how, err, done)
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(cfg *tls.Config, done func(error), opts ...corolla.SocketOption) error {
	how, err := stream.ServerTLS(c.loop(), cfg, opts)
	return secure(c, how, err, done)
}

// secure starts TLS on a connection that is in use, if it can be done.
func secure(c *Conn, how *stream.TLS, err error, done func(error)) error {
	switch {
	case err != nil:
	case c.stream.HasTLS():
		err = errors.New("TLS was started before")
	case c.is(away):
		err = fmt.Errorf("the connection is spliced: %w", corolla.ErrBusy)
	case c.is(closing | shut | lost):
		err = net.ErrClosed
	default:
		startTLS(c, how, func(err error) {
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
func startTLS(c *Conn, how *stream.TLS, done func(error)) {
	c.Socket().OnReadable(nil)
	c.stream.StartTLS(how, nil, func(err error) {
		if err != nil {
			err = &HandshakeError{Peer: c.RemoteAddr(), Err: err}
		}
		done(err)
		if err != nil {
			c.end(err, false)
		}
	})
}

// TLS returns the state of TLS on the connection. It reports false if there is none, or its
// handshake is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) { return c.stream.TLSState() }
