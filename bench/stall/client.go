package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const (
	talkers  = 50
	interval = 10 * time.Millisecond
)

// playClient measures, makes readers stall when told to, and measures again in the second half of
// their time.
func playClient(args []string) error {
	if len(args) != 3 {
		return errors.New("want an address, subscribers and seconds")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	half := time.Duration(seconds) * time.Second / 2
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	return l.Run(func(t *corolla.Task) error {
		conns, err := dialAll(t, args[0], talkers, talk)
		if err != nil {
			return err
		}
		if err := measure(t, conns, 2*half); err != nil {
			return err
		}
		if err := turns.Heard("stall"); err != nil {
			return err
		}
		stalled, err := dialAll(t, args[0], n, subscribe, corolla.ReadBuffer(systemBuffer))
		if err != nil {
			return err
		}
		if err := t.Sleep(half); err != nil {
			return err
		}
		fmt.Println("full")
		if err := measure(t, conns, half); err != nil {
			return err
		}
		_ = stalled
		return turns.Heard("end") // never comes: the parent kills this process
	})
}

func dialAll(t *corolla.Task, addr string, n int, what byte, opts ...corolla.SocketOption) ([]*aio.Conn, error) {
	conns := make([]*aio.Conn, n)
	for i := range conns {
		c, err := aio.Dial(t, "tcp", addr, opts...)
		if err != nil {
			return nil, err
		}
		if _, err := c.Write(t, []byte{what}); err != nil {
			return nil, err
		}
		conns[i] = c
	}
	return conns, nil
}

// measure has every talker ask again and again, at staggered times, and prints how long the answers
// took, in ns.
func measure(t *corolla.Task, conns []*aio.Conn, d time.Duration) error {
	var times []time.Duration
	err := t.Group(func(g *corolla.Group) error {
		for i, c := range conns {
			g.Go(func(t *corolla.Task) error {
				if err := t.Sleep(interval * time.Duration(i) / talkers); err != nil {
					return err
				}
				b := make([]byte, 64)
				for end := t.Loop().Now() + d; t.Loop().Now() < end; {
					begin := time.Now()
					if _, err := c.Write(t, b); err != nil {
						return err
					}
					if _, err := c.ReadFull(t, b); err != nil {
						return err
					}
					times = append(times, time.Since(begin))
					if err := t.Sleep(interval); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return nil
	})
	var out strings.Builder
	for _, took := range times {
		fmt.Fprintf(&out, "%d ", took)
	}
	fmt.Fprintln(os.Stdout, out.String())
	return err
}
