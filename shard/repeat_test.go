package shard_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
)

// On a simulated machine shards are one program that repeats exactly: whose turn it is, which messages wait
// for room, who serves which connection, and when. Another seed has another order.
func TestShardsRepeat(t *testing.T) {
	traces := map[string]uint64{}
	for seed := uint64(1); seed <= 10; seed++ {
		first := traceOf(t, seed)
		one := runtime.GOMAXPROCS(1) // nor does it matter how many processors there are
		again := traceOf(t, seed)
		runtime.GOMAXPROCS(one)
		if again != first {
			t.Errorf("seed %d: two runs differ", seed)
		}
		if other, ok := traces[first]; ok {
			t.Errorf("seeds %d and %d have the same trace", seed, other)
		}
		traces[first] = seed
	}
}

// traceOf returns everything that a busy program does.
func traceOf(t *testing.T, seed uint64) string {
	var log bytes.Buffer
	r := &runner{t: t, seed: seed, trace: &log}
	by := []shard.Spread{shard.BySystem, shard.RoundRobin, shard.LeastConns}[seed%3]
	onOne(t, r, func(t *testing.T, r *runner) {
		serving(r, by, func(s *shard.Shard, ln *corolla.Socket) error { return styles["aio"](t, s, ln) },
			func(s *shard.Shard, task *corolla.Task, addr string) error {
				return task.Group(func(g *corolla.Group) error {
					for i := range 12 {
						g.Go(func(task *corolla.Task) error { return chat(s, task, addr, &log, i) })
						g.Go(func(task *corolla.Task) error {
							return s.Put(task, i%s.Len(), func(o *shard.Shard) {
								fmt.Fprintf(&log, "%v has message %d at %v\n", o, i, o.Loop().Now())
							})
						})
					}
					return nil
				})
			})
	})
	return log.String()
}

func chat(s *shard.Shard, task *corolla.Task, addr string, log io.Writer, i int) error {
	c, at, err := visit(task, addr, true)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%v: client %d is served by %d\n", s, i, at)
	if _, err := c.Write(task, make([]byte, 100)); err != nil {
		return err
	}
	if _, err := c.ReadFull(task, make([]byte, 100)); err != nil {
		return err
	}
	if i%2 == 0 { // the rest of them are left to the end
		return c.Close()
	}
	m, err := c.Move()
	if err != nil {
		return err
	}
	return shard.PutMove(task, s, i%s.Len(), m, func(o *shard.Shard, c *aio.Conn) {
		fmt.Fprintf(log, "%v has client %d at %v\n", o, i, o.Loop().Now())
	})
}
