// Package green is an echo server with a green thread for each connection. The
// connection is a net.Conn, so the echo itself is ordinary Go.
package green

import (
	"io"
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	h := green.NewHub(l)
	ln, err := h.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	h.Go(func() error { return h.Serve(ln, echo) })
	return ln.Addr(), nil
}

func echo(c *green.Conn) error {
	_, err := io.Copy(c, c)
	return err
}
