package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// The load is callbacks on a loop of Corolla, with the requests made beforehand, so that it does
// little besides its system calls. A connection sends again when the answers to what it sent last
// are complete: the load is never ahead of the server.

// load keeps one exchange at a time in flight on each connection, or one on all.
type load struct {
	loop      *corolla.Loop
	clients   []*client
	exchanges []*exchange
	request   []byte // with which an exchange begins
	unmade    int    // exchanges not yet begun
	waiting   int    // exchanges not yet over
	times     []time.Duration
	err       error
}

// exchange is what one connection sends at once, and the answers: all on the same connection, or,
// in a broadcast, one on each.
type exchange struct {
	load    *load
	by      *client
	answers int
	owed    int // answers still to come
	begun   time.Time
}

type client struct {
	of      *exchange
	sock    *corolla.Socket
	replies replies
}

// replies reads answers, and returns how many ended in what was read.
type replies interface{ Take([]byte) (int, error) }

// connect makes connections with an exchange each, of one answer.
func (ld *load) connect(addr string, conns int, newReplies func() replies) error {
	return ld.loop.Run(func(t *corolla.Task) error {
		for range conns {
			s, err := ld.loop.Dial("tcp", addr).Await(t)
			if err != nil {
				return err
			}
			c := &client{sock: s, replies: newReplies()}
			c.of = &exchange{load: ld, by: c, answers: 1}
			s.OnReadable(c.read)
			ld.clients = append(ld.clients, c)
			ld.exchanges = append(ld.exchanges, c.of)
		}
		return nil
	})
}

// joinAll makes one exchange of all: the first connection sends, and each gets an answer.
func (ld *load) joinAll() {
	x := &exchange{load: ld, by: ld.clients[0], answers: len(ld.clients)}
	for _, c := range ld.clients {
		c.of = x
	}
	ld.exchanges = []*exchange{x}
}

// make makes that many exchanges, and leaves all connections quiet once they are over.
func (ld *load) make(exchanges int) error {
	ld.unmade, ld.waiting = exchanges, exchanges
	ld.times = make([]time.Duration, 0, exchanges)
	for _, x := range ld.exchanges[:min(exchanges, len(ld.exchanges))] {
		x.begin()
	}
	if err := ld.loop.RunForever(); err != nil {
		return err
	}
	return ld.err
}

func (ld *load) end(err error) {
	ld.err = cmp.Or(ld.err, err)
	ld.loop.Stop()
}

// seen says how long the last exchanges took, together and each.
func (ld *load) seen(together time.Duration) seen {
	slices.Sort(ld.times)
	at := func(percent int) float64 { return float64(ld.times[len(ld.times)*percent/100].Nanoseconds()) / 1e3 }
	return seen{Seconds: together.Seconds(), P50: at(50), P99: at(99)}
}

func (x *exchange) begin() {
	ld := x.load
	ld.unmade--
	x.owed, x.begun = x.answers, time.Now()
	if n, err := x.by.sock.TryWrite(ld.request); n < len(ld.request) {
		ld.end(fmt.Errorf("wrote %d bytes: %w", n, err))
	}
}

func (c *client) read() {
	x, ld := c.of, c.of.load
	buf := ld.loop.Scratch()
	n, err := c.sock.TryRead(buf)
	if err == corolla.ErrWouldBlock {
		return
	}
	ended := 0
	if err == nil {
		ended, err = c.replies.Take(buf[:n])
	}
	if x.owed -= ended; err == nil && x.owed < 0 {
		err = fmt.Errorf("%d answers more than requests", -x.owed)
	}
	if err != nil {
		ld.end(fmt.Errorf("read: %w", err))
		return
	}
	if ended > 0 && x.owed == 0 {
		x.over()
	}
}

func (x *exchange) over() {
	ld := x.load
	ld.times = append(ld.times, time.Since(x.begun))
	if ld.waiting--; ld.waiting == 0 {
		ld.end(nil)
	}
	if ld.unmade > 0 {
		x.begin()
	}
}
