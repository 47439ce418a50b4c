package asyncio

import (
	"fmt"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func mixShieldTimeoutGather(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		work := func(name string, d time.Duration) *corolla.Future[string] {
			return corolla.Go(l, func(t *corolla.Task) (string, error) {
				err := t.Sleep(d)
				r.Say("%s: %s", name, word(err))
				return name, err
			})
		}
		within := func(f *corolla.Future[string], d time.Duration) *corolla.Future[string] {
			return corolla.Go(l, func(t *corolla.Task) (name string, err error) {
				err = t.Timeout(d, func(*corolla.Scope) (err error) {
					name, err = corolla.Shield(f).Await(t)
					return err
				})
				return name, err
			})
		}
		fast, slow := work("fast", 10*ms), work("slow", 50*ms)
		canceled := corolla.Go(l, func(t *corolla.Task) (string, error) { return "", t.Sleep(10_000 * ms) })
		l.After(20*ms, func() { canceled.Cancel(nil) })
		results, err := corolla.Collect(l, within(fast, 30*ms), within(slow, 30*ms), within(canceled, 60*ms)).Await(t)
		var words []string
		for _, result := range results {
			words = append(words, outcome(result.Value, result.Err))
		}
		r.Say("%s", outcome(strings.Join(words, ", "), err))
		r.Say("then: %s", outcome(slow.Await(t)))
		return nil
	})
}

func mixCancelGatherOfTimeouts(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		var lock corolla.Lock
		inner := corolla.Go(l, func(t *corolla.Task) (string, error) { return "inner value", t.Sleep(40 * ms) })
		holder := func(t *corolla.Task, name string) error {
			return t.Timeout(1000*ms, func(*corolla.Scope) error {
				if err := lock.Lock(t); err != nil {
					return err
				}
				defer lock.Unlock()
				r.Say("%s has the lock", name)
				return t.Sleep(50 * ms)
			})
		}
		shielded := func(t *corolla.Task, _ string) error {
			return t.Timeout(1000*ms, func(*corolla.Scope) error {
				_, err := corolla.Shield(inner).Await(t)
				return err
			})
		}
		child := func(name string, what func(t *corolla.Task, name string) error) *corolla.Future[struct{}] {
			return l.Go(func(t *corolla.Task) error {
				err := what(t, name)
				r.Say("%s: %s", name, word(err))
				return err
			})
		}
		everything := corolla.All(l, child("a", holder), child("b", holder), child("c", shielded))
		_ = t.Sleep(10 * ms)
		everything.Cancel(nil)
		_, err := everything.Await(t)
		r.Say("gather: %s", word(err))
		r.Say("inner: %s", outcome(inner.Await(t)))
		r.Say("lock: %s", word(holder(t, "body")))
		return nil
	})
}

func mixLockTimeouts(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		var lock corolla.Lock
		use := func(name string, patience, d time.Duration) *corolla.Future[struct{}] {
			return t.Loop().Go(func(t *corolla.Task) error {
				err := t.Timeout(patience, func(*corolla.Scope) error { return lock.Lock(t) })
				if err == nil {
					r.Say("%s has the lock", name)
					err = t.Sleep(d)
					lock.Unlock()
				}
				r.Say("%s: %s", name, word(err))
				return nil
			})
		}
		_, err := corolla.All(t.Loop(),
			use("a", 100*ms, 30*ms),
			use("b", 10*ms, 10*ms),
			use("c", 100*ms, 10*ms),
			use("d", 35*ms, 10*ms),
			use("e", 100*ms, 10*ms),
		).Await(t)
		return err
	})
}

func mixGroupWorkers(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		queue := corolla.NewQueue[int](3)
		worker := func(name string) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				for {
					value, err := queue.Get(t)
					if err == nil {
						r.Say("%s takes %d", name, value)
						err = t.Sleep(time.Duration(value) * ms)
					}
					switch {
					case err != nil:
						r.Say("%s: %s", name, word(err))
						return err
					case value == 20:
						return fmt.Errorf("%s cannot take %d", name, value)
					}
					queue.TaskDone()
				}
			}
		}
		err := t.Timeout(1000*ms, func(*corolla.Scope) error {
			return t.Group(func(g *corolla.Group) error {
				g.Go(worker("a"))
				g.Go(worker("b"))
				for _, value := range []int{10, 35, 20, 40, 50, 60} {
					_ = queue.Put(t, value)
					r.Say("put %d", value)
				}
				err := queue.Join(t)
				r.Say("join: %s", word(err))
				return err
			})
		})
		r.Say("group: %s", joined(err))
		r.Say("left: %d", queue.Len())
		return nil
	})
}

func mixNestedGathers(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		sleep := func(name string, d time.Duration) *corolla.Future[string] {
			return corolla.Go(l, func(t *corolla.Task) (string, error) {
				if err := t.Sleep(d); err != nil {
					return "", err
				}
				if name == "bad b" {
					return "", fmt.Errorf("%s", name)
				}
				r.Say("%s ends", name)
				return name, nil
			})
		}
		c := sleep("c", 30*ms)
		first := corolla.All(l, sleep("a", 40*ms), sleep("bad b", 20*ms))
		second := corolla.All(l, c, sleep("d", 50*ms))
		third := corolla.All(l, sleep("e", 10*ms), sleep("f", 30*ms))
		l.After(5*ms, func() { c.Cancel(nil) })
		results, err := corolla.Collect(l, first, second, third).Await(t)
		var words []string
		for _, result := range results {
			words = append(words, outcome(strings.Join(result.Value, " "), result.Err))
		}
		r.Say("%s", outcome(strings.Join(words, "; "), err))
		_ = t.Sleep(30 * ms)
		r.Say("end")
		return nil
	})
}
