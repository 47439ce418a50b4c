package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

// message is how many bytes a request and its answer each have.
const message = 64

// work is what a load asks of a server.
type work string

const (
	onKept  work = "kept"  // requests on connections that last
	onFresh work = "fresh" // a connection for each request, which ends with the answer
)

// playLoad keeps one request in flight on each connection: first a tenth of the requests, to warm
// the server up, and then all of them, when told to.
func playLoad(args []string) error {
	if len(args) != 4 {
		return errors.New("want the work, connections, requests and an address")
	}
	conns, err1 := strconv.Atoi(args[1])
	requests, err2 := strconv.Atoi(args[2])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	var ask func(requests int) error
	if work(args[0]) == onFresh {
		ask = (&callers{loop: l, addr: args[3], conns: conns}).ask
	} else {
		ld := &load{loop: l}
		if err := l.Run(func(t *corolla.Task) error { return ld.connect(t, args[3], conns) }); err != nil {
			return err
		}
		ask = ld.ask
	}
	if err := ask(max(requests/10, conns)); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	fmt.Println("ready")
	if err := turns.Heard("go"); err != nil {
		return err
	}
	if err := ask(requests); err != nil {
		return err
	}
	fmt.Println("done")
	return nil
}

type load struct {
	loop    *corolla.Loop
	clients []*client
	unasked int // requests not yet sent
	waiting int // requests not yet answered
	err     error
}

type client struct {
	load *load
	sock *corolla.Socket
	got  int
	buf  [message]byte
}

func (ld *load) connect(t *corolla.Task, addr string, conns int) error {
	for range conns {
		s, err := ld.loop.Dial("tcp", addr).Await(t)
		if err != nil {
			return err
		}
		c := &client{load: ld, sock: s}
		s.OnReadable(c.answer)
		ld.clients = append(ld.clients, c)
	}
	return nil
}

// ask sends that many requests, and leaves all connections quiet once they are answered.
func (ld *load) ask(requests int) error {
	ld.unasked, ld.waiting = requests, requests
	for _, c := range ld.clients[:min(requests, len(ld.clients))] {
		c.ask()
	}
	if err := ld.loop.RunForever(); err != nil {
		return err
	}
	return ld.err
}

func (ld *load) end(err error) {
	ld.err = err
	ld.loop.Stop()
}

func (c *client) ask() {
	c.load.unasked--
	if n, err := c.sock.TryWrite(c.buf[:]); n < len(c.buf) {
		c.load.end(fmt.Errorf("wrote %d bytes: %w", n, err))
	}
}

func (c *client) answer() {
	n, err := c.sock.TryRead(c.buf[c.got:])
	if err != nil && err != corolla.ErrWouldBlock {
		c.load.end(fmt.Errorf("read: %w", err))
		return
	}
	if c.got += n; c.got < len(c.buf) {
		return
	}
	c.got = 0
	if c.load.waiting--; c.load.waiting == 0 {
		c.load.end(nil)
	}
	if c.load.unasked > 0 {
		c.ask()
	}
}
