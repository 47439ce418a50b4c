package aio

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/corolla-go/corolla"
)

// TLS is Go's crypto/tls, on a connection below that parks instead of blocking. A tls.Conn
// holds a lock while it reads, so who would be a second reader is refused before it gets
// there, and who would write during the handshake waits for its end. What it writes goes to
// the outbox, which never waits; water marks are heeded above TLS.
//
// The handshake runs on the loop, in the task that needs it; what is dear in it, signing with
// the private key, is offloaded. A handshake on a goroutine of its own was rejected: it could
// not be simulated.

// HandshakeTimeout is how long a handshake may take: a minute, as asyncio has it.
const HandshakeTimeout = time.Minute

// MaxHandshakes is how many handshakes a TLS listener's connections have under way at a time;
// more wait for their turn.
const MaxHandshakes = 256

// layer is TLS on a connection.
type layer struct {
	conn  *tls.Conn
	wire  *wire
	lock  corolla.Lock // of the handshake
	done  bool
	err   error
	queue *corolla.Semaphore // of handshakes; nil is no limit
}

// wire is the connection below TLS.
type wire struct {
	conn  *Conn
	task  *corolla.Task // whose call is under way
	ended bool          // the stream below TLS has ended
}

// interruption is an error after which the connection can go on: crypto/tls asks for that.
type interruption struct{ error }

func (interruption) Timeout() bool   { return false }
func (interruption) Temporary() bool { return true }
func (e interruption) Unwrap() error { return e.error }

func (w *wire) Read(b []byte) (int, error) {
	if len(w.conn.early) > 0 {
		n := copy(b, w.conn.early)
		w.conn.early = w.conn.early[n:]
		return n, nil
	}
	n, err := w.conn.readRaw(w.task, b)
	if errors.Is(err, corolla.ErrCanceled) {
		err = interruption{err}
	}
	w.ended = err == io.EOF
	return n, err
}

func (w *wire) Write(b []byte) (int, error) {
	if err := w.conn.out.Write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (w *wire) Close() error                     { return nil } // Conn.Close does it
func (w *wire) LocalAddr() net.Addr              { return w.conn.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr             { return w.conn.RemoteAddr() }
func (w *wire) SetDeadline(time.Time) error      { return nil } // the task's calls have theirs
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// DialTLS connects to an address and starts TLS as a client. If cfg, which may be nil, names
// no server, the host of the address is the name that the server's certificate must have.
func DialTLS(t *corolla.Task, network, address string, cfg *tls.Config) (*Conn, error) {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	c, err := Dial(t, network, address)
	if err != nil {
		return nil, err
	}
	if err := c.ClientTLS(t, cfg); err != nil {
		_ = c.Abort() // or TLS has failed because it is lost
		return nil, err
	}
	return c, nil
}

// ClientTLS starts TLS, as the client, on a connection that is in use: from then on
// everything goes through it. It returns when the handshake is done, after at most
// HandshakeTimeout; an error leaves the connection good for nothing but Close.
func (c *Conn) ClientTLS(t *corolla.Task, cfg *tls.Config) error {
	return c.startTLS(t, func(w *wire) *tls.Conn { return tls.Client(w, offloading(t.Loop(), cfg)) })
}

// ServerTLS is ClientTLS as the server.
func (c *Conn) ServerTLS(t *corolla.Task, cfg *tls.Config) error {
	return c.startTLS(t, func(w *wire) *tls.Conn { return tls.Server(w, offloading(t.Loop(), cfg)) })
}

var errTLSAlready = errors.New("TLS was started before")

func (c *Conn) startTLS(t *corolla.Task, start func(*wire) *tls.Conn) error {
	switch {
	case c.tls != nil:
		return c.wrap("handshake", errTLSAlready)
	case c.read.task != nil || c.write.task != nil:
		return corolla.ErrBusy
	}
	c.addTLS(start, nil)
	return c.wrap("handshake", c.tls.handshake(t))
}

// addTLS puts TLS on the connection. The handshake comes with the first call that needs it.
func (c *Conn) addTLS(start func(*wire) *tls.Conn, queue *corolla.Semaphore) {
	c.early, c.in = c.in, nil // what has arrived already belongs to TLS
	w := &wire{conn: c}
	c.tls = &layer{conn: start(w), wire: w, queue: queue}
}

// TLS returns the state of TLS on the connection. It reports false if there is none, or its
// handshake is not done.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if c.tls == nil || !c.tls.done || c.tls.err != nil {
		return tls.ConnectionState{}, false
	}
	return c.tls.conn.ConnectionState(), true
}

// handshake sees to it that the handshake has been done, by t or by another task.
func (y *layer) handshake(t *corolla.Task) error {
	if y.done {
		return y.err
	}
	if err := y.lock.Lock(t); err != nil {
		return err
	}
	defer y.lock.Unlock()
	if y.done {
		return y.err
	}
	if y.queue != nil {
		if err := y.queue.Acquire(t); err != nil {
			return err // nothing has begun
		}
		defer y.queue.Release()
	}
	err := t.Timeout(HandshakeTimeout, func(*corolla.Scope) error {
		y.wire.task = t
		err := y.conn.HandshakeContext(context.Background()) // t's cancel comes through the wire
		var stop interruption
		if errors.As(err, &stop) {
			return stop.error
		}
		return err
	})
	y.done, y.err = true, err
	if errors.Is(err, corolla.ErrCanceled) { // which is t's alone
		y.err = errHandshakeAborted
	}
	return err
}

var errHandshakeAborted = errors.New("the handshake was given up by the task that did it")

func (y *layer) read(t *corolla.Task, b []byte) (int, error) {
	if err := y.handshake(t); err != nil {
		return 0, err
	}
	y.wire.task = t
	n, err := y.conn.Read(b)
	var stop interruption
	switch {
	case n > 0: // an error that came with data comes again
		return n, nil
	case errors.As(err, &stop):
		err = stop.error
	case err == io.ErrUnexpectedEOF, err == io.EOF && y.wire.ended: // crypto/tls lets the latter pass
		err = ErrTruncated
	}
	return n, err
}

// write encrypts b into the outbox.
func (y *layer) write(t *corolla.Task, b []byte) error {
	if err := y.handshake(t); err != nil {
		return err
	}
	_, err := y.conn.Write(b)
	return err
}

// ListenTLS is Listen with TLS: the handshake of a connection is done by its first Read or
// Write, so that a slow client holds up nobody. cfg must have a certificate or a way to get
// one; crypto/tls says how one is chosen for each name, and how they are replaced while the
// server runs (GetCertificate).
func ListenTLS(l *corolla.Loop, network, address string, cfg *tls.Config) (*Listener, error) {
	if cfg == nil || len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return nil, errors.New("aio: ListenTLS without a certificate: set Certificates, GetCertificate or GetConfigForClient")
	}
	ln, err := Listen(l, network, address)
	if err != nil {
		return nil, err
	}
	cfg = offloading(l, cfg)
	queue := corolla.NewSemaphore(MaxHandshakes)
	ln.wrap = func(c *Conn) { c.addTLS(func(w *wire) *tls.Conn { return tls.Server(w, cfg) }, queue) }
	return ln, nil
}

// closeTLS tells the peer that the stream ends, if there is TLS to do it.
func (c *Conn) closeTLS() {
	if c.tls != nil && c.tls.done && c.tls.err == nil && c.out.Err() == nil {
		_ = c.tls.conn.CloseWrite() // what cannot be said now cannot be said
	}
}

// ErrTruncated is returned by Read when a connection with TLS ends without TLS's own end: an
// attacker may have cut it off. It matches io.ErrUnexpectedEOF.
var ErrTruncated = &truncation{}

type truncation struct{}

func (*truncation) Error() string        { return "the connection ended without the end of TLS" }
func (*truncation) Is(target error) bool { return target == io.ErrUnexpectedEOF }
