package main

import (
	"fmt"

	"github.com/corolla-go/corolla"
)

// maxFresh is how many connections a turn makes at most. Each takes one of the client's 28,000
// ports, which the system does not reuse for a minute.
const maxFresh = 20_000

// callers keep conns connections open all the time, each for one request.
type callers struct {
	loop     *corolla.Loop
	addr     string
	conns    int
	uncalled int // connections not yet made
}

// ask sends that many requests and returns when they are answered.
func (c *callers) ask(requests int) error {
	c.uncalled = requests
	return c.loop.Run(func(t *corolla.Task) error {
		return t.Group(func(g *corolla.Group) error {
			for range c.conns {
				g.Go(c.call)
			}
			return nil
		})
	})
}

func (c *callers) call(t *corolla.Task) error {
	var buf [message]byte
	for c.uncalled > 0 {
		c.uncalled--
		s, err := c.loop.Dial("tcp", c.addr).Await(t)
		if err != nil {
			return err
		}
		if n, err := s.TryWrite(buf[:]); n < len(buf) {
			return fmt.Errorf("wrote %d bytes: %w", n, err)
		}
		for got := 0; got < len(buf); {
			n, err := s.TryRead(buf[got:])
			if err == corolla.ErrWouldBlock {
				err = s.WaitReadable(t)
			}
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
			got += n
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}
