package eventlet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla/green"
)

// worker returns a job that says when it starts, and when it ends n times 10 ms later.
func (r run) worker(n int) func() error {
	return func() error {
		r.Say("start %d", n)
		r.Sleep(time.Duration(n) * 10 * ms)
		r.Say("end %d", n)
		return nil
	}
}

func poolFull(r run) error {
	pool := green.NewPool(r.Hub, 2)
	for n := 1; n <= 3; n++ {
		pool.Go(r.worker(n))
		r.Say("spawned %d: running %d, free %d", n, pool.Stats().Running, pool.Stats().Free)
	}
	pool.Wait()
	r.Say("done: running %d, free %d", pool.Stats().Running, pool.Stats().Free)
	return nil
}

func poolInside(r run) error {
	pool := green.NewPool(r.Hub, 1)
	outer := green.Go(pool, func() (int, error) {
		r.Say("outer")
		th := green.Go(pool, func() (int, error) {
			r.Say("inner")
			r.Sleep(10 * ms)
			r.Say("inner done")
			return 7, nil
		})
		r.Say("spawned")
		return th.Wait()
	})
	r.Say("outer gave %s", outcome(outer))
	return nil
}

func poolRefuses(r run) error {
	pool := green.NewPool(r.Hub, 1)
	pool.Go(func() error {
		if refused(pool.Wait) {
			r.Say("waiting inside: refused")
		}
		return nil
	})
	pool.Wait()
	if refused(func() { green.NewPool(r.Hub, -1) }) {
		r.Say("size -1: refused")
	}
	return nil
}

func poolEmpty(r run) error {
	pool := green.NewPool(r.Hub, 0)
	err := r.MoveOn(10*ms, func() error {
		pool.Go(r.say("never"))
		r.Say("never either")
		return nil
	})
	r.Say("gave up")
	return err
}

func poolResize(r run) error {
	pool := green.NewPool(r.Hub, 2)
	pool.Go(r.worker(1))
	pool.Go(r.worker(2))
	r.Sleep(0)
	pool.Resize(1)
	r.Say("free %d", pool.Stats().Free)
	r.GoAfter(12*ms, func() error {
		pool.Resize(2)
		return nil
	})
	pool.Go(r.worker(3))
	r.Say("spawned 3")
	pool.Wait()
	return nil
}

func mapOrder(r run) error {
	results := green.Map(green.NewPool(r.Hub, 3), slices.Values([]int{3, 1, 2, 4}), func(n int) (int, error) {
		r.Sleep(time.Duration(n) * 10 * ms)
		if n == 2 {
			return 0, errBoom
		}
		return n * n, nil
	})
	for v, err := range results {
		r.Say("result %s", result(v, err))
	}
	r.Say("end")
	return nil
}

func mapPrefetch(r run) error {
	taken := 0
	inputs := func(yield func(int) bool) {
		for n := range 10 {
			taken++
			if !yield(n) {
				return
			}
		}
	}
	var rest []string
	first := true
	for n, err := range green.Map(green.NewPool(r.Hub, 2), inputs, func(n int) (int, error) { return n, nil }) {
		if err != nil {
			return err
		}
		if !first {
			rest = append(rest, fmt.Sprint(n))
			continue
		}
		first = false
		r.Sleep(10 * ms)
		if taken <= 4 {
			r.Say("first %d, taken at most 4", n)
		} else {
			r.Say("first %d, taken %d", n, taken)
		}
	}
	r.Say("rest [%s] taken %d", strings.Join(rest, " "), taken)
	return nil
}

func pileOrder(r run) error {
	pile := green.NewPile[int](green.NewPool(r.Hub, 3))
	for _, n := range []int{3, 1, 2} {
		pile.Go(func() (int, error) {
			r.Sleep(time.Duration(n) * 10 * ms)
			r.Say("ends %d", n)
			return n, nil
		})
	}
	for v, err := range pile.All() {
		r.Say("result %s", result(v, err))
	}
	r.Say("end")
	return nil
}

func mixPoolKill(r run) error {
	pool := green.NewPool(r.Hub, 2)
	work := func(name string) *green.Thread[string] {
		return green.Go(pool, func() (string, error) {
			defer r.Say("%s leaves", name)
			r.Say("%s starts", name)
			r.Sleep(50 * ms)
			r.Say("%s ends", name)
			return name, nil
		})
	}
	a, b := work("a"), work("b")
	r.GoAfter(10*ms, func() error {
		a.Kill(nil)
		return nil
	})
	c := work("c")
	r.Say("c is in")
	for _, th := range []*green.Thread[string]{a, b, c} {
		r.Say("%s", outcome(th))
	}
	pool.Wait()
	r.Say("free %d", pool.Stats().Free)
	return nil
}

func mixTimeoutInPool(r run) error {
	job := func(n int) (string, error) {
		slow := fmt.Sprintf("job %d too slow", n)
		return green.WithTimeout(r.Hub, 25*ms, slow, func() (string, error) {
			r.Sleep(time.Duration(n) * 10 * ms)
			return fmt.Sprintf("job %d done", n), nil
		})
	}
	for v, err := range green.Map(green.NewPool(r.Hub, 2), slices.Values([]int{1, 4, 2, 3, 1}), job) {
		r.Say("%s", result(v, err))
	}
	return nil
}
