package deferred_test

import (
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
)

// TestRule16ReleaseRunsTheNextAtOnce, in the order of asking, and those that gave up not at all.
func TestRule16ReleaseRunsTheNextAtOnce(t *testing.T) {
	for _, places := range []int{1, 2} {
		t.Run(fmt.Sprint(places), func(t *testing.T) {
			eachLoop(t, func(e *env) {
				sem := deferred.NewSemaphore(e.Loop, places)
				var waiting []*deferred.Deferred[*deferred.Semaphore]
				for i := range places + 4 {
					d := sem.Acquire().AddBoth(func(s *deferred.Semaphore, err error) (*deferred.Semaphore, error) {
						e.say("%d:%v", i, err)
						return s, err
					})
					if i >= places {
						waiting = append(waiting, d)
					}
				}
				e.said = nil
				if got, want := sem.Stats(), (deferred.SemaphoreStats{Limit: places, Waiting: 4}); got != want {
					e.Errorf("%+v, want %+v", got, want)
				}
				waiting[1].Cancel(nil)
				_ = waiting[2].Callback(nil) // by somebody else: its place is not taken
				e.say("release")
				sem.Release()
				e.say("released")
				sem.Release()
				e.want(fmt.Sprintf("%d:canceled %d:<nil> release %d:<nil> released %d:<nil>", places+1, places+2, places, places+3))
				for range places {
					sem.Release()
				}
				if got, want := sem.Stats(), (deferred.SemaphoreStats{Limit: places, Free: places}); got != want {
					e.Errorf("%+v, want %+v", got, want)
				}
				panics(e, sem.Release)
				panics(e, func() { deferred.NewSemaphore(e.Loop, 0) })
			})
		})
	}
}

func TestRule16RunReleases(t *testing.T) {
	eachLoop(t, func(e *env) {
		lock := deferred.NewLock(e.Loop)
		inner := deferred.New[int](e.Loop)
		e.says("a", deferred.Run(lock, func() *ints { e.say("a begins"); return inner })).AddBoth(ignore)
		e.says("b", deferred.Run(lock, func() *ints { e.say("b begins"); panic("oops") })).AddBoth(ignore)
		c := e.says("c", deferred.Run(lock, func() *ints { e.say("c begins"); return nil }))
		c.Cancel(errBad)
		e.says("d", deferred.Run(lock, func() *ints { return deferred.Succeed(e.Loop, 4) }))
		_ = inner.Errback(errBad)
		e.want("a begins c:canceled: bad b begins d:4 b:panic in a callback of a Deferred: oops a:bad")
		d := deferred.Run(lock, func() *ints { return deferred.New[int](e.Loop) })
		d.Cancel(nil)
		if got := lock.Stats(); got.Free != 1 || got.Waiting != 0 {
			e.Errorf("afterwards: %+v", got)
		}
	})
}

func TestQueueHandsOver(t *testing.T) {
	eachLoop(t, func(e *env) {
		q := deferred.NewQueue[int](e.Loop, 2, 2)
		put := func(v int) {
			if err := q.Put(v); err != nil {
				e.say("put %d: %v", v, err)
			}
		}
		for v := range 3 {
			put(v)
		}
		if got := q.Stats(); got != (deferred.QueueStats{Values: 2}) {
			e.Errorf("%+v", got)
		}
		var gone *ints
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			if d := e.says(name, q.Get()); name == "c" {
				gone = d
			} else if name == "e" {
				d.AddBoth(ignore)
			}
		}
		gone.Cancel(nil)
		if got := q.Stats(); got != (deferred.QueueStats{Waiting: 1}) {
			e.Errorf("%+v", got)
		}
		e.say("put")
		put(7)
		put(8)
		e.says("f", q.Get())
		e.want("put 2: " + corolla.ErrQueueFull.Error() + " a:0 b:1 e:" + deferred.ErrTooManyWaiting.Error() +
			" c:canceled put d:7 f:8")
		free := deferred.NewQueue[error](e.Loop, -1, -1)
		for range 100 {
			_ = free.Put(nil) // without a limit none is refused
		}
		if v, err := free.Get().Result(); v != nil || err != nil || free.Stats().Values != 99 {
			e.Errorf("%v, %v", v, err)
		}
		if err := deferred.NewQueue[int](e.Loop, 0, 0).Put(1); err != corolla.ErrQueueFull {
			e.Errorf("a queue of no values takes one: %v", err)
		}
	})
}

// TestPause counts, and lets nothing through: neither callbacks, nor an outer chain that waits.
func TestPause(t *testing.T) {
	eachLoop(t, func(e *env) {
		d := deferred.New[int](e.Loop)
		panics(e, d.Unpause)
		d.Pause()
		d.Pause()
		e.says("a", d)
		outer := e.says("outer", deferred.DoChain(e.Loop, func() *ints { return d }))
		_ = d.Callback(1)
		if _, err := d.Result(); err != corolla.ErrPending {
			e.Errorf("a paused one has a result: %v", err)
		}
		d.Unpause()
		e.want("")
		outer.Pause()
		d.Unpause()
		e.want("a:1")
		outer.Unpause()
		e.want("outer:1")
		outer.AddCallback(func(v int) (int, error) { outer.Pause(); return v, nil })
		e.says("behind", outer)
		e.say("paused")
		outer.Unpause()
		e.want("paused behind:1")
	})
}

func TestChainTo(t *testing.T) {
	eachLoop(t, func(e *env) {
		a, b := deferred.New[int](e.Loop), deferred.New[int](e.Loop)
		e.says("b", b)
		e.says("a", a.AddCallback(inc).ChainTo(b))
		_ = a.Callback(1)
		e.says("again", deferred.Succeed(e.Loop, 1).ChainTo(b)).AddBoth(ignore)
		b = deferred.New[int](e.Loop)
		e.says("c", deferred.Fail[int](e.Loop, errBad).ChainTo(b))
		e.says("b", b).AddBoth(ignore)
		e.want("b:2 a:0 again:" + deferred.ErrAlreadyCalled.Error() + " c:0 b:bad")
	})
}

// TestForeignGoroutines are told what to do instead.
func TestForeignGoroutines(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		d := deferred.New[int](e.Loop)
		sem, q := deferred.NewLock(e.Loop), deferred.NewQueue[int](e.Loop, 1, 1)
		call, coop := deferred.NewLoopingCall(e.Loop, nil), deferred.NewCooperator(e.Loop)
		work := coop.Cooperate(steps(e, "", 0))
		done := make(chan string)
		for name, f := range map[string]func(){
			"New": func() { deferred.New[int](e.Loop) }, "Callback": func() { _ = d.Callback(1) },
			"Errback": func() { _ = d.Errback(errBad) }, "Cancel": func() { d.Cancel(nil) },
			"AddCallback": func() { d.AddCallback(inc) }, "Then": func() { deferred.Then(d, inc) },
			"Result": func() { _, _ = d.Result() }, "Called": func() { d.Called() }, "Pause": d.Pause,
			"Unpause": d.Unpause, "AddTimeout": func() { d.AddTimeout(1) }, "String": func() { _ = d.String() },
			"Acquire": func() { sem.Acquire() }, "Release": sem.Release, "Put": func() { _ = q.Put(1) },
			"Get": func() { q.Get() }, "Stats": func() { q.Stats(); sem.Stats() },
			"Start": func() { call.Start(1) }, "Stop": func() { call.Stop() }, "Running": func() { call.Running() },
			"Reset": call.Reset, "Cooperate": func() { coop.Cooperate(nil) }, "Cooperator.Stop": coop.Stop,
			"Pause of a task": func() { _ = work.Pause() }, "WhenDone": func() { work.WhenDone() },
			"Do": func() { deferred.Do(e.Loop, func() (int, error) { return 1, nil }) },
			"Go": func() { deferred.Go(e.Loop, func(*corolla.Task) (int, error) { return 1, nil }) },
		} {
			go func() {
				defer func() { done <- fmt.Sprint(recover()) }()
				f()
			}()
			if said := <-done; len(said) < 20 || said[:9] != "corolla: " {
				e.Errorf("%s on another goroutine: %s", name, said)
			}
		}
		if err := task.Yield(); err != nil {
			e.Error(err)
		}
	})
}
