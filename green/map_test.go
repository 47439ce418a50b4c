package green_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

func numbers(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestMapKeepsToThePool: no more jobs than places, those of others among them, and each place is given back.
func TestMapKeepsToThePool(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 3)
		active, most := 0, 0
		job := func(i int) (int, error) {
			active++
			most = max(most, active)
			e.Sleep(time.Duration(i%3) * 10 * time.Microsecond)
			active--
			return i, nil
		}
		other := p.Go(func() error { _, err := job(2); e.Sleep(time.Millisecond); return err })
		want := 0
		for v, err := range green.Map(p, numbers(200), job) {
			if v != want || err != nil {
				e.Errorf("result %d is %d, %v", want, v, err)
			}
			want++
		}
		err := other.Join()
		if most < 3 && !e.Loop().Simulated() {
			most = 3 // how jobs meet is a matter of the clock
		}
		if want != 200 || most != 3 || p.Stats() != (green.PoolStats{Size: 3, Free: 3}) {
			e.Errorf("%d results, %d at once, %+v", want, most, p.Stats())
		}
		return err
	})
}

// TestMapsInputsMayComeSlowly: what is done is yielded meanwhile.
func TestMapsInputsMayComeSlowly(t *testing.T) {
	eachHub(t, func(e *env) error {
		q := corolla.NewQueue[int](0)
		inputs := func(yield func(int) bool) {
			for {
				v, err := q.Get(e.Task())
				if err != nil || !yield(v) {
					return
				}
			}
		}
		feeder := e.Go(func() error { return q.Put(e.Task(), 0) })
		results := 0
		for v := range green.Map(green.NewPool(e.Hub, 9), inputs, func(i int) (int, error) { return i, nil }) {
			if v != results {
				e.Errorf("result %d is %d", results, v)
			}
			if results++; results == 3 {
				q.Shutdown(false)
				continue
			}
			if err := q.Put(e.Task(), results); err != nil {
				return err
			}
		}
		if results != 3 {
			e.Errorf("%d results", results)
		}
		return feeder.Join()
	})
}

// TestMapThatIsLeft takes no more, and loses no error.
func TestMapThatIsLeft(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 3)
		taken, ran := 0, 0
		inputs := func(yield func(int) bool) {
			defer e.add("inputs over")
			for i := 0; yield(i); i++ {
				taken++
			}
		}
		for range green.Map(p, inputs, func(i int) (int, error) {
			ran++
			e.Sleep(time.Duration(i) * time.Millisecond)
			if i == 1 {
				return 0, errBad
			}
			return i, nil
		}) {
			break
		}
		p.Wait()
		e.Sleep(0)
		e.want("inputs over")
		if taken > 3 || ran > 4 || p.Stats().Running != 0 {
			e.Errorf("%d taken, %d ran, %+v", taken, ran, p.Stats())
		}
		e.after = func(errs []error) {
			var u *corolla.UnseenError
			if len(errs) != 1 || !errors.As(errs[0], &u) || u.Err != errBad {
				e.Errorf("reported: %v", errs)
			}
		}
		return nil
	})
}

// TestMapInItsOwnPool does not wait for itself.
func TestMapInItsOwnPool(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 2)
		sum := func() (int, error) {
			total := 0
			for v, err := range green.Map(p, numbers(20), func(i int) (int, error) { e.Sleep(0); return i, nil }) {
				if err != nil {
					return 0, err
				}
				total += v
			}
			return total, nil
		}
		a, b := green.Go(p, sum), green.Go(p, sum)
		v, err := a.Wait()
		w, err2 := b.Wait()
		if v != 190 || w != 190 || p.Stats().Running != 0 {
			e.Errorf("%d and %d; %+v", v, w, p.Stats())
		}
		return errors.Join(err, err2)
	})
}

// TestMapOutlivesItsWorkers: a job whose task is canceled fails alone.
func TestMapOutlivesItsWorkers(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 2)
		var got []string
		for v, err := range green.Map(p, numbers(8), func(i int) (int, error) {
			if i == 2 || i == 3 || i == 7 {
				e.Task().Cancel(errBad)
				e.Sleep(0)
			}
			return i, nil
		}) {
			got = append(got, fmt.Sprint(v, errors.Is(err, errBad)))
		}
		want := []string{"0 false", "1 false", "0 true", "0 true", "4 false", "5 false", "6 false", "0 true"}
		if !slices.Equal(got, want) || p.Stats().Running != 0 {
			e.Errorf("%q; %+v", got, p.Stats())
		}
		return nil
	})
}

// TestMapWhoseInputsPanic panics where it is consumed.
func TestMapWhoseInputsPanic(t *testing.T) {
	eachHub(t, func(e *env) error {
		inputs := func(yield func(int) bool) { yield(1); panic("oops") }
		results := 0
		e.refuses("oops", func() {
			for range green.Map(green.NewPool(e.Hub, 2), inputs, func(i int) (int, error) { return i, nil }) {
				results++
			}
		})
		if results != 1 {
			e.Errorf("%d results", results)
		}
		return nil
	})
}

// TestMapInATimeout: what consumes it is unwound, and the map ends.
func TestMapInATimeout(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 2)
		err := e.Timeout(time.Millisecond, func() error {
			for range green.Map(p, numbers(9), func(int) (int, error) { return 0, e.forever() }) {
				e.Error("a result")
			}
			return nil
		})
		if !errors.As(err, new(*corolla.TimeoutError)) || p.Stats().Running != 2 {
			e.Errorf("Timeout = %v; %+v", err, p.Stats())
		}
		return nil
	})
}
