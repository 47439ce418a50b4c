package green

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Listener is a net.Listener for green threads.
type Listener struct {
	hub *Hub
	ln  *aio.Listener
}

var _ net.Listener = (*Listener)(nil)

// Listen listens at an address on "tcp", "tcp4", "tcp6" or "unix". It can be called outside of a thread.
func (h *Hub) Listen(network, address string, opts ...corolla.SocketOption) (*Listener, error) {
	return h.listening(aio.Listen(h.loop, network, address, opts...))
}

// ListenTLS is Listen with TLS: the handshake of a connection is done by its first Read or Write; see
// aio.ListenTLS. A Conn must not be given to tls.Server, which would hold a mutex while it waits.
func (h *Hub) ListenTLS(network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Listener, error) {
	return h.listening(aio.ListenTLS(h.loop, network, address, cfg, opts...))
}

// WrapListener makes a Listener of a task's, such as one of a socket that was adopted.
func (h *Hub) WrapListener(ln *aio.Listener) *Listener { return &Listener{h, ln} }

func (h *Hub) listening(ln *aio.Listener, err error) (*Listener, error) {
	if err != nil {
		return nil, err
	}
	return h.WrapListener(ln), nil
}

// AIO returns the listener underneath.
func (ln *Listener) AIO() *aio.Listener { return ln.ln }

// Accept waits for a connection and returns it, a *Conn.
func (ln *Listener) Accept() (net.Conn, error) {
	t := ln.hub.current("green.Listener.Accept")
	c, err := call(ln.hub, t, func() (*aio.Conn, error) { return ln.ln.Accept(t) })
	if err != nil {
		return nil, err
	}
	return ln.hub.Wrap(c), nil
}

// SetDeadline sets the time from which on Accept, also one under way, fails with
// os.ErrDeadlineExceeded. The zero time is never.
func (ln *Listener) SetDeadline(t time.Time) error { return ln.ln.SetDeadline(t) }

// Close stops listening. A thread that waits in Accept gets net.ErrClosed.
func (ln *Listener) Close() error { return ln.ln.Close() }

// Addr returns the address that is listened at.
func (ln *Listener) Addr() net.Addr { return ln.ln.Addr() }
