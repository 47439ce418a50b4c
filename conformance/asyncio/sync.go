package asyncio

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func lockHandover(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		var lock corolla.Lock
		holder := func(name string) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				if err := lock.Lock(t); err != nil {
					return err
				}
				defer lock.Unlock()
				r.Say("%s has the lock", name)
				return t.Sleep(10 * ms)
			}
		}
		_ = lock.Lock(t)
		a := t.Loop().Go(holder("a"))
		_ = t.Yield()
		lock.Unlock()
		r.Say("locked: %s", yes(lock.Locked()))
		_ = holder("body")(t)
		_, _ = a.Await(t)
		r.Say("locked: %s", yes(lock.Locked()))
		return nil
	})
}

func lockMisuse(r *scenario.Run) {
	r.Main(func(*corolla.Task) error {
		r.Say("release a lock: %s", refused(try(new(corolla.Lock).Unlock)))
		r.Say("release a semaphore: %s", refused(try(corolla.NewSemaphore(1).Release)))
		r.Say("release a bounded semaphore: %s", refused(try(corolla.NewBoundedSemaphore(1).Release)))
		r.Say("notify without the lock: %s", refused(try(func() { corolla.NewCondition(nil).Notify(1) })))
		r.Say("task_done of an empty queue: %s", refused(try(corolla.NewQueue[int](-1).TaskDone)))
		return nil
	})
}

func semaphoreHandover(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		semaphore := corolla.NewSemaphore(1)
		worker := func(name string) *corolla.Future[struct{}] {
			return t.Loop().Go(func(t *corolla.Task) error {
				if err := semaphore.Acquire(t); err != nil {
					return err
				}
				defer semaphore.Release()
				r.Say("%s begins", name)
				err := t.Sleep(10 * ms)
				r.Say("%s ends", name)
				return err
			})
		}
		_ = semaphore.Acquire(t)
		a := worker("a")
		_ = t.Yield()
		semaphore.Release()
		r.Say("locked: %s", yes(semaphore.Locked()))
		_, _ = corolla.All(t.Loop(), a, worker("b")).Await(t)
		r.Say("locked: %s", yes(semaphore.Locked()))
		return nil
	})
}

func waitersPassOn(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		two := func(what string, wait func(t *corolla.Task) error, wake func()) {
			waiter := func(t *corolla.Task) (string, error) { return "took it", wait(t) }
			a, b := corolla.Go(t.Loop(), waiter), corolla.Go(t.Loop(), waiter)
			_ = t.Sleep(10 * ms)
			wake()
			a.Cancel(nil)
			first := outcome(a.Await(t))
			r.Say("%s: first %s, second %s", what, first, outcome(b.AwaitTimeout(t, 1000*ms)))
		}
		var lock corolla.Lock
		semaphore, queue := corolla.NewSemaphore(0), corolla.NewQueue[int](-1)
		_ = lock.Lock(t)
		two("lock", lock.Lock, lock.Unlock)
		two("semaphore", semaphore.Acquire, semaphore.Release)
		get := func(t *corolla.Task) error { _, err := queue.Get(t); return err }
		two("queue", get, func() { _ = queue.TryPut(1) })
		return nil
	})
}

func conditionPassOn(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		condition := corolla.NewCondition(nil)
		waiter := func(name string) *corolla.Future[string] {
			return corolla.Go(t.Loop(), func(t *corolla.Task) (string, error) {
				if err := condition.L().Lock(t); err != nil {
					return "", err
				}
				defer condition.L().Unlock()
				return name + " was notified", condition.Wait(t)
			})
		}
		a, b := waiter("a"), waiter("b")
		_ = t.Sleep(10 * ms)
		_ = condition.L().Lock(t)
		condition.Notify(1)
		condition.L().Unlock()
		a.Cancel(nil)
		r.Say("%s", outcome(a.Await(t)))
		r.Say("%s", outcome(b.AwaitTimeout(t, 1000*ms)))
		return nil
	})
}

func conditionCancel(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		condition := corolla.NewCondition(nil)
		task := t.Loop().Go(func(t *corolla.Task) error {
			if err := condition.L().Lock(t); err != nil {
				return err
			}
			defer condition.L().Unlock()
			err := condition.Wait(t)
			r.Say("waiter: locked %s", yes(condition.L().Locked()))
			return err
		})
		_ = t.Sleep(10 * ms)
		_ = condition.L().Lock(t)
		for range 2 {
			task.Cancel(nil)
			_ = t.Sleep(10 * ms)
		}
		r.Say("body releases the lock")
		condition.L().Unlock()
		r.Say("task: %s", outcome(task.Await(t)))
		return nil
	})
}

func conditionNotify(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		condition, value := corolla.NewCondition(nil), 0
		locked := func(body func(t *corolla.Task) error) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				if err := condition.L().Lock(t); err != nil {
					return err
				}
				defer condition.L().Unlock()
				return body(t)
			}
		}
		var tasks []*corolla.Future[struct{}]
		for _, name := range []string{"a", "b", "c"} {
			tasks = append(tasks, t.Loop().Go(locked(func(t *corolla.Task) error {
				err := condition.Wait(t)
				r.Say("%s was notified", name)
				return err
			})))
		}
		tasks = append(tasks, t.Loop().Go(locked(func(t *corolla.Task) error {
			err := condition.WaitFor(t, func() bool { r.Say("value is %d", value); return value == 2 })
			r.Say("value is right")
			return err
		})))
		for _, n := range []int{2, 3, 1} {
			_ = t.Sleep(10 * ms)
			value++
			_ = locked(func(*corolla.Task) error {
				condition.Notify(n)
				r.Say("notify %d", n)
				return nil
			})(t)
		}
		_, err := corolla.All(t.Loop(), tasks...).Await(t)
		return err
	})
}

func eventSetClear(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		var event corolla.Event
		wait := func(name string) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				err := event.Wait(t)
				r.Say("%s is woken, set %s", name, yes(event.IsSet()))
				return err
			}
		}
		l := t.Loop()
		a, b, c := l.Go(wait("a")), l.Go(wait("b")), l.Go(wait("c"))
		_ = t.Sleep(10 * ms)
		event.Set()
		event.Clear()
		_, _ = corolla.All(l, a, b, c).Await(t)
		event.Set()
		return wait("body")(t)
	})
}

func barrier(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		barrier := corolla.NewBarrier(3)
		start := func(names string) (tasks []*corolla.Future[struct{}]) {
			for _, name := range names {
				tasks = append(tasks, t.Loop().Go(func(t *corolla.Task) error {
					switch index, err := barrier.Wait(t); err {
					case nil:
						r.Say("%c: index %d", name, index)
					case corolla.ErrBarrierBroken:
						r.Say("%c: broken", name)
					}
					return nil
				}))
			}
			return tasks
		}
		wait := func(tasks []*corolla.Future[struct{}]) { _, _, _ = corolla.Wait(t, corolla.AllDone, tasks...) }
		tasks := start("ab")
		_ = t.Sleep(10 * ms)
		tasks[0].Cancel(nil)
		_ = t.Sleep(10 * ms)
		tasks = append(tasks, start("c")...)
		_ = t.Sleep(10 * ms)
		wait(append(tasks, start("d")...))
		tasks = start("e")
		_ = t.Sleep(10 * ms)
		barrier.Abort()
		wait(append(tasks, start("f")...))
		barrier.Reset()
		wait(start("ghi"))
		return nil
	})
}
