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
		ln, err := h.Listen("tcp", "127.0.0.1:3001")
		if err != nil {
			return err
		}
		server := h.Go(func() error { return h.Serve(ln, chat()) })
		var everybody []*green.Conn
		var hears []*bufio.Reader
		for range 3 {
			c, err := h.Dial("tcp", "127.0.0.1:3001")
			if err != nil {
				return err
			}
			everybody, hears = append(everybody, c), append(hears, bufio.NewReader(c))
		}
		for i, line := range []string{"hello\n", "hi\n", "bye\n"} {
			if _, err := io.WriteString(everybody[i], line); err != nil {
				return err
			}
			for j, in := range hears {
				if j == i {
					continue
				}
				if got, err := in.ReadString('\n'); got != line {
					return fmt.Errorf("%d hears %q, not %q: %w", j, got, line, err)
				}
			}
		}
		for _, c := range everybody {
			if err := c.CloseWrite(); err != nil {
				return err
			}
			if _, err := c.Read(make([]byte, 1)); err != io.EOF { // its own words never came
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		server.Kill(nil)
		return server.Join()
	})
	fmt.Println(err)
	// Output:
	// participant joined chat
	// participant joined chat
	// participant joined chat
	// chat: hello
	// chat: hi
	// chat: bye
	// participant left chat
	// participant left chat
	// participant left chat
	// green: the thread was killed
}
