// Command forwarder is Eventlet's example of a port forwarder: it forwards connections to one port
// to another.
package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/corolla-go/corolla/green"
)

func main() {
	green.Main(func(h *green.Hub) error {
		ln, err := h.Listen("tcp", "localhost:7000")
		if err != nil {
			return err
		}
		return h.Serve(ln, to(h, "localhost:22"))
	})
}

func to(h *green.Hub, addr string) func(client *green.Conn) error {
	return func(client *green.Conn) error {
		server, err := h.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer server.Close()
		// Two unidirectional forwarders make a bidirectional one.
		up := h.Go(func() error { return forward(server, client) })
		up.Link(func(*green.Thread[struct{}]) { fmt.Println("called back") })
		return errors.Join(forward(client, server), up.Join())
	}
}

// forward forwards bytes from src to dst until there are no more.
func forward(dst, src *green.Conn) error {
	_, err := io.Copy(dst, src)
	return errors.Join(err, dst.CloseWrite())
}
