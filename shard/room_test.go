package shard_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
)

// A callback of OnRoom that panics keeps nobody else from being told, or from being woken.
func TestRoomCallbackPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			if err := s.Send(1, nothing); err != nil {
				return err
			}
			told := corolla.NewFuture[struct{}](s.Loop())
			s.OnRoom(1, func() {
				_ = s.Send(1, nothing) // so that the others wait on
				panic(errTest)
			})
			s.OnRoom(1, func() { _ = told.Resolve(struct{}{}) })
			err := s.Put(s.Task(), 1, nothing)
			_, err2 := told.Await(s.Task())
			return errors.Join(err, err2)
		}, shard.QueueSize(1))
		if errs := r.take(); len(errs) != 1 || !errors.Is(errs[0], errTest) || !strings.Contains(errs[0].Error(), "OnRoom for shard 1") {
			t.Errorf("reported: %v", errs)
		}
	})
}

// A shard cannot listen twice at one address, where one of its servers would get nothing.
func TestListenTwice(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			ln, err := s.Listen("tcp", "127.0.0.1:0", shard.RoundRobin)
			if err != nil {
				return err
			}
			if _, err := s.Listen("tcp", "127.0.0.1:0", shard.RoundRobin); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("Listen again: %v", err)
			}
			return ln.Close()
		})
	})
}

// Shards that stop listening and begin again, in any order, close no socket but their own.
func TestListenAgain(t *testing.T) {
	inWorlds(t, 30, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			for range 10 {
				ln, err := s.Listen("tcp", "127.0.0.1:7", shard.RoundRobin)
				if err != nil {
					return err
				}
				for range 1 + s.Index() {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
				if err := ln.Close(); err != nil {
					t.Errorf("%v: its socket was closed: %v", s, err)
				}
			}
			return nil
		})
	})
}

// Clients of a shard that accepts nothing are turned away, so that those of others get in.
func TestBySourceRefuses(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		serving(r, shard.BySource, func(s *shard.Shard, _ *corolla.Socket) error { return forever(s) },
			func(_ *shard.Shard, task *corolla.Task, addr string) error {
				for i := range 130 {
					c, err := aio.Dial(task, "tcp", addr)
					if err != nil {
						return err
					}
					if i < 128 {
						continue
					}
					if _, err := c.Read(task, make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("connection %d: %v", i, err)
					}
				}
				return nil
			})
		if errs := r.take(); len(errs) != 1 || !strings.Contains(errs[0].Error(), "refusing clients of shard") {
			t.Errorf("reported: %v", errs)
		}
	})
}

// Clients of a Unix socket have no address to go by, so they go round.
func TestBySourceWithoutAddresses(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		path := filepath.Join(t.TempDir(), "s")
		ready := 0
		r.must(func(s *shard.Shard) error {
			ln, err := s.Listen("unix", path, shard.BySource)
			if err != nil {
				return err
			}
			l := aio.NewListener(ln)
			for to := range s.Len() { // one of them accepts, and has then heard of this one
				if err := s.Call(s.Task(), to, func(*shard.Shard) error { return nil }); err != nil {
					return err
				}
			}
			if err := s.Send(0, func(*shard.Shard) { ready++ }); err != nil {
				return err
			}
			if s.Index() == 0 {
				for ready < s.Len() {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
				for range 2 * s.Len() {
					if _, err := aio.Dial(s.Task(), "unix", path); err != nil {
						return err
					}
				}
			}
			for range 2 { // each shard gets as many, or this never ends
				if _, err := l.Accept(s.Task()); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// A shard whose loop has stopped gets no connections any more: clients that come while the others end are served.
func TestNoConnectionsForAStoppedShard(t *testing.T) {
	for _, name := range []string{"handed out", "least"} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, r *runner) {
				var ready shard.Value[int]
				err := r.run(func(s *shard.Shard) error {
					for first := s.Index() == 0; !first; { // it is to be the one that accepts
						if err := s.Call(s.Task(), 0, func(o *shard.Shard) error { first = *ready.Of(o) > 0; return nil }); err != nil {
							return err
						}
					}
					ln, err := s.Listen("tcp", "127.0.0.1:0", spreads[name])
					if err != nil {
						return err
					}
					transport.ServeOn(ln, func(*transport.Conn) transport.Protocol { return echo{s} })
					if err := s.Send(0, func(o *shard.Shard) { *ready.Of(o)++ }); err != nil || s.Index() != 0 {
						return errors.Join(err, forever(s))
					}
					for *ready.Of(s) < s.Len() {
						if err := s.Task().Yield(); err != nil {
							return err
						}
					}
					_ = s.Send(1, func(o *shard.Shard) { o.Loop().Stop() })
					_ = forever(s)
					return s.Task().Shielded(func(*corolla.Scope) error { return visitsWithoutOne(s, ln.LocalAddr().String()) })
				})
				if of := new(*shard.Error); !errors.As(err, of) || err != error(*of) || (*of).Shard != 1 {
					t.Errorf("Run: %v", err)
				}
				r.take() // the messages that ask whether it has ended are lost, too
			})
		})
	}
}

// visitsWithoutOne connects after shard 1 has ended.
func visitsWithoutOne(s *shard.Shard, addr string) error {
	for s.Send(1, nothing) != shard.ErrEnded {
		if err := s.Task().Yield(); err != nil {
			return err
		}
	}
	for range 8 {
		if _, _, err := visit(s.Task(), addr, true); err != nil {
			return fmt.Errorf("a connection was not served: %w", err)
		}
	}
	return nil
}
