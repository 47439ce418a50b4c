package green_test

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

var errBad = errors.New("bad")

var threadRules = []rule{
	{1, "a thread never runs within the call that starts it", func(e *env) error {
		th := e.say("child")
		e.add("main")
		err := th.Join()
		e.want("main child")
		return err
	}},
	{2, "two threads that give way take turns, and timers fire meanwhile", func(e *env) error {
		fired := false
		e.Loop().After(time.Millisecond, func() { fired = true })
		loop := func(name string) *green.Thread[struct{}] {
			return e.Go(func() error {
				for i := range 3 {
					e.add("%s%d", name, i)
					e.Sleep(0)
				}
				return nil
			})
		}
		a, b := loop("a"), loop("b")
		err := errors.Join(a.Join(), b.Join())
		e.want("a0 b0 a1 b1 a2 b2")
		for !fired && !e.Loop().Simulated() { // whose clock stands still while anything runs
			e.Sleep(0)
		}
		if e.Sleep(2 * time.Millisecond); !fired {
			e.Error("the timer has not fired")
		}
		return err
	}},
	{3, "a thread started in a thread runs in the next turn, behind its siblings", func(e *env) error {
		e.Go(func() error {
			e.add("f")
			e.say("child")
			return nil
		})
		e.say("sib")
		e.Sleep(0)
		e.add("main")
		e.Sleep(0)
		e.want("f sib main child")
		return nil
	}},
	{4, "(different) a turn is: poll, events, timers, and then what is ready; equal deadlines are in order", func(e *env) error {
		when := e.Loop().Now() + time.Millisecond
		for _, word := range []string{"a", "b", "c"} {
			e.Loop().At(when, func() {
				e.add("%s", word)
				e.say("next")
			})
		}
		e.Sleep(2 * time.Millisecond)
		e.turns(1)
		e.want("a b c next next next")
		return nil
	}},
	{5, "(different) a panic ends its thread only; it is not printed where somebody waits", func(e *env) error {
		waited, forgotten := e.Go(func() error { panic("waited for") }), e.Go(func() error { panic("forgotten") })
		other := e.say("other")
		var p *corolla.PanicError
		if err := waited.Join(); !errors.As(err, &p) || p.Value != "waited for" {
			e.Errorf("Wait = %v", err)
		}
		if err := other.Join(); err != nil || len(e.errs) > 0 {
			e.Errorf("the other thread: %v; reported: %v", err, e.errs)
		}
		e.after = func(errs []error) {
			var u *corolla.UnseenError
			if len(errs) != 1 || !errors.As(errs[0], &u) || !errors.As(u.Err, &p) || p.Value != "forgotten" {
				e.Errorf("reported: %v", errs)
			}
			if !forgotten.Dead() {
				e.Error("it lives")
			}
		}
		killed := e.Go(e.forever)
		e.Sleep(0)
		killed.Kill(nil) // says nothing
		e.Sleep(0)
		return nil
	}},
	{6, "any number of threads can wait, any number of times, for one value or one error", func(e *env) error {
		good := green.Go(e.Hub, func() (int, error) { e.Sleep(0); return 7, nil })
		bad := green.Go(e.Hub, func() (int, error) { e.Sleep(0); return 0, errBad })
		wait := func() error {
			for range 2 {
				v, err := good.Wait()
				_, failed := bad.Wait()
				if v != 7 || err != nil || failed != errBad {
					e.Errorf("waited for %d, %v and %v", v, err, failed)
				}
			}
			return nil
		}
		return errors.Join(e.Go(wait).Join(), e.Go(wait).Join(), wait())
	}},
	{7, "links run in the dying thread, in order, before those who wait; one that panics drops the rest", func(e *env) error {
		th := green.Go(e.Hub, func() (int, error) { e.Sleep(0); e.add("body"); return 7, nil })
		link := func(word string) func(*green.Thread[int]) {
			return func(ended *green.Thread[int]) {
				v, err := ended.Result()
				e.add("%s%d", word, v)
				if word != "late" && e.Task() != th.Task() || err != nil || !ended.Dead() {
					e.Errorf("%s runs in %v, with %v", word, e.Task(), err)
				}
				e.Sleep(0) // it may wait, and the others wait for it
			}
		}
		waiter := e.Go(func() error { _, err := th.Wait(); e.add("waiter"); return err })
		th.Link(link("one"))
		gone := th.Link(link("gone"))
		th.Link(link("two"))
		if !gone() || gone() {
			e.Error("unlink does not say what it did")
		}
		th.Link(func(*green.Thread[int]) { panic("oops") })
		th.Link(link("dropped"))
		err := waiter.Join()
		e.want("body one7 two7 waiter")
		th.Link(link("late"))
		e.want("late7")
		e.after = func(errs []error) {
			var p *corolla.PanicError
			if len(errs) != 1 || !errors.As(errs[0], &p) || p.Value != "oops" {
				e.Errorf("reported: %v", errs)
			}
		}
		return err
	}},
	{8, "killed before it began, a thread never runs, but its links do", func(e *env) error {
		th := e.say("body")
		th.Link(func(*green.Thread[struct{}]) { e.add("link"); e.Sleep(0) })
		if !th.Kill(nil) || th.Started() || th.Kill(nil) {
			e.Error("Kill does not say what it did")
		}
		if err := th.Join(); err != green.ErrKilled || th.Started() || !th.Dead() {
			e.Errorf("Wait = %v", err)
		}
		e.want("link")
		return nil
	}},
	{9, "(different) a killed thread is unwound in its own next turn; the killer goes on", func(e *env) error {
		th := e.Go(func() error {
			defer e.add("cleanup")
			return e.forever()
		})
		e.Sleep(0)
		e.add("pre")
		e.say("queued")
		th.Kill(nil)
		e.add("post")
		e.turns(1)
		e.want("pre post queued cleanup")
		return nil
	}},
	{10, "(different) kill does not wait; cleanup may; who recovers from it lives on for a while only", func(e *env) error {
		th := e.Go(func() error {
			defer func() {
				e.Sleep(time.Millisecond)
				e.add("cleanup")
			}()
			return e.forever()
		})
		e.Sleep(0)
		th.Kill(nil)
		if th.Dead() {
			e.Error("Kill has waited")
		}
		if err := th.Join(); err != green.ErrKilled {
			e.Errorf("Wait = %v", err)
		}
		e.want("cleanup")

		waits := 0
		survivor := e.Go(func() error {
			func() {
				defer func() { _ = recover() }()
				e.Sleep(time.Hour)
			}()
			for {
				e.Sleep(0)
				waits++
			}
		})
		e.Sleep(0)
		survivor.Kill(nil)
		if err := survivor.Join(); err != green.ErrKilled || waits != 100 {
			e.Errorf("lived on for %d waits, then %v", waits, err)
		}
		return nil
	}},
	{11, "an error given to kill is what wait returns; what has ended keeps its result", func(e *env) error {
		th := e.Go(e.forever)
		e.Sleep(0)
		if !th.Kill(errBad) || th.Kill(nil) {
			e.Error("Kill does not say what it did")
		}
		if err := th.Join(); err != errBad {
			e.Errorf("Wait = %v", err)
		}
		done := green.Go(e.Hub, func() (int, error) { return 7, nil })
		v, err := done.Wait()
		if done.Kill(errBad) {
			e.Error("what has ended was killed")
		}
		if again, _ := done.Wait(); v != 7 || again != 7 || err != nil {
			e.Errorf("Wait = %d, then %d", v, again)
		}
		var self *green.Thread[struct{}]
		self = e.Go(func() error {
			defer e.add("cleanup")
			self.Kill(errBad)
			e.Error("it lives on")
			return nil
		})
		if err := self.Join(); err != errBad {
			e.Errorf("a thread that has killed itself: %v", err)
		}
		e.want("cleanup")
		return nil
	}},
	{12, "cancel acts only before the start", func(e *env) error {
		th := e.Go(func() error { e.Sleep(0); e.add("body"); return nil })
		later := e.GoAfter(time.Hour, func() error { e.add("later"); return nil })
		e.Sleep(0)
		if th.Cancel(errBad) || !later.Cancel(errBad) {
			e.Error("Cancel does not say what it did")
		}
		if err := later.Join(); err != errBad || later.Started() {
			e.Errorf("Wait = %v", err)
		}
		err := th.Join()
		e.want("body")
		return err
	}},
}
