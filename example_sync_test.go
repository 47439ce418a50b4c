package corolla_test

import (
	"context"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// inLoop runs an example's body as the main task of a simulated loop.
func inLoop(body func(t *corolla.Task) error) {
	l := newLoop()
	defer l.Close()
	if err := l.Run(body); err != nil {
		fmt.Println(err)
	}
}

func ExampleLock() {
	inLoop(func(t *corolla.Task) error {
		var lock corolla.Lock
		return t.Group(func(g *corolla.Group) error {
			for i := range 2 {
				g.Go(func(t *corolla.Task) error {
					if err := lock.Lock(t); err != nil {
						return err
					}
					defer lock.Unlock()
					fmt.Println(i, "has it")
					err := t.Sleep(time.Second) // and keeps it
					fmt.Println(i, "gives it back at", t.Loop().Now())
					return err
				})
			}
			return nil
		})
	})
	// Output:
	// 0 has it
	// 0 gives it back at 1s
	// 1 has it
	// 1 gives it back at 2s
}

func ExampleEvent() {
	inLoop(func(t *corolla.Task) error {
		var ready corolla.Event
		t.Loop().After(time.Second, ready.Set)
		err := ready.Wait(t)
		fmt.Println("ready at", t.Loop().Now())
		return err
	})
	// Output: ready at 1s
}

func ExampleCondition() {
	inLoop(func(t *corolla.Task) error {
		cond := corolla.NewCondition(nil)
		stock := 0
		t.Loop().Go(func(t *corolla.Task) error {
			if err := cond.L().Lock(t); err != nil {
				return err
			}
			defer cond.L().Unlock()
			stock = 3
			cond.NotifyAll()
			return nil
		})
		if err := cond.L().Lock(t); err != nil {
			return err
		}
		defer cond.L().Unlock()
		err := cond.WaitFor(t, func() bool { return stock > 2 })
		fmt.Println("stock:", stock)
		return err
	})
	// Output: stock: 3
}

func ExampleSemaphore() {
	inLoop(func(t *corolla.Task) error {
		atOnce := corolla.NewSemaphore(2)
		return t.Group(func(g *corolla.Group) error {
			for i := range 4 {
				g.Go(func(t *corolla.Task) error {
					if err := atOnce.Acquire(t); err != nil {
						return err
					}
					defer atOnce.Release()
					fmt.Println(i, "begins at", t.Loop().Now())
					return t.Sleep(time.Second)
				})
			}
			return nil
		})
	})
	// Output:
	// 0 begins at 0s
	// 1 begins at 0s
	// 2 begins at 1s
	// 3 begins at 1s
}

func ExampleBarrier() {
	inLoop(func(t *corolla.Task) error {
		both := corolla.NewBarrier(2)
		return t.Group(func(g *corolla.Group) error {
			for i := range 2 {
				g.Go(func(t *corolla.Task) error {
					if err := t.Sleep(time.Duration(i) * time.Second); err != nil {
						return err
					}
					_, err := both.Wait(t)
					fmt.Println("both are here at", t.Loop().Now())
					return err
				})
			}
			return nil
		})
	})
	// Output:
	// both are here at 1s
	// both are here at 1s
}

func ExampleQueue() {
	inLoop(func(t *corolla.Task) error {
		jobs := corolla.NewQueue[string](1)
		worker := t.Loop().Go(func(t *corolla.Task) error {
			for {
				job, err := jobs.Get(t)
				if err == corolla.ErrQueueShutdown {
					return nil
				}
				if err != nil {
					return err
				}
				fmt.Println("doing", job)
				jobs.TaskDone()
			}
		})
		for _, job := range []string{"this", "that", "the other"} {
			if err := jobs.Put(t, job); err != nil { // waits while there is no room
				return err
			}
		}
		jobs.Shutdown(false)
		_, err := worker.Await(t)
		return err
	})
	// Output:
	// doing this
	// doing that
	// doing the other
}

func ExampleNewPriorityQueue() {
	q := corolla.NewPriorityQueue(-1, func(a, b int) bool { return a < b })
	for _, v := range []int{3, 1, 2} {
		_ = q.TryPut(v) // it has no limit
	}
	for q.Len() > 0 {
		v, _ := q.TryGet()
		fmt.Print(v, " ")
	}
	// Output: 1 2 3
}

// slowly gives v after so many seconds.
func slowly(l *corolla.Loop, seconds int, v string) *corolla.Future[string] {
	return corolla.Go(l, func(t *corolla.Task) (string, error) {
		return v, t.Sleep(time.Duration(seconds) * time.Second)
	})
}

func ExampleAll() {
	inLoop(func(t *corolla.Task) error {
		l := t.Loop()
		all, err := corolla.All(l, slowly(l, 2, "a"), slowly(l, 1, "b")).Await(t)
		fmt.Println(all, err, "at", l.Now())
		return nil
	})
	// Output: [a b] <nil> at 2s
}

func ExampleFirst() {
	inLoop(func(t *corolla.Task) error {
		l := t.Loop()
		v, err := corolla.First(l, slowly(l, 2, "a"), slowly(l, 1, "b")).Await(t)
		fmt.Println(v, err, "at", l.Now())
		return nil
	})
	// Output: b <nil> at 1s
}

func ExampleAsCompleted() {
	inLoop(func(t *corolla.Task) error {
		l := t.Loop()
		for f, err := range corolla.AsCompleted(t, slowly(l, 3, "a"), slowly(l, 1, "b"), slowly(l, 2, "c")) {
			if err != nil {
				return err
			}
			v, _ := f.Result()
			fmt.Println(v, "at", l.Now())
		}
		return nil
	})
	// Output:
	// b at 1s
	// c at 2s
	// a at 3s
}

func ExampleWait_timeout() {
	inLoop(func(t *corolla.Task) error {
		l := t.Loop()
		err := t.Timeout(90*time.Second, func(*corolla.Scope) error {
			done, pending, err := corolla.Wait(t, corolla.AllDone, slowly(l, 60, "a"), slowly(l, 120, "b"))
			fmt.Println(len(done), "done,", len(pending), "pending")
			return err
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// 1 done, 1 pending
	// timed out after 1m30s
}

func ExampleShield() {
	inLoop(func(t *corolla.Task) error {
		l := t.Loop()
		save := slowly(l, 2, "saved")
		_, err := corolla.Shield(save).AwaitTimeout(t, time.Second)
		fmt.Println(err)
		fmt.Println(save.Await(t)) // it went on
		return nil
	})
	// Output:
	// timed out after 1s
	// saved <nil>
}

func ExampleTask_Shielded() {
	inLoop(func(t *corolla.Task) error {
		f := t.Loop().Go(func(t *corolla.Task) error {
			err := t.Sleep(time.Hour)
			_ = t.Shielded(func(*corolla.Scope) error { // cleanup that itself waits
				err := t.Sleep(time.Second)
				fmt.Println("cleaned up at", t.Loop().Now())
				return err
			})
			return err
		}, corolla.Eager())
		f.Cancel(nil)
		_, err := f.Await(t)
		fmt.Println(err)
		return nil
	})
	// Output:
	// cleaned up at 1s
	// canceled
}

func ExampleScope_SetTimeout() {
	inLoop(func(t *corolla.Task) error {
		err := t.Timeout(time.Second, func(s *corolla.Scope) error {
			for range 3 { // as long as there is progress, there is time
				s.SetTimeout(time.Second)
				if err := t.Sleep(900 * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		fmt.Println(err, "at", t.Loop().Now())
		return nil
	})
	// Output: <nil> at 2.7s
}

func ExampleCall() {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	visitors := 0 // belongs to the loop
	w.Outside(func() {
		n, err := corolla.Call(context.Background(), l, func(*corolla.Task) (int, error) {
			visitors++
			return visitors, nil
		})
		fmt.Println(n, err)
		l.Stop()
	})
	_ = l.RunForever()
	// Output: 1 <nil>
}

func ExampleFromChan() {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	words := make(chan string)
	w.Outside(func() {
		for _, word := range []string{"from", "a", "goroutine"} {
			words <- word
		}
		close(words)
	})
	_ = l.Run(func(t *corolla.Task) error {
		q := corolla.FromChan(l, words, 1)
		for {
			word, err := q.Get(t)
			if err != nil {
				return nil
			}
			fmt.Println(word)
		}
	})
	// Output:
	// from
	// a
	// goroutine
}
