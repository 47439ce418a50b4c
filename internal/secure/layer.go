// Package secure is TLS for connections on a loop: the part that packages aio and transport share.
//
// TLS is Go's crypto/tls, on an underlying connection that parks, or reports that it would block,
// instead of blocking. A tls.Conn holds a lock while it reads, so a second reader must be refused
// before it gets there, and a writer must wait for the handshake to end. What the tls.Conn writes
// goes to an outbox, which never waits; water marks are enforced above TLS.
//
// The handshake runs on the loop, in a task. Its expensive part, signing with the private key, and
// the user's part, the functions of the configuration, are offloaded. Running the handshake on its
// own goroutine was rejected: it could not be simulated.
//
// A semaphore of places limits how many handshakes work at a time. A handshake holds a place only
// while it has something to do, never while it waits for its peer: if places were held from start
// to end, peers that send nothing, or half a ClientHello, would lock out everyone else.
package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/corolla-go/corolla"
)

// Limits are the limits on handshakes.
type Limits struct {
	Timeout time.Duration      // of each; 0 means none
	Places  *corolla.Semaphore // among those at work; nil means no limit
}

// LimitsOf returns the limits that options set for one connection.
func LimitsOf(opts []corolla.SocketOption) (Limits, error) {
	timeout, places, err := corolla.Handshakes(opts...)
	return Limits{timeout, places}, err
}

// ListenerLimits returns the limits that the connections of one listener share.
func ListenerLimits(opts []corolla.SocketOption) (Limits, error) {
	lim, err := LimitsOf(opts)
	if lim.Places == nil {
		lim.Places = corolla.NewSemaphore(corolla.DefaultMaxHandshakes)
	}
	return lim, err
}

// Below is the connection below TLS.
type Below interface {
	// TryRead returns corolla.ErrWouldBlock if nothing has arrived.
	TryRead(b []byte) (int, error)
	// Await parks t until TryRead may have something.
	Await(t *corolla.Task) error
	// Send never waits.
	Send(b []byte) error
	// Above reports whether unsent data exceeds the high water mark.
	Above() bool
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Layer is TLS on a connection.
type Layer struct {
	conn    *tls.Conn
	wire    *wire
	lock    corolla.Lock // of the handshake
	done    bool
	err     error
	timeout time.Duration
}

// Server starts TLS on a connection, as the server. cfg must come from Offloading.
func Server(below Below, cfg *tls.Config, lim Limits) *Layer {
	w := &wire{below: below, places: lim.Places}
	return &Layer{conn: tls.Server(w, cfg), wire: w, timeout: lim.Timeout}
}

// Client is like Server, as the client.
func Client(below Below, cfg *tls.Config, lim Limits) *Layer {
	w := &wire{below: below, places: lim.Places}
	return &Layer{conn: tls.Client(w, cfg), wire: w, timeout: lim.Timeout}
}

// wire presents the connection below as the net.Conn that crypto/tls wants.
type wire struct {
	below Below
	heard bool // the peer has sent something
	ended bool // the stream below TLS has ended

	task   *corolla.Task      // nil once the handshake is over: then nothing waits
	places *corolla.Semaphore // among the handshakes at work; nil means no limit
	placed bool               // this one has a place

	reading bool // what is written now answers what was read
	answers int  // bytes of such answers since the connection below was last within its mark
}

// interruption is an error after which the connection can continue. To crypto/tls it must look
// temporary.
type interruption struct{ error }

func (interruption) Timeout() bool   { return false }
func (interruption) Temporary() bool { return true }
func (e interruption) Unwrap() error { return e.error }

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.below.TryRead(b)
	for err == corolla.ErrWouldBlock && w.task != nil {
		w.leave()
		if err = w.below.Await(w.task); err == nil {
			n, err = w.below.TryRead(b)
		}
	}
	if err == nil {
		w.heard = true
		err = w.enter() // if that fails, what was read is lost, and the handshake with it
	}
	switch {
	case err == io.EOF:
		w.ended = true
	case err == corolla.ErrWouldBlock || errors.Is(err, corolla.ErrCanceled):
		return 0, interruption{err}
	case err != nil:
		return 0, err
	}
	return n, err
}

// enter waits for a place among the handshakes at work, if this is one.
func (w *wire) enter() (err error) {
	if w.task != nil && w.places != nil && !w.placed {
		err = w.places.Acquire(w.task)
		w.placed = err == nil
	}
	return err
}

func (w *wire) leave() {
	if w.placed {
		w.placed = false
		w.places.Release()
	}
}

func (w *wire) Write(b []byte) (int, error) {
	if w.reading {
		w.answers += len(b)
	}
	if err := w.below.Send(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (w *wire) Close() error                     { return nil } // closing is up to the connection
func (w *wire) LocalAddr() net.Addr              { return w.below.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr             { return w.below.RemoteAddr() }
func (w *wire) SetDeadline(time.Time) error      { return nil } // deadlines are the caller's
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Ready reports whether the handshake has succeeded.
func (y *Layer) Ready() bool { return y.done && y.err == nil }

// Err returns why the handshake failed, or nil.
func (y *Layer) Err() error { return y.err }

// State returns the TLS state.
func (y *Layer) State() tls.ConnectionState { return y.conn.ConnectionState() }

// Handshake makes sure that the handshake is done, by t or by another task.
func (y *Layer) Handshake(t *corolla.Task) error {
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
	err := y.limited(t, func() error { return y.handshake(t) })
	y.done, y.err = true, err
	if errors.Is(err, corolla.ErrCanceled) { // the cancel concerns t alone
		y.err = errAborted
	}
	return err
}

// limited calls do, within the timeout if there is one.
func (y *Layer) limited(t *corolla.Task, do func() error) error {
	if y.timeout <= 0 {
		return do()
	}
	return t.Timeout(y.timeout, func(*corolla.Scope) error { return do() })
}

// handshake does the handshake, with t as the task that waits.
func (y *Layer) handshake(t *corolla.Task) error {
	ended := false
	y.wire.task = t
	defer func() {
		y.wire.leave()
		if y.wire.task = nil; !ended { // a function of the configuration panicked
			y.done, y.err = true, errAborted
		}
	}()
	err := y.conn.HandshakeContext(context.Background()) // t is canceled through the wire
	ended = true
	var stop interruption
	if errors.As(err, &stop) {
		return stop.error
	}
	return err
}

var errAborted = errors.New("the handshake was abandoned by the task that ran it")

// Rebase puts TLS on another connection below, which goes on where the old one was.
func (y *Layer) Rebase(below Below) { y.wire.below = below }

// Heard reports whether the peer has sent anything, even if it was not TLS.
func (y *Layer) Heard() bool { return y.wire.heard }

// maxAnswers is how many bytes TLS may answer of its own accord to a peer that takes nothing. A
// well-behaved peer asks for an answer, a key update, once in many gigabytes.
const maxAnswers = 4 << 10

// Flooded reports whether nothing should be read until the connection below is down to its low
// water mark: the peer takes nothing, yet asks for one answer after another. (crypto/tls answers
// every KeyUpdate that requests one.) Not reading whenever the mark is passed was rejected: two
// sides that both send much before they read would wait for each other forever.
func (y *Layer) Flooded() bool {
	if !y.wire.below.Above() {
		y.wire.answers = 0
	}
	return y.wire.answers > maxAnswers
}

// Read reads decrypted data, after the handshake. It returns corolla.ErrWouldBlock if there is
// none. It must not be called while the connection is Flooded.
func (y *Layer) Read(b []byte) (int, error) {
	y.wire.reading = true
	n, err := y.conn.Read(b)
	y.wire.reading = false
	var stop interruption
	switch {
	case n > 0: // an error that comes with data will come again
		return n, nil
	case errors.As(err, &stop):
		err = stop.error
	case err == io.ErrUnexpectedEOF, err == io.EOF && y.wire.ended: // crypto/tls lets the latter pass
		err = ErrTruncated
	}
	return n, err
}

// Write encrypts b and sends it, after the handshake.
func (y *Layer) Write(b []byte) error {
	_, err := y.conn.Write(b)
	return err
}

// CloseWrite sends the peer a close_notify alert.
func (y *Layer) CloseWrite() error { return y.conn.CloseWrite() }

// ErrTruncated says that a connection ended without a close_notify alert. It matches
// io.ErrUnexpectedEOF.
var ErrTruncated = &truncation{}

type truncation struct{}

func (*truncation) Error() string        { return "the connection ended without a TLS close_notify" }
func (*truncation) Is(target error) bool { return target == io.ErrUnexpectedEOF }

// ForAddress returns a client's configuration, which may be nil, with the host of an address as its
// ServerName, unless it has one.
func ForAddress(cfg *tls.Config, address string) (*tls.Config, error) {
	if cfg == nil {
		cfg = new(tls.Config)
	}
	if cfg.ServerName != "" || cfg.InsecureSkipVerify {
		return cfg, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cfg = cfg.Clone()
	cfg.ServerName = host
	return cfg, nil
}

// CheckServer returns an error if a server with this configuration could not serve any client.
func CheckServer(cfg *tls.Config) error {
	if cfg == nil || len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return errors.New("TLS without a certificate: set Certificates, GetCertificate or GetConfigForClient")
	}
	return nil
}
