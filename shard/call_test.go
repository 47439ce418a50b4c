package shard_test

import (
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
)

func TestCallReturnsWhatItCalls(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			for to := range s.Len() {
				at := -1
				err := s.Call(s.Task(), to, func(o *shard.Shard) error {
					at = o.Index()
					return errTest
				})
				if at != to || err != errTest {
					t.Errorf("called at %d, want %d: %v", at, to, err)
				}
			}
			return nil
		})
	})
}

func TestCallPanics(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			var p *corolla.PanicError
			if err := s.Call(s.Task(), 1, func(*shard.Shard) error { panic(errTest) }); !errors.As(err, &p) || p.Value != errTest {
				t.Errorf("Call: %v", err)
			}
			return nil
		})
	})
}

// Tasks of two shards that call each other, and themselves, do not wait for each other's loops.
func TestCallsInACircle(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			return s.Task().Group(func(g *corolla.Group) error {
				for range 50 {
					for to := range s.Len() {
						g.Go(func(task *corolla.Task) error {
							return s.Call(task, to, func(*shard.Shard) error { return nil })
						})
					}
				}
				return nil
			})
		}, shard.QueueSize(2))
	})
}

// A call that is canceled before it has begun never begins.
func TestCallCanceledInTime(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			f := s.Loop().Go(func(task *corolla.Task) error {
				return s.Call(task, 1, func(*shard.Shard) error {
					t.Error("was called all the same")
					return nil
				})
			}, corolla.Eager())
			f.Cancel(errTest) // in the turn in which it was sent
			if _, err := f.Await(s.Task()); !errors.Is(err, errTest) {
				t.Errorf("Call: %v", err)
			}
			return s.Call(s.Task(), 1, func(*shard.Shard) error { return nil })
		})
	})
}

// Of a call that has begun when it is canceled the result is returned, so that what it writes is not
// written behind the caller's back.
func TestCallCanceledTooLate(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			ran := false
			var f *corolla.Future[struct{}]
			f = s.Loop().Go(func(task *corolla.Task) error {
				err := s.Call(task, 1, func(o *shard.Shard) error {
					// The cancel is on its way before the answer is: one sender's messages keep their order.
					err := o.Send(0, func(*shard.Shard) { f.Cancel(errTest) })
					ran = true
					return err
				})
				if err != nil || !ran {
					t.Errorf("Call: %v, ran %v", err, ran)
				}
				return task.Yield()
			})
			if _, err := f.Await(s.Task()); !errors.Is(err, errTest) {
				t.Errorf("the wait after it: %v", err)
			}
			return nil
		})
	})
}

// Something that belongs to a shard, and is touched on another, says whose it is.
func TestForeignAccessNamesTheShard(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		var v shard.Value[int]
		var timers shard.Value[*corolla.Timer]
		r.must(func(s *shard.Shard) error {
			if s.Index() != 2 {
				return nil
			}
			timer := s.Loop().After(1<<40, func() {})
			defer timer.Stop()
			*timers.Of(s) = timer
			return s.Call(s.Task(), 1, func(*shard.Shard) error {
				for what, touch := range map[string]func(){
					"shard.Value.Of":   func() { v.Of(s) },
					"shard.Shard.Send": func() { _ = s.Send(0, nothing) },
					"Timer.Stop":       func() { timer.Stop() },
				} {
					text := panics(touch)
					want := "corolla: " + what + ` called from a goroutine that does not run the loop "shard 2", but "shard 1"; ` +
						"use Post to hand the loop a function that calls it"
					if text != want {
						t.Errorf("%s panicked with\n%v, want\n%v", what, text, want)
					}
				}
				return nil
			})
		}, r.loops(corolla.Debug()))
	})
}

func panics(f func()) (with any) {
	defer func() { with = recover() }()
	f()
	return nil
}

func TestValuesAreEachShardsOwn(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		made := shard.Value[*shard.Shard]{New: func(s *shard.Shard) *shard.Shard { return s }}
		var zero shard.Value[int]
		r.must(func(s *shard.Shard) error {
			*zero.Of(s) += s.Index()
			first := made.Of(s)
			if *first != s || *zero.Of(s) != s.Index() || made.Of(s) != first {
				t.Errorf("%v has %v and %d", s, *made.Of(s), *zero.Of(s))
			}
			return nil
		})
	})
}
