package aio

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Listener accepts connections.
type Listener struct {
	sock      *corolla.Socket
	accepting direction
	tls       *stream.TLS // nil if none
}

// Listen listens on an address; network is "tcp", "tcp4", "tcp6" or "unix". Port 0 picks a free
// port, which Addr returns. The options also apply to accepted connections.
func Listen(l *corolla.Loop, network, address string, opts ...corolla.SocketOption) (*Listener, error) {
	s, err := l.Listen(network, address, opts...)
	if err != nil {
		return nil, err
	}
	return NewListener(s), nil
}

// NewListener returns a Listener on a listening socket, for example an adopted one, which it owns
// from then on.
func NewListener(s *corolla.Socket) *Listener { return &Listener{sock: s} }

// Socket returns the underlying socket.
func (ln *Listener) Socket() *corolla.Socket { return ln.sock }

// Accept parks t until there is a connection, and returns it. While the process is out of file
// descriptors, new connections are closed and the loop's error handler is told.
func (ln *Listener) Accept(t *corolla.Task) (*Conn, error) {
	s, err := ln.acceptSocket(t)
	if err != nil {
		return nil, err
	}
	return ln.conn(s), nil
}

// Adopt makes a Conn of a connection to the listener's address that another process has accepted and passed on:
// see Conn.Share. It has the listener's options. Local and peer are what the other process knew its ends as; nil
// means what the system says. It fails on a listener with TLS.
func (ln *Listener) Adopt(c syscall.Conn, local, peer net.Addr) (*Conn, error) {
	if ln.tls != nil {
		return nil, fmt.Errorf("adopt a connection for a listener with TLS: %w", errors.ErrUnsupported)
	}
	s, err := corolla.AdoptAccepted(ln.sock, c, local, peer)
	if err != nil {
		return nil, err
	}
	return NewConn(s), nil
}

// conn makes a Conn, with TLS if the listener has it, of a socket that was accepted.
func (ln *Listener) conn(s *corolla.Socket) *Conn {
	c := NewConn(s)
	if ln.tls != nil {
		addTLS(c, ln.tls)
	}
	return c
}

func (ln *Listener) acceptSocket(t *corolla.Task) (*corolla.Socket, error) {
	if err := ln.accepting.begin(t, ln.sock.Readable()); err != nil {
		return nil, err
	}
	defer ln.accepting.end(t)
	for {
		if ln.accepting.expired {
			return nil, wrap(ln.sock, "accept", os.ErrDeadlineExceeded)
		}
		s, err := ln.sock.TryAccept()
		if err == nil {
			return s, nil
		}
		if err == corolla.ErrWouldBlock {
			if err = ln.sock.WaitReadable(t); err == nil {
				continue
			}
		}
		return nil, wrap(ln.sock, "accept", err)
	}
}

// SetDeadline sets the time after which Accept, including one that is already waiting, fails with
// os.ErrDeadlineExceeded. The zero time means never.
func (ln *Listener) SetDeadline(when time.Time) error {
	if ln.sock.Closed() {
		return wrap(ln.sock, "set deadline", net.ErrClosed)
	}
	ln.accepting.setDeadline(ln.sock.Loop(), when)
	return nil
}

// Addr returns the listener's address, even after Close.
func (ln *Listener) Addr() net.Addr { return ln.sock.LocalAddr() }

// Close stops listening. A task waiting in Accept gets net.ErrClosed. Accepted connections stay
// open.
func (ln *Listener) Close() error {
	ln.accepting.close()
	return ln.sock.Close()
}

// String describes the connection, for reports: its network and both addresses.
func (c *Conn) String() string { return c.stream.String() }
