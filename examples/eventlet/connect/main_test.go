package main

import (
	"bufio"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func Example() {
	w := sim.New(
		1, sim.Whole(), sim.Latency(time.Millisecond, time.Millisecond),
		sim.Name("a.test", "127.0.0.1"), sim.Name("b.test", "127.0.0.1"),
	)
	l := w.NewLoop()
	defer l.Close()
	h := green.NewHub(l)
	err := h.Run(func() error {
		ln, err := h.Listen("tcp", "127.0.0.1:80")
		if err != nil {
			return err
		}
		h.Go(func() error {
			return h.Serve(ln, func(c *green.Conn) error {
				if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
					return err
				}
				_, err := io.WriteString(c, "<html>")
				return err
			})
		})
		return ask(h, []string{"a.test", "b.test"})
	})
	fmt.Println(err)
	// Output:
	// a.test connected
	// b.test connected
	// a.test: "<html>"
	// b.test: "<html>"
	// <nil>
}
