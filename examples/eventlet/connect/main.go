// Command connect is Eventlet's example of the same name: it spawns a thread for each of several
// hosts, and collects what they return.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/corolla-go/corolla/green"
)

func main() {
	green.Main(func(h *green.Hub) error { return ask(h, os.Args[1:]) })
}

func ask(h *green.Hub, hosts []string) error {
	pile := green.NewPile[[]byte](green.NewPool(h, 1000))
	for _, host := range hosts {
		pile.Go(func() ([]byte, error) { return get(h, host) })
	}
	// The pile collects what the functions return; an error comes in place of a result.
	i := 0
	for answer, err := range pile.All() {
		if err != nil {
			return err
		}
		fmt.Printf("%s: %.20q\n", hosts[i], answer)
		i++
	}
	return nil
}

func get(h *green.Hub, host string) ([]byte, error) {
	c, err := h.Dial("tcp", host+":80")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	fmt.Println(host, "connected")
	if _, err := io.WriteString(c, "GET /\r\n\r\n"); err != nil {
		return nil, err
	}
	b := make([]byte, 1024)
	n, err := c.Read(b)
	return b[:n], err
}
