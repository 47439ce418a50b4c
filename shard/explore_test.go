package shard_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/echotest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
)

// TestExploreShards leads a server of three shards, whose connections move to another one after each line,
// and which talk to each other and fail, through storms.
func TestExploreShards(t *testing.T) {
	for name, by := range map[string]shard.Spread{"system": shard.BySystem, "least": shard.LeastConns} {
		t.Run(name, func(t *testing.T) {
			listening := 1
			if by == shard.BySystem {
				listening = 3
			}
			simtest.Explore(t, 60, func(r *simtest.Run) error {
				lives := uint64(0)
				r.Host("server").Boot(func(on corolla.Option) error { return supervised(r, on, by, &lives) })
				r.Expect(putCanceled, callCanceled, queueFull)
				return echotest.Storm(r, "server:7", listening)
			})
		})
	}
}

// supervised runs the shards, and again a second after they have failed, as when there are no descriptors
// to listen with.
func supervised(r *simtest.Run, on corolla.Option, by shard.Spread, lives *uint64) error {
	for {
		*lives++
		k := newTalk(r, *lives)
		err := shard.Run(3, func(s *shard.Shard) error {
			ln, err := s.Listen("tcp", ":7", by)
			if err != nil {
				return err
			}
			for range 3 {
				s.Loop().Go(func(t *corolla.Task) error { return k.say(s, t) })
			}
			return aio.NewServer(aio.NewListener(ln), func(t *corolla.Task, c *aio.Conn) error {
				return wander(s, t, c)
			}).Serve(s.Task())
		}, shard.On(on), shard.LoopOptions(k.options), k.size())
		if err == nil || errors.Is(err, sim.ErrCrashed) {
			return err
		}
		k.over()
		l, err := corolla.New(on)
		if err != nil {
			return err
		}
		err = l.Run(func(t *corolla.Task) error { return t.Sleep(time.Second) })
		if err := errors.Join(err, l.Close()); err != nil {
			return err
		}
	}
}

// wander echoes a line and goes on with the connection on the next shard.
func wander(s *shard.Shard, t *corolla.Task, c *aio.Conn) error {
	line, err := c.ReadUntil(t, []byte("\n"))
	if err != nil {
		_ = c.Close() // the client has gone
		return nil
	}
	if _, err := c.Write(t, bytes.Clone(line)); err != nil {
		_ = c.Close()
		return nil
	}
	if err := c.Flush(t); err != nil {
		_ = c.Close()
		return nil
	}
	m, err := c.Move()
	if err != nil {
		_ = c.Close()
		return nil
	}
	if err := shard.PutMove(t, s, (s.Index()+1)%s.Len(), m, func(to *shard.Shard, c *aio.Conn) {
		to.Loop().Go(func(t *corolla.Task) error { return wander(to, t, c) })
	}); err != nil {
		_ = m.Close() // the shards are ending
	}
	return nil
}
