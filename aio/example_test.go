package aio_test

import (
	"fmt"

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
