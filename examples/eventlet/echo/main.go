// Command echo is Eventlet's example of an echo server: it sends back each line.
package main

import (
	"bufio"
	"fmt"

	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
)

func main() {
	green.Main(func(h *green.Hub) error {
		ln, err := h.Listen("tcp", ":6000")
		if err != nil {
			return err
		}
		fmt.Println("server listening on port 6000")
		return h.Serve(ln, handle, aio.MaxConns(1000))
	})
}

func handle(c *green.Conn) error {
	fmt.Println("client connected")
	defer fmt.Println("client disconnected")
	for in := bufio.NewReader(c); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if _, err := c.Write([]byte(line)); err != nil {
			return err
		}
		fmt.Print("echoed ", line)
	}
}
