package eventlet

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

func queueRendezvous(r run) error {
	for _, size := range []int{0, 1} {
		r.Say("size %d", size)
		q := corolla.NewQueue[int](size)
		th := r.Go(func() error {
			for i := range 2 {
				r.Say("put %d", i)
				if err := q.Put(r.Task(), i); err != nil {
					return err
				}
				r.Say("put %d done", i)
			}
			return nil
		})
		r.Sleep(10 * ms)
		for range 2 {
			v, err := q.Get(r.Task())
			r.Say("got %s", result(v, err))
			r.Sleep(10 * ms)
		}
		if err := th.Join(); err != nil {
			return err
		}
	}
	return nil
}

func queueNowait(r run) error {
	attempt := func(what string, err error) {
		switch {
		case errors.Is(err, corolla.ErrQueueFull):
			r.Say("%s: full", what)
		case errors.Is(err, corolla.ErrQueueEmpty):
			r.Say("%s: empty", what)
		default:
			r.Say("%s: %s", what, cmp.Or(errorText(err), "done"))
		}
	}
	get := func(q *corolla.Queue[int]) error {
		_, err := q.TryGet()
		return err
	}
	q := corolla.NewQueue[int](0)
	attempt("put", q.TryPut(1))
	attempt("get", get(q))
	th := green.Go(r.Hub, func() (int, error) { return q.Get(r.Task()) })
	r.Sleep(10 * ms)
	attempt("put to a getter", q.TryPut(2))
	r.Say("got %s", outcome(th))
	q = corolla.NewQueue[int](1)
	attempt("put", q.TryPut(3))
	attempt("put", q.TryPut(4))
	attempt("get", get(q))
	attempt("get", get(q))
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func queueFIFO(r run) error {
	for _, k := range []struct {
		name string
		q    *corolla.Queue[int]
	}{
		{"Queue", corolla.NewQueue[int](-1)},
		{"LifoQueue", corolla.NewLIFOQueue[int](-1)},
		{"PriorityQueue", corolla.NewPriorityQueue(-1, func(a, b int) bool { return a < b })},
	} {
		for _, v := range []int{2, 3, 1} {
			if err := k.q.Put(r.Task(), v); err != nil {
				return err
			}
		}
		got := ""
		for range 3 {
			v, err := k.q.Get(r.Task())
			got += " " + result(v, err)
		}
		r.Say("%s:%s", k.name, got)
	}
	return nil
}

func semaphoreFIFO(r run) error {
	s := corolla.NewSemaphore(1)
	var threads []*green.Thread[struct{}]
	for i, name := range []string{"a", "b", "c"} {
		threads = append(threads, r.Go(func() error {
			r.Sleep(time.Duration(i) * ms)
			if err := s.Acquire(r.Task()); err != nil {
				return err
			}
			defer s.Release()
			r.Say("%s has it", name)
			r.Sleep(10 * ms)
			return nil
		}))
	}
	r.Sleep(5 * ms)
	r.Say("balance %d", s.Stats().Value-s.Stats().Waiting)
	for _, th := range threads {
		_ = th.Join()
	}
	r.Say("end")
	return nil
}

func queuePutStays(r run) error {
	q := corolla.NewQueue[int](-1)
	th := r.Go(func() error {
		for range 3 {
			v, err := q.Get(r.Task())
			r.Say("got %s", result(v, err))
		}
		return nil
	})
	r.Sleep(0)
	for i := range 3 {
		if err := q.Put(r.Task(), i); err != nil {
			return err
		}
		r.Say("put %d", i)
	}
	return th.Join()
}

func queueGivesUp(r run) error {
	q := corolla.NewQueue[string](1)
	if r.Timeout(10*ms, func() error { _, err := q.Get(r.Task()); return err }) != nil {
		r.Say("no item")
	}
	if err := q.Put(r.Task(), "x"); err != nil {
		return err
	}
	if r.Timeout(10*ms, func() error { return q.Put(r.Task(), "y") }) != nil {
		r.Say("no room")
	}
	v, err := q.Get(r.Task())
	r.Say("got %s", result(v, err))
	q.TaskDone()
	if refused(q.TaskDone) {
		r.Say("task_done: refused")
	}
	err = q.Join(r.Task())
	r.Say("joined")
	return err
}

func queueJoin(r run) error {
	q := corolla.NewQueue[int](-1)
	th := r.Go(func() error {
		for {
			n, err := q.Get(r.Task())
			if err != nil {
				return err
			}
			r.Sleep(10 * ms)
			r.Say("did %d", n)
			q.TaskDone()
		}
	})
	for n := range 3 {
		if err := q.Put(r.Task(), n); err != nil {
			return err
		}
	}
	err := q.Join(r.Task())
	r.Say("joined")
	th.Kill(nil)
	return err
}

func eventOnce(r run) error {
	e := green.NewEvent[int](r.Hub)
	var got []*green.Thread[int]
	for range 3 {
		got = append(got, green.Go(r.Hub, e.Wait))
	}
	r.Sleep(0)
	if e.Reset() != nil {
		r.Say("reset: refused")
	}
	if err := e.Send(5); err != nil {
		return err
	}
	if e.Send(6) != nil {
		r.Say("second send: refused")
	}
	r.Say("got [%s %s %s]", outcome(got[0]), outcome(got[1]), outcome(got[2]))
	if err := e.Reset(); err != nil {
		return err
	}
	r.Say("ready %s", python(e.Ready()))
	if err := e.Fail(errBoom); err != nil {
		return err
	}
	v, err := e.Wait()
	r.Say("%s", result(v, err))
	return nil
}

func semaphoreLimits(r run) error {
	s := corolla.NewSemaphore(1)
	if err := s.Acquire(r.Task()); err != nil {
		return err
	}
	err := r.Timeout(10*ms, func() error { return s.Acquire(r.Task()) })
	r.Say("acquired: %s", python(err == nil))
	r.Say("at once: %s", python(s.TryAcquire()))
	s.Release()
	s.Release()
	r.Say("grown to %d", s.Stats().Value)
	if refused(corolla.NewBoundedSemaphore(1).Release) {
		r.Say("bounded: refused")
	}
	return nil
}

func mixProducers(r run) error {
	q := corolla.NewQueue[string](2)
	produce := func(name string, n int, d time.Duration) *green.Thread[struct{}] {
		return r.Go(func() error {
			for i := range n {
				r.Sleep(d)
				if err := q.Put(r.Task(), fmt.Sprint(name, i)); err != nil {
					return err
				}
			}
			r.Say("%s has made all", name)
			return nil
		})
	}
	consume := func(d time.Duration) *green.Thread[int] {
		return green.Go(r.Hub, func() (int, error) {
			for count := 0; ; count++ {
				item, err := q.Get(r.Task())
				if item == "" || err != nil {
					return count, err
				}
				r.Sleep(d)
				r.Say("did %s", item)
			}
		})
	}
	x, y := produce("x", 3, 7*ms), produce("y", 2, 11*ms)
	d := 17100 * time.Microsecond
	a, b := consume(d), consume(d)
	_, _ = x.Join(), y.Join()
	for range 2 {
		if err := q.Put(r.Task(), ""); err != nil {
			return err
		}
	}
	inAll, err := a.Wait()
	if err != nil {
		return err
	}
	more, err := b.Wait()
	r.Say("in all %d", inAll+more)
	return err
}
