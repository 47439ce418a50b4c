package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMisuseOfSynchronisationPanics(t *testing.T) {
	var lock corolla.Lock
	bounded := corolla.NewBoundedSemaphore(1)
	cond := corolla.NewCondition(nil)
	for want, misuse := range map[string]func(){
		"Unlock of a Lock that is not locked": lock.Unlock,
		"has all its units":                   bounded.Release,
		"fewer than 0 units":                  func() { corolla.NewSemaphore(-1) },
		"fewer than 1 unit":                   func() { corolla.NewBoundedSemaphore(0) },
		"fewer than 1 task":                   func() { corolla.NewBarrier(0) },
		"Notify of a Condition":               func() { cond.Notify(1) },
		"NotifyAll of a Condition":            cond.NotifyAll,
		"Wait of a Condition":                 func() { _ = cond.Wait(nil) },
		"more often than values were put":     corolla.NewQueue[int](1).TaskDone,
	} {
		if text := panicText(t, misuse); !strings.Contains(text, want) {
			t.Errorf("panicked with %q, want %q", text, want)
		}
	}
}

func TestStatsSayWhoWaits(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var lock corolla.Lock
		var event corolla.Event
		sem, barrier, queue := corolla.NewSemaphore(0), corolla.NewBarrier(2), corolla.NewQueue[int](1)
		cond := corolla.NewCondition(nil)
		run(t, l, func(task *corolla.Task) error {
			lock.TryLock()
			return task.Group(func(g *corolla.Group) error {
				for _, wait := range []func(*corolla.Task) error{
					lock.Lock, event.Wait, sem.Acquire,
					func(task *corolla.Task) error { _, err := barrier.Wait(task); return err },
					func(task *corolla.Task) error { _, err := queue.Get(task); return err },
					func(task *corolla.Task) error {
						err := cond.L().Lock(task)
						return errors.Join(err, cond.Wait(task))
					},
				} {
					g.Go(wait, corolla.Eager())
				}
				got := fmt.Sprintf("%+v %+v %+v %+v %+v %+v", lock.Stats(), event.Stats(), sem.Stats(), barrier.Stats(), queue.Stats(), cond.Stats())
				want := "{Locked:true Waiting:1} {Set:false Waiting:1} {Value:0 Waiting:1} {Parties:2 Waiting:1 Broken:false} " +
					"{Len:0 Size:1 Getting:1 Putting:0 Unfinished:0 Shutdown:false} {Lock:{Locked:false Waiting:0} Waiting:1}"
				if got != want {
					t.Errorf("stats:\n got %s\nwant %s", got, want)
				}
				var on []string
				for _, info := range l.Tasks() {
					if info.On != "" {
						on = append(on, info.On)
					}
				}
				if got := strings.Join(on, ", "); got != "a lock, an event, a semaphore, a barrier with 1 of 2, a queue, a condition" {
					t.Errorf("tasks are parked on %s", got)
				}
				g.Cancel(nil)
				return nil
			})
		})
	})
}

func TestConditionWaitFor(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			cond := corolla.NewCondition(nil)
			n := 0
			return task.Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error {
					if err := cond.L().Lock(task); err != nil {
						return err
					}
					defer cond.L().Unlock()
					err := cond.WaitFor(task, func() bool { return n == 3 })
					if n != 3 {
						t.Errorf("woken with %d", n)
					}
					return err
				})
				for range 3 {
					if err := task.Sleep(ms); err != nil {
						return err
					}
					if err := cond.L().Lock(task); err != nil {
						return err
					}
					n++
					cond.NotifyAll()
					cond.L().Unlock()
				}
				return nil
			})
		})
	})
}

func TestBarrier(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			b := corolla.NewBarrier(3)
			arrive := func() *corolla.Future[int] { return corolla.Go(l, b.Wait, corolla.Eager()) }
			canceled := arrive()
			first, second := arrive(), arrive()
			_ = second
			if err := turns(task, 2); err != nil {
				return err
			}
			if !first.Done() {
				t.Error("three are at the barrier")
			}
			v, err := corolla.All(l, canceled, first, second).Await(task)
			if fmt.Sprint(v, err) != "[0 1 2] <nil>" {
				t.Errorf("places %v, %v", v, err)
			}
			gone, a := arrive(), arrive()
			gone.Cancel(nil)
			if err := turns(task, 2); err != nil {
				return err
			}
			c := arrive()
			if err := turns(task, 2); err != nil || c.Done() {
				t.Error("one that was canceled still counts")
			}
			b.Abort()
			for _, f := range []*corolla.Future[int]{a, c, arrive()} {
				if _, err := f.Await(task); err != corolla.ErrBarrierBroken {
					t.Errorf("after Abort: %v", err)
				}
			}
			b.Reset()
			d := arrive()
			b.Reset()
			if _, err := d.Await(task); err != corolla.ErrBarrierBroken {
				t.Errorf("after Reset: %v", err)
			}
			v, err = corolla.All(l, arrive(), arrive(), arrive()).Await(task)
			if fmt.Sprint(v, err) != "[0 1 2] <nil>" {
				t.Errorf("as new: %v, %v", v, err)
			}
			return nil
		})
	})
}

func TestQueueOrders(t *testing.T) {
	less := func(a, b string) bool { return a[0] < b[0] }
	for want, q := range map[string]*corolla.Queue[string]{
		"c1 a1 b1 a2": corolla.NewQueue[string](-1),
		"a2 b1 a1 c1": corolla.NewLIFOQueue[string](-1),
		"a1 a2 b1 c1": corolla.NewPriorityQueue(-1, less),
	} {
		for _, v := range []string{"c1", "a1", "b1", "a2"} {
			if err := q.TryPut(v); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for {
			v, err := q.TryGet()
			if err == corolla.ErrQueueEmpty {
				break
			}
			got = append(got, v)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
}

func TestQueueSizes(t *testing.T) { // as eventlet: queue_test, with first in, first out
	for _, c := range []struct {
		size int
		want string
	}{
		{0, "put0> got0 <put0 put1> <put1 got1"}, // the second finds a getter that waits
		{1, "put0> <put0 put1> got0 got1 <put1"},
		{-1, "put0> <put0 put1> <put1 got0 got1"},
	} {
		eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
			q := corolla.NewQueue[int](c.size)
			var tr trace
			run(t, l, func(task *corolla.Task) error {
				if err := q.TryPut(9); (err == corolla.ErrQueueFull) != (c.size == 0) {
					t.Errorf("TryPut into an empty queue of size %d: %v", c.size, err)
				}
				if c.size != 0 {
					_, _ = q.TryGet()
				}
				return task.Group(func(g *corolla.Group) error {
					g.Go(func(task *corolla.Task) error {
						for i := range 2 {
							tr.add("put%d>", i)
							if err := q.Put(task, i); err != nil {
								return err
							}
							tr.add("<put%d", i)
						}
						return nil
					})
					g.Go(func(task *corolla.Task) error {
						for range 2 {
							v, err := q.Get(task)
							if err != nil {
								return err
							}
							tr.add("got%d", v)
						}
						return nil
					})
					return nil
				})
			})
			tr.want(t, c.want)
		})
	}
}

func TestQueueShutdown(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			for _, immediate := range []bool{false, true} {
				q := corolla.NewQueue[int](1)
				if err := q.Put(task, 1); err != nil {
					return err
				}
				putter := l.Go(func(task *corolla.Task) error { return q.Put(task, 2) }, corolla.Eager())
				joiner := l.Go(q.Join, corolla.Eager())
				q.Shutdown(immediate)
				if _, err := putter.Await(task); err != corolla.ErrQueueShutdown {
					t.Errorf("a Put that waits: %v", err)
				}
				if err := q.TryPut(3); err != corolla.ErrQueueShutdown {
					t.Errorf("TryPut: %v", err)
				}
				if !immediate {
					if v, err := q.Get(task); v != 1 || err != nil {
						t.Errorf("what is left: %v, %v", v, err)
					}
					q.TaskDone()
				}
				if _, err := q.Get(task); err != corolla.ErrQueueShutdown {
					t.Errorf("Get of nothing: %v", err)
				}
				if _, err := joiner.Await(task); err != nil {
					t.Errorf("Join: %v", err)
				}
			}
			q := corolla.NewQueue[int](0)
			getter := corolla.Go(l, q.Get, corolla.Eager())
			q.Shutdown(false)
			if _, err := getter.Await(task); err != corolla.ErrQueueShutdown {
				t.Errorf("a Get that waits: %v", err)
			}
			return nil
		})
	})
}

// bridged runs f with a real loop, and with a simulated one to which goroutines are made
// known.
func bridged(t *testing.T, f func(t *testing.T, l *corolla.Loop, outside func(func()))) {
	t.Run("real", func(t *testing.T) {
		l, err := corolla.New()
		if err != nil {
			leaktest.NeedLoop(t, err)
		}
		f(t, l, func(f func()) { go f() })
	})
	t.Run("sim", func(t *testing.T) {
		w := sim.New(1)
		f(t, w.NewLoop(), w.Outside)
	})
}

func TestCallFromAGoroutine(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, outside func(func())) {
		done := make(chan struct{})
		outside(func() {
			defer close(done)
			v, err := corolla.Call(context.Background(), l, func(task *corolla.Task) (int, error) {
				return 7, task.Sleep(ms)
			})
			if v != 7 || err != nil {
				t.Errorf("Call = %v, %v", v, err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			_, err = corolla.Call(ctx, l, func(task *corolla.Task) (int, error) {
				cancel()
				return 0, forever(task)
			})
			if !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Call whose context ends = %v", err)
			}
			l.Stop()
		})
		mustRunForever(t, l)
		<-done
		blocked := make(chan error)
		begun := make(chan struct{})
		outside(func() {
			_, err := corolla.Call(context.Background(), l, func(task *corolla.Task) (int, error) {
				close(begun)
				l.Stop()
				return 0, forever(task)
			})
			blocked <- err
		})
		mustRunForever(t, l)
		<-begun
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := <-blocked; !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Call on a loop that was closed meanwhile = %v", err)
		}
		if _, err := corolla.Call(context.Background(), l, func(*corolla.Task) (int, error) { return 0, nil }); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Call on a closed loop = %v", err)
		}
	})
}

func TestChannels(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, outside func(func())) {
		in, out := make(chan int), make(chan int)
		got := make(chan string, 1)
		outside(func() {
			for i := range 5 {
				in <- i
			}
			close(in)
		})
		outside(func() {
			var all []int
			for v := range out {
				all = append(all, v)
			}
			got <- fmt.Sprint(all)
		})
		run(t, l, func(task *corolla.Task) error {
			from := corolla.FromChan(l, in, 2)
			to := corolla.NewQueue[int](1)
			sender := corolla.ToChan(l, to, out)
			for {
				v, err := from.Get(task)
				if err == corolla.ErrQueueShutdown {
					break
				}
				if err != nil {
					return err
				}
				if err := to.Put(task, 10*v); err != nil {
					return err
				}
			}
			to.Shutdown(false)
			_, err := sender.Await(task)
			return err
		})
		if s := <-got; s != "[0 10 20 30 40]" {
			t.Errorf("got %s", s)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestChannelsWhoseOtherEndIsGone(t *testing.T) {
	bridged(t, func(t *testing.T, l *corolla.Loop, _ func(func())) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.FromChan(l, make(chan int), 1) // nobody sends
			to := corolla.NewQueue[int](1)
			sender := corolla.ToChan(l, to, make(chan int)) // nobody receives
			if err := to.Put(task, 1); err != nil {
				return err
			}
			err := task.Timeout(ms, func(*corolla.Scope) error { _, err := q.Get(task); return err })
			if err == nil {
				t.Error("a value out of nowhere")
			}
			sender.Cancel(nil)
			if _, err := sender.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("a sender that was canceled = %v", err)
			}
			return nil
		})
		if err := l.Close(); err != nil { // the other still blocks
			t.Error(err)
		}
	})
}

func TestManyTasksAreForgotten(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		const n = 20_000
		run(t, l, func(task *corolla.Task) error {
			var gate corolla.Event
			all := make([]*corolla.Future[struct{}], n)
			for i := range all {
				all[i] = l.Go(gate.Wait)
			}
			if err := task.Sleep(ms); err != nil {
				return err
			}
			if got := len(l.Tasks()); got != n+1 {
				t.Errorf("%d tasks live, want %d", got, n+1)
			}
			gate.Set()
			_, err := corolla.All(l, all...).Await(task)
			return err
		})
		if got := len(l.Tasks()); got != 0 {
			t.Errorf("%d tasks are left", got)
		}
	})
}
