package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const (
	kept  = "kept"  // requests on connections that last
	fresh = "fresh" // a connection for each request

	protoEcho = "echo"
	protoHTTP = "http"
)

const request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"

// message is how many bytes a request and its answer each have.
const message = 64

// playLoad keeps one request in flight on each connection, in a task for each.
func playLoad(args []string) error {
	if len(args) != 5 {
		return errors.New("want the protocol, the work, connections, requests and an address")
	}
	exchange := echoed
	if args[0] == protoHTTP {
		exchange = answered
	}
	args = args[1:]
	conns, err1 := strconv.Atoi(args[1])
	requests, err2 := strconv.Atoi(args[2])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	return corolla.RunOnce(l, nil, func(t *corolla.Task) error {
		all := make([]*aio.Conn, conns)
		for i := range all {
			if args[0] == kept {
				if all[i], err = aio.Dial(t, "tcp", args[3]); err != nil {
					return err
				}
			}
		}
		if err := ask(t, all, max(requests/10, conns), args[3], exchange); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
		fmt.Println("ready")
		if err := turns.Heard("go"); err != nil { // nothing is in flight
			return err
		}
		if err := ask(t, all, requests, args[3], exchange); err != nil {
			return err
		}
		fmt.Println("done")
		return t.Park("the end")
	})
}

func ask(t *corolla.Task, conns []*aio.Conn, requests int, addr string, exchange exchange) error {
	return t.Group(func(g *corolla.Group) error {
		for _, c := range conns {
			g.Go(func(t *corolla.Task) error {
				buf := make([]byte, message)
				for requests > 0 {
					requests--
					if err := one(t, c, buf, addr, exchange); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return nil
	})
}

// exchange sends a request and takes the answer, for which it may use a buffer.
type exchange func(t *corolla.Task, c *aio.Conn, buf []byte) error

func echoed(t *corolla.Task, c *aio.Conn, buf []byte) error {
	if _, err := c.Write(t, buf); err != nil {
		return err
	}
	_, err := c.ReadFull(t, buf)
	return err
}

func answered(t *corolla.Task, c *aio.Conn, buf []byte) error {
	if _, err := c.Write(t, []byte(request)); err != nil {
		return err
	}
	if _, err := c.ReadUntil(t, []byte("\r\n\r\n")); err != nil {
		return err
	}
	_, err := c.ReadFull(t, buf)
	return err
}

// one makes a request, on a connection of its own if c is nil.
func one(t *corolla.Task, c *aio.Conn, buf []byte, addr string, exchange exchange) (err error) {
	if c == nil {
		if c, err = aio.Dial(t, "tcp", addr); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	return exchange(t, c, buf)
}
