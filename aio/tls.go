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

// ErrTruncated is returned by Read when a connection with TLS ends without TLS's own end: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated = stream.ErrTruncated

// DialTLS connects to an address and starts TLS as a client. If cfg, which may be nil, names
// no server, the host of the address is the name that the server's certificate must have. For what
// of cfg runs where, and the options of handshakes, see ListenTLS.
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
		_ = c.Abort() // or TLS has failed because it is lost
		return nil, err
	}
	return c, nil
}

// ClientTLS starts TLS, as the client, on a connection that is in use: from then on
// everything goes through it. It returns when the handshake is done; an error leaves the connection
// good for nothing but Close. Of the options only those of handshakes matter; see ListenTLS.
func (c *Conn) ClientTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	how, err := stream.ClientTLS(t.Loop(), cfg, opts)
	return startTLS(c, t, how, err)
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	how, err := stream.ServerTLS(t.Loop(), cfg, opts)
	return startTLS(c, t, how, err)
}

var errTLSAlready = errors.New("TLS was started before")

// startTLS starts TLS, if err is nil, and waits for the end of the handshake.
func startTLS(c *Conn, t *corolla.Task, how *stream.TLS, err error) error {
	switch {
	case err != nil:
		return c.wrap("handshake", err)
	case c.stream.HasTLS():
		return c.wrap("handshake", errTLSAlready)
	case c.read.holder() != nil || c.write.holder() != nil:
		return corolla.ErrBusy
	}
	addTLS(c, how)
	c.read.claim(t)
	c.write.claim(t)
	defer c.write.end(t)
	defer c.read.end(t)
	return c.wrap("handshake", cmp.Or(shake(c, t, &c.read, &c.write), c.stream.HandshakeErr()))
}

// addTLS puts TLS on the connection.
func addTLS(c *Conn, how *stream.TLS) {
	early := c.in // what has arrived already belongs to TLS
	c.in = nil
	c.stream.StartTLS(how, early, func(error) {
		c.read.unpark()
		c.write.unpark()
	})
}

// shake parks t until the handshake is over, the connection is closed, or the deadline of one of the
// directions, which are t's own, has passed.
func shake(c *Conn, t *corolla.Task, own ...*side) error {
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

// TLS returns the state of TLS on the connection. It reports false if there is none, or its
// handshake is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) { return c.stream.TLSState() }

// ListenTLS is Listen with TLS: the handshake of a connection begins when it is accepted, in a task of
// its own, so that a slow client holds up nobody, and its first Read or Write waits for it. corolla.HandshakeTimeout and corolla.MaxHandshakes,
// among the options, limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls says how one is chosen for each name,
// and how they are replaced while the server runs (GetCertificate). cfg's functions that choose and
// verify (Get… and Verify…) may block: they run on goroutines of their own, several at a time, so they
// must be safe from any goroutine. What else is in cfg runs on the loop.
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
