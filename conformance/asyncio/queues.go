package asyncio

import (
	"cmp"
	"fmt"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

func queueKinds(r *scenario.Run) {
	r.Main(func(*corolla.Task) error {
		for _, queue := range []*corolla.Queue[int]{
			corolla.NewQueue[int](3),
			corolla.NewPriorityQueue(3, func(a, b int) bool { return cmp.Less(a, b) }),
			corolla.NewLIFOQueue[int](3),
		} {
			for _, n := range []int{3, 1, 2} {
				_ = queue.TryPut(n)
			}
			if queue.TryPut(4) == corolla.ErrQueueFull {
				r.Say("full")
			}
			var got [3]int
			for i := range got {
				got[i], _ = queue.TryGet()
			}
			r.Say("%d %d %d", got[0], got[1], got[2])
			if _, err := queue.TryGet(); err == corolla.ErrQueueEmpty {
				r.Say("empty")
			}
		}
		return nil
	})
}

func queueWaits(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		queue := corolla.NewQueue[string](1)
		producer := func(name string) *corolla.Future[struct{}] {
			return t.Loop().Go(func(t *corolla.Task) error {
				for n := range 2 {
					if err := queue.Put(t, fmt.Sprintf("%s%d", name, n)); err != nil {
						return err
					}
					r.Say("put %s%d", name, n)
				}
				return nil
			})
		}
		a, b := producer("a"), producer("b")
		_ = t.Sleep(10 * ms)
		consumer := t.Loop().Go(func(t *corolla.Task) error {
			for {
				value, err := queue.Get(t)
				if err != nil {
					return err
				}
				r.Say("got %s", value)
				_ = t.Sleep(10 * ms)
				queue.TaskDone()
			}
		})
		_, _ = corolla.All(t.Loop(), a, b).Await(t)
		_ = queue.Join(t)
		r.Say("joined")
		consumer.Cancel(nil)
		return nil
	})
}

func queueBarging(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		queue := corolla.NewQueue[string](1)
		put := func(value string) { r.Say("put %s: %s", value, refused(queue.TryPut(value))) }
		get := func() {
			value, err := queue.TryGet()
			if err != nil {
				value = "refused"
			}
			r.Say("get: %s", value)
		}
		waiter := t.Loop().Go(func(t *corolla.Task) error {
			value, err := queue.Get(t)
			r.Say("waiter got %s", value)
			return err
		})
		_ = t.Sleep(10 * ms)
		put("first")
		get()
		put("second")
		_, _ = waiter.Await(t)
		queue = corolla.NewQueue[string](1)
		put("third")
		putter := t.Loop().Go(func(t *corolla.Task) error {
			err := queue.Put(t, "fourth")
			r.Say("fourth is put")
			return err
		})
		_ = t.Sleep(10 * ms)
		get()
		put("fifth")
		_ = t.Sleep(10 * ms)
		get()
		_, _ = putter.Await(t)
		return nil
	})
}
