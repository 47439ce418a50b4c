package aio_test

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	l := sim.New(1).NewLoop() // corolla.New makes a loop on this machine
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		defer ln.Close()
		l.Go(func(t *corolla.Task) error {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write(t, []byte("welcome"))
			return err
		})
		c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		defer c.Close()
		for buf := make([]byte, 64); ; {
			n, err := c.Read(t, buf)
			if err != nil {
				fmt.Println()
				return err // the end of the stream
			}
			fmt.Printf("%s", buf[:n])
		}
	})
	fmt.Println(err)
	// Output:
	// welcome
	// EOF
}

// A server of lines: a task for each connection, a limit on them, and an orderly end.
func ExampleServer() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		srv := aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			for line, err := range c.Lines(t) {
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(c.Bind(t), "you said %s\n", line); err != nil {
					return err
				}
			}
			return nil
		}, aio.MaxConns(1000), aio.MaxPerPeer(10))
		serving := l.Go(srv.Serve)

		c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		if _, err := c.Write(t, []byte("hello\r\n")); err != nil {
			return err
		}
		answer, err := c.ReadUntil(t, []byte("\n"))
		if err != nil {
			return err
		}
		fmt.Printf("%s", answer)

		// The client neither says more nor goes: after a second it is cut off.
		var aborted int
		err = t.Timeout(time.Second, func(*corolla.Scope) error {
			aborted, err = srv.Shutdown(t)
			return err
		})
		var late *corolla.TimeoutError
		fmt.Println(aborted, "aborted; in time:", !errors.As(err, &late))
		_, err = serving.Await(t)
		fmt.Println(err)
		return c.Close()
	})
	fmt.Println(err)
	// Output:
	// you said hello
	// 1 aborted; in time: false
	// aio: the server was shut down
	// <nil>
}

// An echo for clients that are many and mostly idle: one that says nothing costs no buffer.
func ExampleCopy() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		defer ln.Close()
		l.Go(func(t *corolla.Task) error {
			return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
				n, err := aio.Copy(t, c, c)
				fmt.Println(n, "bytes echoed")
				return err
			}).Serve(t)
		})
		c, err := aio.Dial(t, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(t, []byte("there and back")); err != nil {
			return err
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		b, err := io.ReadAll(c.Bind(t))
		fmt.Printf("%s\n", b)
		return err
	})
	fmt.Println(err)
	// Output:
	// 14 bytes echoed
	// there and back
	// <nil>
}
