package shard_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim"
)

func TestOneFailingEndsAll(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		var causes shard.Value[error]
		err := r.run(func(s *shard.Shard) error {
			if s.Index() == 2 {
				return errTest
			}
			err := forever(s)
			if *causes.Of(s) = err; !errors.Is(err, errTest) || !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("%v was ended with %v", s, err)
			}
			return err
		})
		var of *shard.Error
		if !errors.As(err, &of) || of.Shard != 2 || of.Err != errTest || err != error(of) {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestFailuresOfOthersAreNotLost(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		other := errors.New("in cleanup")
		var begun shard.Value[bool]
		err := r.run(func(s *shard.Shard) error {
			*begun.Of(s) = true
			switch s.Index() {
			case 2:
				for has := false; !has; { // a body that is canceled before it begins never does
					if err := s.Call(s.Task(), 1, func(o *shard.Shard) error { has = *begun.Of(o); return nil }); err != nil {
						return err
					}
				}
				return errTest
			case 1:
				return errors.Join(forever(s), other)
			}
			return forever(s)
		})
		if !errors.Is(err, errTest) || !errors.Is(err, other) || !strings.HasPrefix(err.Error(), "shard 2: on purpose\nshard 1:") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestBodyPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() == 1 {
				panic(errTest)
			}
			return forever(s)
		})
		var p *corolla.PanicError
		if !errors.As(err, &p) || p.Value != errTest || !strings.HasPrefix(err.Error(), "shard 1: ") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestBodyPanicsWithCrash(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		v := panics(func() {
			_ = r.run(func(s *shard.Shard) error {
				if s.Index() == 1 {
					panic(errTest)
				}
				return forever(s)
			}, r.loops(corolla.ErrorPolicy(corolla.Crash)))
		})
		if p, ok := v.(*corolla.PanicError); !ok || p.Value != errTest {
			t.Errorf("Run panicked with %v", v)
		}
	})
}

func TestBodyCallsGoexit(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() == 1 {
				runtime.Goexit()
			}
			return forever(s)
		})
		if !errors.Is(err, corolla.ErrGoexit) {
			t.Errorf("Run: %v", err)
		}
	})
}

// Run blocks, so within a loop it is refused at once: in a shard's body, in its callbacks, in a message and in the
// program of a simulated machine, which would stand still. Beside a loop it may be called.
func TestRunWithinALoop(t *testing.T) {
	const refused = "shard.Run on the goroutine that runs the loop"
	nested := func() error {
		if text := fmt.Sprint(panics(func() { _ = shard.Run(1, forever) })); !strings.Contains(text, refused) {
			t.Errorf("Run within a loop: %s", text)
		}
		return nil
	}
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			s.Loop().Soon(func() { _ = nested() })
			return errors.Join(nested(), s.Call(s.Task(), (s.Index()+1)%s.Len(), func(*shard.Shard) error { return nested() }))
		})
		if r.world != nil {
			return
		}
		r.must(func(s *shard.Shard) error {
			_, err := corolla.Offload(s.Loop(), func() (int, error) {
				return 0, shard.Run(2, func(*shard.Shard) error { return nil })
			}).Await(s.Task())
			return err
		})
	})
	w := sim.New(1)
	defer w.Close()
	if err := w.Host("machine").Run(func(*corolla.Task) error { return nested() }); err != nil {
		t.Error(err)
	}
}

// A shard whose body has returned serves the others until theirs have.
func TestShardServesOthersToTheEnd(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		calls := 0
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			for range 100 {
				if err := s.Call(s.Task(), 3, func(*shard.Shard) error { calls++; return nil }); err != nil {
					return err
				}
			}
			return nil
		})
		if calls != 100 {
			t.Errorf("%d calls", calls)
		}
	})
}

// Whatever was sent when the last body returns is run, and so is what tasks send while they are ended.
func TestMessagesInFlightAtTheEndAreRun(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		var ran, refused atomic.Int64
		r.must(func(s *shard.Shard) error {
			for to := range s.Len() {
				s.Loop().Go(func(task *corolla.Task) error {
					_ = task.Park("the end")
					return task.Shielded(func(*corolla.Scope) error {
						return s.Call(task, to, func(*shard.Shard) error { ran.Add(1); return nil })
					})
				})
				for range 100 {
					if err := s.Send(to, func(o *shard.Shard) {
						ran.Add(1)
						if o.Send(0, func(*shard.Shard) { refused.Add(1) }) == nil {
							refused.Add(-1)
						}
					}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if n := ran.Load(); n != 4*4*101 {
			t.Errorf("%d messages ran", n)
		}
		if n := refused.Load(); n != 0 {
			t.Errorf("%d answers were taken and not run", -n)
		}
	})
}

// When a shard ends before its time, those who wait for it hear of that, and so does the error handler of
// who has sent it what never runs.
func TestShardStops(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() == 1 {
				if err := s.Call(s.Task(), 0, func(*shard.Shard) error { return nil }); err != nil {
					return err
				}
				s.Loop().Stop()
				return forever(s)
			}
			if s.Index() > 0 {
				return forever(s)
			}
			for {
				if err := s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }); err != nil {
					if !errors.Is(err, shard.ErrEnded) && !errors.Is(err, corolla.ErrCanceled) {
						t.Errorf("Call: %v", err)
					}
					if errors.Is(err, shard.ErrEnded) {
						if err := s.Send(1, nothing); err != shard.ErrEnded {
							t.Errorf("Send: %v", err)
						}
					}
					return err
				}
			}
		})
		if !errors.Is(err, corolla.ErrLoopStopped) || !strings.HasPrefix(err.Error(), "shard 1: ") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestLostMessagesAreReported(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		err := r.run(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return forever(s)
			}
			// The loop stops in the turn that begins to run these: some have run, and the rest is lost.
			for range 200 {
				if err := s.Send(1, func(o *shard.Shard) {
					o.Loop().Stop()
					r.work() // for longer than a turn may take
				}); err != nil {
					return err
				}
			}
			return forever(s)
		}, r.loops(corolla.TurnBudget(1)))
		if !errors.Is(err, corolla.ErrLoopStopped) {
			t.Errorf("Run: %v", err)
		}
		var lost *shard.LostError
		errs := r.take()
		if len(errs) != 1 || !errors.As(errs[0], &lost) || lost.From != 0 || lost.To != 1 || lost.Messages < 1 || lost.Messages > 199 {
			t.Errorf("reported: %v", errs)
		}
	})
}

func TestPinnedShardsRun(t *testing.T) {
	l, err := corolla.New()
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		t.Skip("no loops on this system: ", err)
	}
	r := &runner{t: t}
	r.must(func(s *shard.Shard) error {
		for to := range s.Len() {
			if err := s.Call(s.Task(), to, func(o *shard.Shard) error {
				_ = o.Loop().Go(func(task *corolla.Task) error { return task.Yield() })
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}, shard.Pin())
}
