package aio

import (
	"errors"
	"net"

	"github.com/corolla-go/corolla"
)

// Listener accepts connections.
type Listener struct {
	sock *corolla.Socket
}

// Listen listens at an address on "tcp", "tcp4", "tcp6" or "unix". Port 0 picks a
// free one, which Addr tells.
func Listen(l *corolla.Loop, network, address string) (*Listener, error) {
	s, err := l.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &Listener{sock: s}, nil
}

// Accept parks t until there is a connection, and returns it.
func (ln *Listener) Accept(t *corolla.Task) (*Conn, error) {
	for {
		s, err := ln.sock.TryAccept()
		if err == nil {
			return NewConn(s), nil
		}
		if err == corolla.ErrWouldBlock {
			if err = ln.sock.WaitReadable(t); err == nil {
				continue
			}
		}
		if errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrBusy) {
			return nil, err
		}
		return nil, opError(ln.sock, "accept", err)
	}
}

// Addr returns the address that is listened at, or nil after Close.
func (ln *Listener) Addr() net.Addr { return ln.sock.LocalAddr() }

// Close stops listening. A task that waits in Accept gets net.ErrClosed. Connections
// that were accepted stay.
func (ln *Listener) Close() error { return ln.sock.Close() }
