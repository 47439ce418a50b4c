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

// Listen listens at an address on "tcp", "tcp4", "tcp6" or "unix". It can be called outside a green
// thread.
func (h *Hub) Listen(network, address string, opts ...corolla.SocketOption) (*Listener, error) {
	return h.listening(aio.Listen(h.loop, network, address, opts...))
}

// ListenTLS is Listen with TLS: a connection's first Read or Write does its handshake; see
// aio.ListenTLS. A Conn must not be given to tls.Server, which would hold a mutex while it waits.
func (h *Hub) ListenTLS(network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Listener, error) {
	return h.listening(aio.ListenTLS(h.loop, network, address, cfg, opts...))
}

// WrapListener returns a Listener for a task's listener, such as one on an adopted socket.
func (h *Hub) WrapListener(ln *aio.Listener) *Listener { return &Listener{h, ln} }

func (h *Hub) listening(ln *aio.Listener, err error) (*Listener, error) {
	if err != nil {
		return nil, err
	}
	return h.WrapListener(ln), nil
}

// AIO returns the underlying listener.
func (ln *Listener) AIO() *aio.Listener { return ln.ln }

// Accept waits for a connection and returns it as a *Conn.
func (ln *Listener) Accept() (net.Conn, error) {
	t := ln.hub.current("green.Listener.Accept")
	c, err := call(ln.hub, t, func() (*aio.Conn, error) { return ln.ln.Accept(t) })
	if err != nil {
		return nil, err
	}
	return ln.hub.Wrap(c), nil
}

// SetDeadline sets the time after which Accept, including an Accept in progress, fails with
// os.ErrDeadlineExceeded. The zero time means never.
func (ln *Listener) SetDeadline(t time.Time) error { return ln.ln.SetDeadline(t) }

// Close stops listening. A thread waiting in Accept gets net.ErrClosed.
func (ln *Listener) Close() error { return ln.ln.Close() }

// Addr returns the listener's address.
func (ln *Listener) Addr() net.Addr { return ln.ln.Addr() }
