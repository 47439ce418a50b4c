package aio

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/secure"
)

// below is a Conn as the connection below its TLS.
type below struct{ *Conn }

func (c below) TryRead(b []byte) (int, error) {
	switch {
	case len(c.early) > 0:
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	case c.closed:
		return 0, net.ErrClosed
	case c.read.expired && (c.tls == nil || c.tls.Ready()): // a handshake is not reading's alone
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.sock.TryRead(b)
	return n, c.atEOF(err)
}

func (c below) Await(t *corolla.Task) error { return c.awaitData(t) }
func (c below) Send(b []byte) error         { return c.out.Write(b) }
func (c below) Above() bool                 { return c.out.Above() }

// DialTLS connects to an address and starts TLS as a client. If cfg, which may be nil, names
// no server, the host of the address is the name that the server's certificate must have. For what
// of cfg runs where, and the options of handshakes, see ListenTLS.
func DialTLS(t *corolla.Task, network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Conn, error) {
	cfg, err := secure.ForAddress(cfg, address)
	if err != nil {
		return nil, err
	}
	c, err := Dial(t, network, address, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.ClientTLS(t, cfg, opts...); err != nil {
		_ = c.Abort() // or TLS has failed because it is lost
		return nil, err
	}
	return c, nil
}

// ClientTLS starts TLS, as the client, on a connection that is in use: from then on
// everything goes through it. It returns when the handshake is done; an error leaves the connection
// good for nothing but Close. Of the options only those of handshakes matter; see ListenTLS.
func (c *Conn) ClientTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	return c.startTLS(t, opts, func(lim secure.Limits) *secure.Layer {
		return secure.Client(below{c}, secure.Offloading(t.Loop(), cfg), lim)
	})
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(t *corolla.Task, cfg *tls.Config, opts ...corolla.SocketOption) error {
	if err := secure.CheckServer(cfg); err != nil {
		return c.wrap("handshake", err)
	}
	return c.startTLS(t, opts, func(lim secure.Limits) *secure.Layer {
		return secure.Server(below{c}, secure.Offloading(t.Loop(), cfg), lim)
	})
}

var errTLSAlready = errors.New("TLS was started before")

func (c *Conn) startTLS(t *corolla.Task, opts []corolla.SocketOption, start func(secure.Limits) *secure.Layer) error {
	lim, err := secure.LimitsOf(opts)
	switch {
	case err != nil:
		return c.wrap("handshake", err)
	case c.tls != nil:
		return c.wrap("handshake", errTLSAlready)
	case c.read.holder() != nil || c.write.holder() != nil:
		return corolla.ErrBusy
	}
	c.addTLS(start(lim))
	c.read.claim(t)
	c.write.claim(t)
	err = c.shake(t, &c.read, &c.write)
	c.read.end(t)
	c.write.end(t)
	return c.wrap("handshake", err)
}

var errNoTLSYet = errors.New("the TLS handshake is not done")

// shake sees to it that the handshake has been done, unless the connection is closed or the
// deadline of a direction passes, which are t's own, before that.
func (c *Conn) shake(t *corolla.Task, own ...*side) error {
	if c.tls.Ready() {
		return nil
	}
	return c.shakeHands(t, own)
}

func (c *Conn) shakeHands(t *corolla.Task, own []*side) error {
	why := func() error {
		if c.closed {
			return net.ErrClosed
		}
		for _, d := range own {
			if d.expired {
				return os.ErrDeadlineExceeded
			}
		}
		return nil
	}
	if err := why(); err != nil {
		return err
	}
	panicking := true
	defer func() {
		if !panicking { // as a function of the configuration may; calls do not defer their ends
			return
		}
		for _, d := range own {
			d.end(t)
		}
	}()
	err := t.Cancelable(func(s *corolla.Scope) error {
		for _, d := range own {
			d.giveUp = func() {
				if why() != nil {
					s.Cancel(nil)
				}
			}
			defer func() { d.giveUp = nil }()
		}
		return c.tls.Handshake(t)
	})
	panicking = false
	if err != nil && t.Scope().Canceled() == nil {
		err = cmp.Or(why(), err)
	}
	return err
}

// addTLS puts TLS on the connection. The handshake comes with the first call that needs it.
func (c *Conn) addTLS(y *secure.Layer) {
	c.early, c.in = c.in, nil // what has arrived already belongs to TLS
	c.tls = y
}

// TLS returns the state of TLS on the connection. It reports false if there is none, or its
// handshake is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if c.tls == nil || !c.tls.Ready() {
		return tls.ConnectionState{}, false
	}
	return c.tls.State(), true
}

// ListenTLS is Listen with TLS: the handshake of a connection is done by its first Read or
// Write, so that a slow client holds up nobody. corolla.HandshakeTimeout and corolla.MaxHandshakes,
// among the options, limit handshakes.
//
// cfg must have a certificate or a way to get one; crypto/tls says how one is chosen for each name,
// and how they are replaced while the server runs (GetCertificate). cfg's functions that choose and
// verify (Get… and Verify…) may block: they run on goroutines of their own, several at a time, so they
// must be safe from any goroutine. What else is in cfg runs on the loop.
func ListenTLS(l *corolla.Loop, network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Listener, error) {
	if err := secure.CheckServer(cfg); err != nil {
		return nil, err
	}
	lim, err := secure.ListenerLimits(opts)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	ln, err := Listen(l, network, address, opts...)
	if err != nil {
		return nil, err
	}
	ln.tls = &listenerTLS{cfg, secure.Offloading(l, cfg), lim}
	return ln, nil
}

// listenerTLS is the TLS of a listener's connections.
type listenerTLS struct {
	original, offloading *tls.Config
	limits               secure.Limits
}

// accepted puts TLS on a connection.
func (y *listenerTLS) accepted(c *Conn) {
	if y != nil {
		c.addTLS(secure.Server(below{c}, y.offloading, y.limits))
	}
}

// tryReadTLS is tryRead where there is TLS.
func (c *Conn) tryReadTLS(t *corolla.Task, b []byte) (int, error) {
	if err := c.shake(t, &c.read); err != nil {
		return 0, err
	}
	for {
		if err := c.unreadable(); err != nil {
			return 0, err
		}
		if !c.tls.Flooded() {
			n, err := c.tls.Read(b)
			return n, c.atEOF(err)
		}
		if err := c.out.Wait(t); err != nil {
			return 0, err
		}
	}
}

// sendTLS is send where there is TLS.
func (c *Conn) sendTLS(t *corolla.Task, b []byte) error {
	if err := c.shake(t, &c.write); err != nil {
		return err
	}
	if c.ended {
		return net.ErrClosed
	}
	return c.tls.Write(b)
}

// closeTLS tells the peer that the stream ends, if there is TLS to do it.
func (c *Conn) closeTLS() {
	if c.tls != nil && c.tls.Ready() && c.out.Err() == nil {
		_ = c.tls.CloseWrite() // what cannot be said now cannot be said
	}
}

// ErrTruncated is returned by Read when a connection with TLS ends without TLS's own end: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated error = secure.ErrTruncated
