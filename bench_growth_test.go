package corolla_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// growths are things whose time for each of n must not depend on n.
var growths = []struct {
	name string
	run  func(l *corolla.Loop, n int) error
}{
	{"Any over done futures", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			_, err := corolla.Any(l, futures(l, n, true)...).Await(t)
			if err == nil {
				err = t.Yield()
			}
			return err
		})
	}},
	{"Wait settled one by one", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			fs := futures(l, n, false)
			l.Go(func(t *corolla.Task) error {
				for _, f := range fs {
					_ = f.Resolve(1)
					if err := t.Yield(); err != nil {
						return err
					}
				}
				return nil
			})
			_, _, err := corolla.Wait(t, corolla.AllDone, fs...)
			return err
		})
	}},
	{"end of Run with tasks in shields", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			for i := range n {
				l.Go(func(t *corolla.Task) error {
					return t.Shielded(func(*corolla.Scope) error { return t.Sleep(time.Duration(i)) })
				}, corolla.Eager())
			}
			return nil
		})
	}},
	{"barrier canceled newest first", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			barrier := corolla.NewBarrier(n + 1)
			fs := make([]*corolla.Future[int], n)
			for i := range fs {
				fs[i] = corolla.Go(l, barrier.Wait, corolla.Eager())
			}
			for i := range fs {
				fs[n-1-i].Cancel(nil)
			}
			_, err := corolla.Collect(l, fs...).Await(t)
			return err
		})
	}},
	{"chain of awaits that is canceled", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			f := l.Go(func(t *corolla.Task) error { return t.Park("ever") }, corolla.Eager())
			for range n {
				inner := f
				f = l.Go(func(t *corolla.Task) error { _, err := inner.Await(t); return err }, corolla.Eager())
			}
			return nil
		})
	}},
	{"tasks that await All of tasks, canceled", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			return t.Group(func(g *corolla.Group) error {
				fs := make([]*corolla.Future[struct{}], n)
				for i := range fs {
					fs[i] = g.Go(func(t *corolla.Task) error { return t.Park("ever") }, corolla.Eager())
				}
				all := corolla.All(l, fs...)
				for range n {
					g.Go(func(t *corolla.Task) error { _, err := all.Await(t); return err }, corolla.Eager())
				}
				g.Cancel(nil)
				return nil
			})
		})
	}},
	{"limited group that is canceled", func(l *corolla.Loop, n int) error {
		return l.Run(func(t *corolla.Task) error {
			return t.Group(func(g *corolla.Group) error {
				g.SetLimit(1)
				for range n {
					g.Go(func(t *corolla.Task) error { return t.Park("ever") })
				}
				g.Cancel(nil)
				return nil
			})
		})
	}},
}

// BenchmarkGrowth does each at two sizes: the time for one of them must be alike.
func BenchmarkGrowth(b *testing.B) {
	for _, of := range growths {
		for _, n := range []int{2_000, 20_000} {
			b.Run(fmt.Sprintf("%s/%d", of.name, n), func(b *testing.B) {
				for b.Loop() {
					l := sim.New(1).NewLoop(corolla.SlowLimit(0))
					if err := of.run(l, n); err != nil {
						b.Fatal(err)
					}
					if err := l.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/each")
			})
		}
	}
}

func futures(l *corolla.Loop, n int, done bool) []*corolla.Future[int] {
	fs := make([]*corolla.Future[int], n)
	for i := range fs {
		fs[i] = corolla.NewFuture[int](l)
		if done {
			_ = fs[i].Resolve(i)
		}
	}
	return fs
}
