package shard_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
)

// What a shard sends to another runs there in the order in which it was sent, whoever else sends.
func TestMessagesKeepTheirSendersOrder(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		const each = 1000
		var got shard.Value[[4][]int]
		r.must(func(s *shard.Shard) error {
			for i := range each {
				for to := range s.Len() {
					from := s.Index()
					if err := s.Put(s.Task(), to, func(o *shard.Shard) {
						g := got.Of(o)
						g[from] = append(g[from], i)
					}); err != nil {
						return err
					}
				}
				if i%97 == 0 {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
			}
			for len(got.Of(s)[0])+len(got.Of(s)[1])+len(got.Of(s)[2])+len(got.Of(s)[3]) < 4*each {
				if err := s.Task().Yield(); err != nil {
					return err
				}
			}
			for from, have := range got.Of(s) {
				if len(have) != each || !slices.IsSorted(have) {
					t.Errorf("%v: %d messages from %d, sorted %v", s, len(have), from, slices.IsSorted(have))
				}
			}
			return nil
		}, shard.QueueSize(64))
	})
}

func TestMessagesOfATurnCostOneWake(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			before := s.Stats()
			ran := 0
			for range 1000 {
				if err := s.Send(1, func(*shard.Shard) { ran++ }); err != nil {
					return err
				}
			}
			if st := s.Stats(); st.Wakes != before.Wakes || st.Pending != 1000 {
				t.Errorf("before the turn has ended: %+v", st)
			}
			if err := s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }); err != nil {
				return err
			}
			if st := s.Stats(); ran != 1000 || st.Wakes != before.Wakes+1 || st.Sent != before.Sent+1001 || st.Pending != 0 {
				t.Errorf("ran %d, then %+v", ran, st)
			}
			return nil
		})
	})
}

// A full queue refuses Send, parks Put in line, and calls those that asked to be told.
func TestFullQueue(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		const size = 8
		order := ""
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			to := func(name string) func(*shard.Shard) { return func(*shard.Shard) { order += name } }
			for range size {
				if err := s.Send(1, to(".")); err != nil {
					return err
				}
			}
			if err := s.Send(1, to("x")); err != shard.ErrFull {
				t.Errorf("Send to a full queue: %v", err)
			}
			if err := s.Broadcast(to("x")); err != shard.ErrFull {
				t.Errorf("Broadcast with a full queue: %v", err)
			}
			told := 0
			s.OnRoom(1, func() {
				if told++; s.Send(1, to("t")) != nil {
					t.Error("Send had no room after OnRoom")
				}
			})
			err := s.Task().Group(func(g *corolla.Group) error {
				for _, name := range []string{"a", "b", "c"} {
					g.Go(func(task *corolla.Task) error { return s.Put(task, 1, to(name)) })
				}
				return s.Task().Yield()
			})
			if err != nil {
				return err
			}
			if err := s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }); err != nil {
				return err
			}
			if told != 1 {
				t.Errorf("told %d times", told)
			}
			if len(order) != size+4 || !inOrder(order, "abc") {
				t.Errorf("ran %q", order)
			}
			if st := s.Stats(); st.Waiting != 0 || st.Pending != 0 {
				t.Errorf("at the end %+v", st)
			}
			return nil
		}, shard.QueueSize(size))
	})
}

// inOrder reports whether the letters of part are in s, in that order.
func inOrder(s, part string) bool {
	for _, c := range s {
		if part != "" && c == rune(part[0]) {
			part = part[1:]
		}
	}
	return part == ""
}

// A task that is canceled while it waits for room has sent nothing, and takes no place.
func TestPutCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			if err := s.Send(1, nothing); err != nil {
				return err
			}
			f := s.Loop().Go(func(task *corolla.Task) error {
				return s.Put(task, 1, func(*shard.Shard) { t.Error("was sent all the same") })
			}, corolla.Eager())
			f.Cancel(errTest)
			if _, err := f.Await(s.Task()); !errors.Is(err, errTest) {
				t.Errorf("Put: %v", err)
			}
			return s.Put(s.Task(), 1, nothing)
		}, shard.QueueSize(1))
	})
}

// Shards that fill each other's queues go on, since a loop takes messages while its tasks wait.
func TestFullQueuesOfEachOther(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		const each = 500
		var got shard.Value[int]
		r.must(func(s *shard.Shard) error {
			for range each {
				for to := range s.Len() {
					if err := s.Put(s.Task(), to, func(o *shard.Shard) { *got.Of(o)++ }); err != nil {
						return err
					}
				}
			}
			for *got.Of(s) < each*s.Len() {
				if err := s.Task().Yield(); err != nil {
					return err
				}
			}
			return nil
		}, shard.QueueSize(1))
	})
}

func TestBroadcastReachesEveryShardOnce(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		var got shard.Value[string]
		r.must(func(s *shard.Shard) error {
			if err := s.Broadcast(func(o *shard.Shard) { *got.Of(o) += fmt.Sprint(s.Index()) }); err != nil {
				return err
			}
			for len(*got.Of(s)) < s.Len() {
				if err := s.Task().Yield(); err != nil {
					return err
				}
			}
			b := []byte(*got.Of(s))
			slices.Sort(b)
			if string(b) != "0123" {
				t.Errorf("%v heard from %s", s, b)
			}
			return nil
		})
	})
}

// A message that panics is reported, with what it is, and those behind it run.
func TestMessagePanics(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		ran := false
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			return errors.Join(
				s.Send(1, func(*shard.Shard) { panic(errTest) }),
				s.Send(1, func(*shard.Shard) { ran = true }),
				s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }),
			)
		})
		errs := r.take()
		if len(errs) != 1 || !errors.Is(errs[0], errTest) || !errors.As(errs[0], new(*corolla.PanicError)) {
			t.Errorf("reported: %v", errs)
		}
		if !ran {
			t.Error("the message behind it did not run")
		}
	})
}
