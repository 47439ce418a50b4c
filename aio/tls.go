package aio

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// ErrTruncated is returned by Read when a TLS connection ends without a close_notify alert: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated = stream.ErrTruncated

// DialTLS connects to an address and starts TLS as a client. If cfg, which may be nil, has no
// ServerName, the server's certificate must be valid for the host in the address. ListenTLS says
// which parts of cfg run where, and which options limit handshakes.
func DialTLS(t *corolla.Task, network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Conn, error) {
	how, err := stream.DialTLS(t.Loop(), address, cfg, opts)
	if err != nil {
		return nil, err
	}
	c, err := Dial(t, network, address, opts...)
	if err != nil {
		return nil, err
	}
	if err := startTLS(c, t, how, nil); err != nil {
		_ = c.Abort() // or TLS failed because it is lost
		return nil, err
	}
	return c, nil
}

// ClientTLS starts TLS, as the client, on a connection already in use: from then on all data goes
// through it. It returns when the handshake is done; after an error the connection is good only for
// Close. Only the options for handshakes matter; see ListenTLS.
func (c *Conn) ClientTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	how, err := stream.ClientTLS(t.Loop(), cfg, opts)
	return startTLS(c, t, how, err)
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	how, err := stream.ServerTLS(t.Loop(), cfg, opts)
	return startTLS(c, t, how, err)
}

// InnerTLS is ClientTLS on a connection that has TLS, and is done with its handshake: the new TLS is inside
// of that. It is for a peer beyond another to which the connection is secured, such as a server that a proxy
// connects to. TLS then returns the inner state, and the connection cannot be moved.
func (c *Conn) InnerTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	if !stream.Secured(&c.stream) {
		return c.wrap("handshake", errNoOuter)
	}
	how, err := stream.ClientTLS(t.Loop(), cfg, opts)
	return shakeHands(c, t, how, err)
}

var errNoOuter = errors.New("there is no TLS to be inside of, or its handshake is not done")

// startTLS starts TLS, if err is nil, and waits for the handshake to end.
func startTLS(c *Conn, t *corolla.Task, how *stream.TLS, err error) error {
	if err == nil && c.stream.HasTLS() {
		err = stream.ErrTLSAlready
	}
	return shakeHands(c, t, how, err)
}

// shakeHands is startTLS, whether or not there is TLS.
func shakeHands(c *Conn, t *corolla.Task, how *stream.TLS, err error) error {
	switch {
	case err != nil:
		return c.wrap("handshake", err)
	case c.read.holder() != nil || c.write.holder() != nil:
		return corolla.ErrBusy
	}
	addTLS(c, how)
	c.read.claim(t)
	c.write.claim(t)
	defer c.write.end(t)
	defer c.read.end(t)
	return c.wrap("handshake", cmp.Or(awaitHandshake(c, t, &c.read, &c.write), c.stream.HandshakeErr()))
}

func addTLS(c *Conn, how *stream.TLS) {
	early := c.in // already received, so it belongs to TLS
	c.in = nil
	c.stream.StartTLS(how, early, func(error) {
		c.read.unpark()
		c.write.unpark()
		callOnce(c)
	})
}

// awaitHandshake parks t until the handshake is over, the connection is closed, or the deadline of
// one of the given sides, which t holds, has passed.
func awaitHandshake(c *Conn, t *corolla.Task, own ...*direction) error {
	for {
		if c.closed {
			return net.ErrClosed
		}
		for _, d := range own {
			if d.expired {
				return os.ErrDeadlineExceeded
			}
		}
		if !c.stream.Handshaking() {
			return nil
		}
		if err := t.Park("a TLS handshake"); err != nil {
			return err
		}
	}
}

// TLS returns the connection's TLS state. It reports false without TLS, or before the handshake is
// done.
func (c *Conn) TLS() (tls.ConnectionState, bool) { return c.stream.TLSState() }

// ListenTLS is Listen with TLS: a connection's handshake starts when it is accepted, in its own
// task, so that a slow client holds up no others, and the first Read or Write waits for it. The
// options corolla.HandshakeTimeout and corolla.MaxHandshakes limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls documents how one is chosen for each
// name, and how to replace them while the server runs (GetCertificate). cfg's Get… and Verify…
// functions may block: they run on other goroutines, several at a time, so they must be safe from
// any goroutine. Everything else in cfg runs on the loop.
func ListenTLS(l *corolla.Loop, network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Listener, error) {
	how, err := stream.ListenTLS(l, cfg, opts)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	ln, err := Listen(l, network, address, opts...)
	if err != nil {
		return nil, err
	}
	ln.tls = how
	return ln, nil
}

// NewTLSListener is ListenTLS on a socket that listens already, which the Listener owns from then on. Of the
// options only those for handshakes matter.
func NewTLSListener(s *corolla.Socket, cfg *tls.Config, opts ...corolla.SocketOption) (*Listener, error) {
	how, err := stream.ListenTLS(s.Loop(), cfg, opts)
	if err != nil {
		return nil, fmt.Errorf("listen %v: %w", s.LocalAddr(), err)
	}
	return &Listener{sock: s, tls: how}, nil
}
