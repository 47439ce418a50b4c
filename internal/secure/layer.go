// Package secure is TLS for connections of a loop: what package aio and package transport have
// in common of it.
//
// TLS is Go's crypto/tls, on a connection below that parks, or says that it would have to,
// instead of blocking. A tls.Conn holds a lock while it reads, so who would be a second reader
// must be refused before it gets there, and who would write during the handshake must wait for
// its end. What it writes goes to an outbox, which never waits; water marks are heeded above
// TLS.
//
// The handshake runs on the loop, in a task; what is dear in it, signing with the private key,
// is offloaded. A handshake on a goroutine of its own was rejected: it could not be simulated.
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

// HandshakeTimeout is how long a handshake may take: a minute, as asyncio has it.
const HandshakeTimeout = time.Minute

// MaxHandshakes is how many handshakes a listener's connections have under way at a time.
const MaxHandshakes = 256

// Below is the connection below TLS.
type Below interface {
	// TryRead returns corolla.ErrWouldBlock if nothing has arrived.
	TryRead(b []byte) (int, error)
	// Await parks t until TryRead may have something.
	Await(t *corolla.Task) error
	// Send never waits.
	Send(b []byte) error
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Layer is TLS on a connection.
type Layer struct {
	conn  *tls.Conn
	wire  *wire
	lock  corolla.Lock // of the handshake
	done  bool
	err   error
	queue *corolla.Semaphore // of handshakes; nil is no limit
}

// Server puts TLS, as the server, on a connection. cfg must come from Offloading.
func Server(below Below, cfg *tls.Config, queue *corolla.Semaphore) *Layer {
	w := &wire{below: below}
	return &Layer{conn: tls.Server(w, cfg), wire: w, queue: queue}
}

// Client is Server as the client.
func Client(below Below, cfg *tls.Config) *Layer {
	w := &wire{below: below}
	return &Layer{conn: tls.Client(w, cfg), wire: w}
}

// wire is the connection below as crypto/tls wants it.
type wire struct {
	below Below
	task  *corolla.Task // that does the handshake; what comes later does not wait
	ended bool          // the stream below TLS has ended
}

// interruption is an error after which the connection can go on: crypto/tls asks for that.
type interruption struct{ error }

func (interruption) Timeout() bool   { return false }
func (interruption) Temporary() bool { return true }
func (e interruption) Unwrap() error { return e.error }

func (w *wire) Read(b []byte) (int, error) {
	for {
		n, err := w.below.TryRead(b)
		if err == nil || err == io.EOF {
			w.ended = err != nil
			return n, err
		}
		if err == corolla.ErrWouldBlock && w.task != nil {
			if err = w.below.Await(w.task); err == nil {
				continue
			}
		}
		if err == corolla.ErrWouldBlock || errors.Is(err, corolla.ErrCanceled) {
			err = interruption{err}
		}
		return 0, err
	}
}

func (w *wire) Write(b []byte) (int, error) {
	if err := w.below.Send(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (w *wire) Close() error                     { return nil } // the connection's own does it
func (w *wire) LocalAddr() net.Addr              { return w.below.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr             { return w.below.RemoteAddr() }
func (w *wire) SetDeadline(time.Time) error      { return nil } // calls have theirs
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Ready reports whether the handshake is done and was good.
func (y *Layer) Ready() bool { return y.done && y.err == nil }

// State returns the state of TLS.
func (y *Layer) State() tls.ConnectionState { return y.conn.ConnectionState() }

// Handshake sees to it that the handshake has been done, by t or by another task.
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
	begun := false
	err := t.Timeout(HandshakeTimeout, func(*corolla.Scope) error { // the wait for its turn is part of it
		if y.queue != nil {
			if err := y.queue.Acquire(t); err != nil {
				return err
			}
			defer y.queue.Release()
		}
		begun = true
		y.wire.task = t
		ended := false
		defer func() {
			if y.wire.task = nil; !ended { // a function of the configuration has panicked
				y.done, y.err = true, errAborted
			}
		}()
		err := y.conn.HandshakeContext(context.Background()) // t's cancel comes through the wire
		ended = true
		var stop interruption
		if errors.As(err, &stop) {
			return stop.error
		}
		return err
	})
	if !begun && errors.Is(err, corolla.ErrCanceled) {
		return err // t's alone
	}
	y.done, y.err = true, err
	if errors.Is(err, corolla.ErrCanceled) { // which is t's alone
		y.err = errAborted
	}
	return err
}

var errAborted = errors.New("the handshake was given up by the task that did it")

// Read reads what was decrypted, after the handshake. It returns corolla.ErrWouldBlock if there
// is nothing.
func (y *Layer) Read(b []byte) (int, error) {
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

// Write encrypts b and sends it, after the handshake.
func (y *Layer) Write(b []byte) error {
	_, err := y.conn.Write(b)
	return err
}

// CloseWrite tells the peer that the stream ends.
func (y *Layer) CloseWrite() error { return y.conn.CloseWrite() }

// ErrTruncated says that a connection has ended without TLS's own end. It matches
// io.ErrUnexpectedEOF.
var ErrTruncated = &truncation{}

type truncation struct{}

func (*truncation) Error() string        { return "the connection ended without the end of TLS" }
func (*truncation) Is(target error) bool { return target == io.ErrUnexpectedEOF }

// ForAddress returns a client's configuration, which may be nil, with the host of an address as
// the name that the server's certificate must have, if none is given.
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

// CheckServer reports an error if a server with this configuration could serve nobody.
func CheckServer(cfg *tls.Config) error {
	if cfg == nil || len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return errors.New("TLS without a certificate: set Certificates, GetCertificate or GetConfigForClient")
	}
	return nil
}
