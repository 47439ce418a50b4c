package twisted

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/deferred"
)

func mixCancelFromLooping(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		inner := deferred.NewCancelable(t.Loop(), saying(r, "inner's canceller"))
		inner.AddBoth(show[string](r, "inner"))
		outer := deferred.Succeed(t.Loop(), "outer").ChainCallback(waiting(inner))
		outer.AddTimeout(100 * ms).AddBoth(end[string](r, "outer"))
		var looping *deferred.LoopingCall
		calls := 0
		looping = deferred.NewLoopingCall(t.Loop(), func(int) error {
			calls++
			r.Say("call %d", calls)
			switch calls {
			case 3:
				outer.Cancel(nil)
				r.Say("canceled")
			case 4:
				looping.Stop()
			}
			return nil
		})
		_, _ = looping.Start(10 * ms).AddCallback(func(v struct{}) (struct{}, error) {
			r.Say("looping is over")
			return v, nil
		}).Await(t)
		_ = t.Sleep(200 * ms)
		r.Say("no timeout came")
		return nil
	})
}

func mixGatherInline(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		work := func(name string, takes time.Duration) *text {
			d := deferred.Later(l, takes*ms, func() (string, error) { return name, nil })
			return d.AddBoth(show[string](r, name))
		}
		d := deferred.Go(l, func(t *corolla.Task) (string, error) {
			a, b, c := work("a", 10), work("b", 40).AddTimeout(25*ms), work("c", 30)
			values, err := deferred.Gather(l, []*text{a, b, c}, deferred.ConsumeErrors).Await(t)
			if err != nil {
				r.Say("gather: %s", word(err))
			} else {
				r.Say("got %s", strings.Join(values, " "))
			}
			v, _ := c.Await(t)
			r.Say("c is %s", v)
			values, err = deferred.Gather(l, []*text{work("d", 20).AddTimeout(100 * ms), work("e", 10)}).Await(t)
			r.Say("got %s", strings.Join(values, " "))
			return "result", err
		})
		_, err := d.AddBoth(end[string](r, "gathers")).Await(t)
		return err
	})
}

func mixLockTimeouts(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		lock := deferred.NewLock(l)
		later := func(name string, at, takes, limit time.Duration) *text {
			return deferred.Go(l, func(t *corolla.Task) (string, error) {
				_ = t.Sleep(at * ms)
				r.Say("%s asks", name)
				return deferred.Run(lock, func() *text {
					r.Say("%s begins", name)
					return deferred.Later(l, takes*ms, func() (string, error) { return name + " worked", nil })
				}).AddTimeout(limit * ms).AddBoth(end[string](r, name)).Await(t)
			})
		}
		_, err := deferred.Gather(l, []*text{
			later("a", 0, 35, 100),
			later("b", 1, 10, 20),
			later("c", 2, 90, 60),
			later("d", 3, 5, 200),
			later("e", 80, 5, 100),
		}).Await(t)
		r.Say("locked: %s", yes(lock.Stats().Free == 0))
		return err
	})
}

func mixCoroutinesList(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		places := deferred.NewSemaphore(l, 2)
		work := func(name string, takes time.Duration, fails error) *text {
			return deferred.Go(l, func(t *corolla.Task) (string, error) {
				if _, err := places.Acquire().Await(t); err != nil {
					return "", err
				}
				r.Say("%s begins", name)
				defer r.Say("%s ends", name)
				defer places.Release()
				if err := t.Sleep(takes * ms); err != nil {
					return "", err
				}
				return name, fails
			})
		}
		ds := []*text{work("a", 30, nil), work("b", 10, errBoom), work("c", 50, nil), work("d", 10, nil), work("e", 10, nil)}
		every := deferred.All(l, ds, deferred.ConsumeErrors)
		_ = t.Sleep(15 * ms)
		r.Say("cancel c and e")
		ds[2].Cancel(nil)
		ds[4].Cancel(nil)
		every.AddBoth(sayAll(r, "all"))
		_, err := every.Await(t)
		return err
	})
}

func mixQueueWorkers(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		queue := deferred.NewQueue[int](l, -1, -1)
		worker := func(name string, takes time.Duration) *text {
			return deferred.Go(l, func(t *corolla.Task) (string, error) {
				for {
					value, err := queue.Get().Await(t)
					if err != nil {
						r.Say("%s: %s", name, word(err))
						return "", err
					}
					r.Say("%s gets %d", name, value)
					if err := t.Sleep(takes * ms); err != nil {
						r.Say("%s: %s", name, word(err))
						return "", err
					}
					r.Say("%s has done %d", name, value)
				}
			}).AddBoth(end[string](r, name))
		}
		workers := []*text{worker("w1", 25), worker("w2", 14)}
		count := 0
		var looping *deferred.LoopingCall
		looping = deferred.NewLoopingCall(l, func(int) error {
			count++
			r.Say("put %d", count)
			if count == 5 {
				looping.Stop()
			}
			return queue.Put(count)
		})
		_, _ = looping.Start(10 * ms).Await(t)
		_ = t.Sleep(23 * ms)
		_ = queue.Put(6)
		_ = t.Sleep(1 * ms)
		for _, w := range workers {
			w.Cancel(nil)
		}
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}

func mixNestedTimeouts(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		l := t.Loop()
		var level func(n int) *text
		level = func(n int) *text {
			return deferred.Go(l, func(t *corolla.Task) (v string, err error) {
				defer r.Say("level %d cleans up", n)
				if n == 3 {
					_, err = deferred.NewCancelable(l, saying(r, "innermost is canceled")).Await(t)
				} else if v, err = level(n + 1).AddTimeout(time.Duration(n) * 30 * ms).Await(t); err == nil {
					r.Say("level %d got %s", n, v)
				}
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded):
					r.Say("level %d: %s", n, word(err))
					return "rescued by " + string(rune('0'+n)), nil
				case err != nil:
					r.Say("level %d: %s", n, word(err))
				}
				return "", err
			})
		}
		_, _ = level(1).AddTimeout(200 * ms).AddBoth(end[string](r, "first")).Await(t)
		_, err := level(1).AddTimeout(10 * ms).AddBoth(end[string](r, "second")).Await(t)
		return err
	})
}
