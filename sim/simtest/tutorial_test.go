package simtest_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
)

// tally counts what it is asked to, by name.
type tally struct {
	sum    int
	seen   map[string]bool
	answer func(t *tally, name string) int
}

func (y *tally) serve(t *corolla.Task) error {
	ln, err := aio.Listen(t.Loop(), "tcp", ":7000")
	if err != nil {
		return err
	}
	return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
		for name, err := range c.Lines(t) {
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(c.Bind(t), y.answer(y, string(name))); err != nil {
				return err
			}
		}
		return nil
	}).Serve(t)
}

func (y *tally) count(name string) int {
	y.sum++
	return y.sum
}

// ask has the server count a name, and returns the sum.
func ask(t *corolla.Task, name string) (sum int, err error) {
	err = t.Timeout(time.Second, func(*corolla.Scope) error {
		c, err := aio.Dial(t, "tcp", "server:7000")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := fmt.Fprintln(c.Bind(t), name); err != nil {
			return err
		}
		line, err := c.ReadUntil(t, []byte("\n"))
		if err != nil {
			return err
		}
		sum, err = strconv.Atoi(strings.TrimSpace(string(line)))
		return err
	})
	return sum, err
}

func stormyTally(r *simtest.Run, y *tally) error {
	r.Expect("asked again")
	r.Host("server").Start(y.serve, r.PanicsOnly())
	client := r.Host("client").Start(func(t *corolla.Task) error {
		for i := 1; i <= 10; i++ {
			sum := 0
			err := errors.New("not asked yet")
			for err != nil {
				if err := t.Sleep(500 * time.Millisecond); err != nil {
					return err
				}
				if sum, err = ask(t, fmt.Sprint("name", i)); err != nil {
					r.Sometimes("asked again")
				}
			}
			r.Always(sum == i, "each name is counted once")
		}
		return nil
	})
	r.Storm(5*time.Second, sim.Partition, sim.OneWay, sim.Delay, sim.Reset, sim.SlowHost)
	if err := r.RunUntil(client.Done, time.Minute); err != nil {
		return err
	}
	return client.Err()
}

func testTally(t testing.TB) {
	simtest.Explore(t, 500, func(r *simtest.Run) error {
		return stormyTally(r, &tally{answer: (*tally).count})
	})
}

func (y *tally) countOnce(name string) int {
	if !y.seen[name] {
		y.seen[name] = true
		y.sum++
	}
	return y.sum
}

func TestTally(t *testing.T) {
	simtest.Explore(t, 500, func(r *simtest.Run) error {
		return stormyTally(r, &tally{answer: (*tally).countOnce, seen: map[string]bool{}})
	})
}
