package asyncio

import (
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func mixConditionTimeout(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l, condition := t.Loop(), corolla.NewCondition(nil)
		wait := func(name string, d time.Duration) *corolla.Future[struct{}] {
			return l.Go(func(t *corolla.Task) error {
				if err := condition.L().Lock(t); err != nil {
					return err
				}
				defer condition.L().Unlock()
				err := t.Timeout(d, func(*corolla.Scope) error { return condition.Wait(t) })
				if err == nil {
					r.Say("%s: notified", name)
				} else {
					r.Say("%s: %s", name, word(err))
				}
				return nil
			})
		}
		hold := func(t *corolla.Task) error {
			_ = t.Sleep(10 * ms)
			if err := condition.L().Lock(t); err != nil {
				return err
			}
			r.Say("lock is held")
			_ = t.Sleep(30 * ms)
			condition.Notify(1)
			r.Say("notify")
			_ = t.Sleep(10 * ms)
			condition.L().Unlock()
			r.Say("lock is free")
			return nil
		}
		_, err := corolla.All(l, wait("a", 20*ms), wait("b", 100*ms), wait("c", 70*ms), l.Go(hold)).Await(t)
		return err
	})
}

func mixSemaphoreCancel(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l, semaphore := t.Loop(), corolla.NewSemaphore(2)
		var tasks []*corolla.Future[struct{}]
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			tasks = append(tasks, l.Go(func(t *corolla.Task) error {
				if err := semaphore.Acquire(t); err != nil {
					return err
				}
				defer semaphore.Release()
				r.Say("%s begins", name)
				err := t.Sleep(20 * ms)
				if err != nil {
					r.Say("%s is %s at work", name, word(err))
				} else {
					r.Say("%s ends", name)
				}
				return err
			}))
		}
		l.After(10*ms, func() { tasks[2].Cancel(nil) })
		l.After(30*ms, func() { tasks[3].Cancel(nil) })
		done, canceled := []*corolla.Future[struct{}](nil), 0
		_ = t.Timeout(1000*ms, func(*corolla.Scope) (err error) {
			done, _, err = corolla.Wait(t, corolla.AllDone, tasks...)
			return err
		})
		for _, task := range done {
			if task.Canceled() {
				canceled++
			}
		}
		r.Say("done %d, canceled %d", len(done), canceled)
		r.Say("locked: %s", yes(semaphore.Locked()))
		return nil
	})
}

func mixTurns(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l, f, queue := t.Loop(), corolla.NewFuture[int](t.Loop()), corolla.NewQueue[int](-1)
		var event corolla.Event
		var lock corolla.Lock
		waits := func(name string, wait func(t *corolla.Task) error) {
			l.Go(func(t *corolla.Task) error {
				_ = wait(t)
				r.Say("%s goes on", name)
				l.Soon(func() { r.Say("callback of %s", name) })
				err := t.Yield()
				r.Say("%s ends", name)
				return err
			})
		}
		_ = lock.Lock(t)
		waits("q", func(t *corolla.Task) error { _, err := queue.Get(t); return err })
		waits("f", func(t *corolla.Task) error { _, err := f.Await(t); return err })
		waits("l", lock.Lock)
		waits("e", event.Wait)
		f.OnDone(func(*corolla.Future[int]) { r.Say("future is done") })
		_ = t.Sleep(10 * ms)
		l.Soon(func() { r.Say("first") })
		event.Set()
		_ = f.Resolve(1)
		lock.Unlock()
		_ = queue.TryPut(1)
		l.Soon(func() { r.Say("last") })
		r.Say("all are ready")
		return t.Sleep(10 * ms)
	})
}

func mixGroupBarrier(r *scenario.Run) {
	type arrival struct {
		name  string
		after time.Duration
	}
	r.Main(func(t *corolla.Task) error {
		barrier := corolla.NewBarrier(3)
		group := func(name string, limit time.Duration, arrivals ...arrival) *corolla.Future[struct{}] {
			return t.Loop().Go(func(t *corolla.Task) error {
				err := t.Timeout(limit, func(*corolla.Scope) error {
					return t.Group(func(g *corolla.Group) error {
						for _, a := range arrivals {
							g.Go(func(t *corolla.Task) error {
								_ = t.Sleep(a.after)
								r.Say("%s arrives", a.name)
								_, err := barrier.Wait(t)
								if err != nil {
									r.Say("%s is %s", a.name, word(err))
									return err
								}
								r.Say("%s goes on", a.name)
								return nil
							})
						}
						return nil
					})
				})
				r.Say("%s: %s", name, word(err))
				return nil
			})
		}
		first := group("first", 20*ms, arrival{"a", 10 * ms})
		second := group("second", 100*ms, arrival{"b", 5 * ms}, arrival{"c", 30 * ms}, arrival{"d", 40 * ms})
		_, err := corolla.All(t.Loop(), first, second).Await(t)
		return err
	})
}
