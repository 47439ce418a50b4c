package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func Example() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	err := h.Run(func() error {
		for addr, handle := range map[string]func(*green.Conn) error{
			"127.0.0.1:22":   shout,
			"127.0.0.1:7000": to(h, "127.0.0.1:22"),
		} {
			ln, err := h.Listen("tcp", addr)
			if err != nil {
				return err
			}
			h.Go(func() error { return h.Serve(ln, handle) })
		}
		c, err := h.Dial("tcp", "127.0.0.1:7000")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, "hello"); err != nil {
			return err
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		answer, err := io.ReadAll(c)
		fmt.Println(string(answer))
		return err
	})
	fmt.Println(err)
	// Output:
	// called back
	// HELLO
	// <nil>
}

// shout is at the other port. It answers when it has heard all.
func shout(c *green.Conn) error {
	said, err := io.ReadAll(c)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c, strings.ToUpper(string(said)))
	return err
}
