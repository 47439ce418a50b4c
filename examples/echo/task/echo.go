// Package task is an echo server with a task for each connection.
package task

import (
	"net"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Serve echoes what every connection to addr sends, while l runs.
func Serve(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := aio.Listen(l, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l.Go(func(t *corolla.Task) error {
		for {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			l.Go(func(t *corolla.Task) error { return echo(t, c) })
		}
	})
	return ln.Addr(), nil
}

func echo(t *corolla.Task, c *aio.Conn) error {
	for {
		b, err := c.Receive(t) // in the loop's memory, until this task waits again
		if err != nil {
			return c.Close() // the client is gone, one way or another
		}
		c.Write(t, b)
	}
}
