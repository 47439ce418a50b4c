package main

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla"
)

// runLoad has one request under way on each connection, all the time. A tenth of the
// requests come first, to warm up.
func runLoad(addr string, conns, requests int) error {
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return err
	}
	ld := &load{loop: l, left: requests/10 + requests, warm: requests}
	if err := l.Run(func(t *corolla.Task) error {
		for range conns {
			s, err := l.Dial("tcp", addr).Await(t)
			if err != nil {
				return err
			}
			ld.add(s)
		}
		return nil
	}); err != nil {
		return err
	}
	l.After(patience*6, func() { ld.end(errors.New("took too long")) })
	for _, c := range ld.clients {
		c.ask()
	}
	if err := l.RunForever(); err != nil {
		return err
	}
	return ld.err
}

type load struct {
	loop    *corolla.Loop
	clients []*client
	left    int // requests to be answered
	warm    int // so many are left when the measuring begins
	err     error
}

type client struct {
	load *load
	sock *corolla.Socket
	got  int
	buf  [64]byte
}

func (ld *load) add(s *corolla.Socket) {
	c := &client{load: ld, sock: s}
	s.OnReadable(c.answer)
	ld.clients = append(ld.clients, c)
}

func (ld *load) end(err error) {
	ld.err = err
	ld.loop.Stop()
}

func (c *client) ask() {
	if n, err := c.sock.TryWrite(c.buf[:]); n < len(c.buf) {
		c.load.end(fmt.Errorf("wrote %d bytes: %w", n, err))
	}
}

func (c *client) answer() {
	n, err := c.sock.TryRead(c.buf[c.got:])
	if err != nil && err != corolla.ErrWouldBlock {
		c.load.end(err)
		return
	}
	if c.got += n; c.got < len(c.buf) {
		return
	}
	c.got = 0
	switch c.load.left--; c.load.left {
	case c.load.warm:
		fmt.Println("go")
	case 0:
		fmt.Println("done")
		c.load.end(nil)
	}
	c.ask()
}
