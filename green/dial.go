package green

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Dial connects to an address on "tcp", "tcp4", "tcp6" or "unix".
func (h *Hub) Dial(network, address string, opts ...corolla.SocketOption) (*Conn, error) {
	t := h.current("green.Hub.Dial")
	return h.dialed(t, func() (*aio.Conn, error) { return aio.Dial(t, network, address, opts...) })
}

// DialTLS is Dial followed by TLS as the client; see aio.DialTLS. A Conn must not be given to
// tls.Client, which would hold a mutex while it waits.
func (h *Hub) DialTLS(network, address string, cfg *tls.Config, opts ...corolla.SocketOption) (*Conn, error) {
	t := h.current("green.Hub.DialTLS")
	return h.dialed(t, func() (*aio.Conn, error) { return aio.DialTLS(t, network, address, cfg, opts...) })
}

// DialNet is Dial with the signature that many libraries expect of a dial function.
func (h *Hub) DialNet(network, address string) (net.Conn, error) {
	c, err := h.Dial(network, address)
	if err != nil {
		return nil, err // a nil *Conn would make a net.Conn that is not nil
	}
	return c, nil
}

// DialContext is DialNet that ends with a context. It is for libraries that use the connection in
// the thread that calls them; one that starts goroutines, as http.Transport does, needs net's own
// dialer, or aio.Conn.NetConn.
func (h *Hub) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = h.current("green.Hub.DialContext").Attach(ctx, func(*corolla.Scope) error {
		c, err = h.DialNet(network, address)
		return err
	})
	return c, err
}

func (h *Hub) dialed(t *corolla.Task, dial func() (*aio.Conn, error)) (*Conn, error) {
	c, err := call(h, t, dial)
	if err != nil {
		return nil, err
	}
	return h.Wrap(c), nil
}
