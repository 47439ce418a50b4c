package shard_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
)

// inWorlds runs a test in many simulated Worlds, for what takes an order of turns that is rare.
func inWorlds(t *testing.T, n uint64, test func(t *testing.T, r *runner)) {
	t.Helper()
	for seed := uint64(1); seed <= n; seed++ {
		t.Run(fmt.Sprint("sim ", seed), func(t *testing.T) { onOne(t, &runner{t: t, seed: seed}, test) })
	}
}

// A connection on its way between two shards that both end before their time is closed all the same.
func TestMovingBetweenTheDead(t *testing.T) {
	inWorlds(t, 20, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return forever(s)
			}
			ln, err := aio.Listen(s.Loop(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			if _, err := aio.Dial(s.Task(), "tcp", ln.Addr().String()); err != nil {
				return err
			}
			c, err := ln.Accept(s.Task())
			if err != nil {
				return err
			}
			for range 200 { // more than run before the loop has a look at the clock
				if err := s.Send(1, func(o *shard.Shard) {
					o.Loop().Stop()
					r.work()
				}); err != nil {
					return err
				}
			}
			m, err := c.Move()
			if err != nil {
				return err
			}
			if err := shard.Move(s, 1, m, func(*shard.Shard, *aio.Conn) { t.Error("it has arrived") }); err != nil {
				return errors.Join(err, m.Close())
			}
			s.Loop().Stop()
			return forever(s)
		}, r.loops(corolla.TurnBudget(1)))
		if !errors.Is(err, corolla.ErrLoopStopped) {
			t.Errorf("Run: %v", err)
		}
		r.take() // the lost messages, unless their sender has ended first
	})
}

// An error handler that hears of lost messages may send others, whatever the shard is doing just then.
func TestErrorHandlerSends(t *testing.T) {
	told := 0
	inWorlds(t, 50, func(t *testing.T, r *runner) {
		got := 0
		var first *shard.Shard
		err := r.run(func(s *shard.Shard) error {
			switch s.Index() {
			case 0:
				first = s
				for s.Send(1, nothing) == nil {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
			case 1:
				if err := s.Task().Yield(); err != nil {
					return err
				}
				s.Loop().Stop()
			}
			return forever(s)
		}, r.loops(corolla.ErrorHandler(func(err error) {
			if errors.As(err, new(*shard.LostError)) && first.Send(2, func(*shard.Shard) { got++ }) == nil {
				told++
				got--
			}
		})))
		if !errors.Is(err, corolla.ErrLoopStopped) || got != 0 {
			t.Errorf("Run: %v; %d messages were not run", err, -got)
		}
	})
	if told == 0 {
		t.Error("no message was lost in any World")
	}
}

// A Broadcast that finds out that a shard has ended sends nothing to any, whatever the error handler that hears of it
// sends meanwhile.
func TestBroadcastMeetsTheEnd(t *testing.T) {
	const size = 1025 // one more than are handed over at once
	r := &runner{t: t}
	var ended, held, release atomic.Bool
	var first *shard.Shard
	got := 0
	err := r.runN(3, func(s *shard.Shard) error {
		if s.Index() != 0 {
			return forever(s)
		}
		first = s
		stop := func(o *shard.Shard) {
			ln, err := o.Loop().Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			ln.OnClosed(func() { ended.Store(true) })
			o.Loop().Stop()
		}
		hold := func(*shard.Shard) { held.Store(true); until(&release) }
		for _, step := range []struct {
			to   int
			f    func(*shard.Shard)
			wait *atomic.Bool
		}{{1, hold, &held}, {2, stop, &ended}} { // all in one turn, so that this shard is not told of the end
			for range size - 1 {
				if err := s.Send(step.to, step.f); err != nil {
					return err
				}
				step.f = nothing
			}
			until(step.wait)
		}
		if err := s.Send(2, nothing); err != nil { // there is no place any more, but one to be given back
			return err
		}
		if err := s.Broadcast(func(*shard.Shard) { got++ }); !errors.Is(err, shard.ErrEnded) {
			t.Errorf("Broadcast: %v", err)
		}
		release.Store(true)
		return s.Call(s.Task(), 1, func(*shard.Shard) error { return nil })
	}, shard.QueueSize(size), r.loops(corolla.ErrorHandler(func(err error) {
		if errors.As(err, new(*shard.LostError)) {
			_ = first.Send(1, nothing) // the last place
		}
	})))
	if !errors.Is(err, corolla.ErrLoopStopped) || got != 0 {
		t.Errorf("Run: %v; %d were sent", err, got)
	}
}

// until waits without a turn of the loop.
func until(b *atomic.Bool) {
	for !b.Load() {
		runtime.Gosched()
	}
}

// The answer of a call that has run gets to the caller, although the goroutine that ran it ends in the same turn, and
// late in a shard's life.
func TestAnswerSurvivesGoexit(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		answered := false
		err := r.run(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			s.Loop().Go(func(task *corolla.Task) error {
				_ = task.Park("the end")
				return task.Shielded(func(*corolla.Scope) error {
					for ended := false; !ended; {
						if err := s.Call(task, 1, func(o *shard.Shard) error {
							ended = errors.Is(o.Send(1, nothing), shard.ErrEnded)
							return nil
						}); err != nil {
							return err
						}
					}
					call := s.Loop().Go(func(task *corolla.Task) error {
						return task.Shielded(func(*corolla.Scope) error {
							err := s.Call(task, 1, func(*shard.Shard) error { return nil })
							answered = err == nil
							return err
						})
					}, corolla.Eager())
					if err := s.Send(1, func(*shard.Shard) { runtime.Goexit() }); err != nil {
						return err
					}
					_, err := call.Await(task)
					return err
				})
			}, corolla.Eager())
			return nil
		})
		if !errors.Is(err, corolla.ErrGoexit) || !answered {
			t.Errorf("Run: %v; answered %v", err, answered)
		}
	})
}

// A function that has begun when its caller's loop is closed is waited for, as it may write to the caller's
// variables.
func TestCallerStopsWhileItIsServed(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return forever(s)
			}
			at := -1
			err := s.Call(s.Task(), 1, func(o *shard.Shard) error {
				s.Loop().Stop()
				for range 1000 {
					runtime.Gosched()
				}
				at = o.Index()
				return nil
			})
			if at != 1 {
				t.Errorf("Call returned %v before its function had", err)
			}
			return err
		})
		if !errors.Is(err, corolla.ErrLoopStopped) {
			t.Errorf("Run: %v", err)
		}
	})
}

// A task that ignores its cancel is unwound, out of Call too, and then nothing of the call is left behind.
func TestCallUnwound(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			f := s.Loop().Go(func(task *corolla.Task) error {
				for {
					_ = s.Call(task, 1, func(*shard.Shard) error {
						t.Error("was called all the same")
						return nil
					})
				}
			}, corolla.Eager())
			f.Cancel(errTest)
			if _, err := f.Await(s.Task()); !errors.Is(err, errTest) {
				t.Errorf("the task: %v", err)
			}
			return s.Call(s.Task(), 1, func(*shard.Shard) error { return nil })
		})
		if errs := r.take(); len(errs) != 1 || !errors.As(errs[0], new(*corolla.UnwoundError)) {
			t.Errorf("reported: %v", errs)
		}
	})
}

// Shards whose bodies return at once still take part in the end, and so do very many.
func TestManyShards(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		const n = 100
		got := 0
		if err := r.runN(n, func(s *shard.Shard) error {
			if s.Index() == 0 {
				for got < n-1 {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
				return nil
			}
			return s.Send(0, func(*shard.Shard) { got++ })
		}); err != nil {
			t.Error(err)
		}
	})
}

// The others go on until every body that still runs has returned, although a loop has ended before its time. Its body
// is counted once, and is canceled with its loop, which is no news.
func TestOthersOutliveAStoppedShard(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			switch s.Index() {
			case 1:
				s.Loop().Stop()
			case 2:
				_ = forever(s)
				return s.Task().Shielded(func(*corolla.Scope) error {
					for i := range 100 {
						if err := s.Call(s.Task(), i%2*3, func(o *shard.Shard) error { return o.Send(2, nothing) }); err != nil {
							t.Errorf("call %d of the cleanup: %v", i, err)
							return nil
						}
					}
					return nil
				})
			}
			return forever(s)
		})
		if of := new(*shard.Error); !errors.As(err, of) || err != error(*of) || (*of).Err != corolla.ErrLoopStopped {
			t.Errorf("Run: %v", err)
		}
	})
}
