package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

const (
	others   = 50
	interval = 10 * time.Millisecond
)

// times is what the others have seen, in µs.
type times struct {
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
}

// playOthers measures, and once more when told to.
func playOthers(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and seconds")
	}
	seconds, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	return l.Run(func(t *corolla.Task) error {
		all := make([]*aio.Conn, others)
		for i := range all {
			if all[i], err = aio.Dial(t, "tcp", args[0]); err != nil {
				return err
			}
		}
		if _, err := ask(t, all, time.Second/2); err != nil { // to warm the server up
			return err
		}
		for {
			seen, err := ask(t, all, time.Duration(seconds)*time.Second)
			if err != nil {
				return err
			}
			if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
				return err
			}
			if err := turns.Heard("again"); err != nil {
				return err
			}
		}
	})
}

// ask has all clients ask again and again, at staggered times.
func ask(t *corolla.Task, all []*aio.Conn, d time.Duration) (seen times, err error) {
	var took []time.Duration
	err = t.Group(func(g *corolla.Group) error {
		for i, c := range all {
			g.Go(func(t *corolla.Task) error {
				if err := t.Sleep(interval * time.Duration(i) / others); err != nil {
					return err
				}
				end := t.Loop().Now() + d
				return corolla.Every(t, interval, func() error {
					if t.Loop().Now() > end {
						return errDone
					}
					begin := time.Now()
					err := askOnce(t, c)
					took = append(took, time.Since(begin))
					return err
				})
			})
		}
		return nil
	})
	if len(took) == 0 || err != nil && !errors.Is(err, errDone) {
		return seen, errors.Join(err, errors.New("the others were not answered"))
	}
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[len(took)*percent/100].Nanoseconds()) / 1e3 }
	return times{at(50), at(99)}, nil
}

var errDone = errors.New("the time is over")

func askOnce(t *corolla.Task, c *aio.Conn) error {
	if _, err := c.Write(t, []byte("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		return err
	}
	var got []byte
	for !bytes.HasSuffix(got, []byte("\r\n\r\nhello")) {
		b, err := c.Receive(t)
		if err != nil {
			return err
		}
		got = append(got, b...)
	}
	return nil
}
