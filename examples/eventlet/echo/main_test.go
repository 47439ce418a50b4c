package main

import (
	"bufio"
	"fmt"
	"io"
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
		ln, err := h.Listen("tcp", "127.0.0.1:6000")
		if err != nil {
			return err
		}
		server := h.Go(func() error {
			return h.Serve(ln, func(c *green.Conn) error {
				if err := handle(c); err != io.EOF {
					return err
				}
				return green.ErrStopServe
			})
		})
		c, err := h.Dial("tcp", "127.0.0.1:6000")
		if err != nil {
			return err
		}
		in := bufio.NewReader(c)
		for _, line := range []string{"hello\n", "world\n"} {
			if _, err := io.WriteString(c, line); err != nil {
				return err
			}
			if got, err := in.ReadString('\n'); got != line {
				return fmt.Errorf("%q came back as %q, %w", line, got, err)
			}
		}
		if err := c.Close(); err != nil {
			return err
		}
		return server.Join()
	})
	fmt.Println(err)
	// Output:
	// client connected
	// echoed hello
	// echoed world
	// client disconnected
	// <nil>
}
