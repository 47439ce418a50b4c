package corolla_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
)

func less(a, b int) bool { return a < b }

// TestValueOfACanceledGetterKeepsItsPlace cancels a getter that has been handed a value.
func TestValueOfACanceledGetterKeepsItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		q    *corolla.Queue[int]
		want string
	}{
		"first in, first out": {corolla.NewQueue[int](-1), "[1 2 3]"},
		"last in, first out":  {corolla.NewLIFOQueue[int](-1), "[3 2 1]"},
		"the least first":     {corolla.NewPriorityQueue(-1, less), "[1 2 3]"},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				run(t, l, func(task *corolla.Task) error {
					getter := corolla.Go(l, c.q.Get, corolla.Eager())
					for v := range 3 {
						if err := c.q.TryPut(v + 1); err != nil {
							return err
						}
					}
					getter.Cancel(nil)
					if _, err := getter.Await(task); !errors.Is(err, corolla.ErrCanceled) {
						t.Errorf("Get = %v", err)
					}
					var got []int
					for range 3 {
						v, err := c.q.TryGet()
						if err != nil {
							return err
						}
						got = append(got, v)
					}
					if fmt.Sprint(got) != c.want {
						t.Errorf("got %v, want %s", got, c.want)
					}
					return nil
				})
			})
		})
	}
}

// TestValueOfACanceledGetterGoesToTheNext who waits.
func TestValueOfACanceledGetterGoesToTheNext(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[int](-1)
			first, second := corolla.Go(l, q.Get, corolla.Eager()), corolla.Go(l, q.Get, corolla.Eager())
			if err := q.TryPut(1); err != nil {
				return err
			}
			first.Cancel(nil)
			if v, err := second.Await(task); v != 1 || err != nil {
				t.Errorf("the second got %d, %v", v, err)
			}
			if q.Len() != 0 {
				t.Errorf("%d values are left", q.Len())
			}
			return nil
		})
	})
}

// TestCanceledPutter is asyncio's rule 34 for those who put: one whose value was taken has put it,
// and one whose value was not leaves nothing behind and passes the room on.
func TestCanceledPutter(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[int](1)
			if err := q.TryPut(0); err != nil {
				return err
			}
			put := func(v int) *corolla.Future[struct{}] {
				return l.Go(func(t *corolla.Task) error {
					if err := q.Put(t, v); err != nil {
						return err
					}
					return t.Yield() // in which the cancel shows
				}, corolla.Eager())
			}
			taken, canceled, last := put(1), put(2), put(3)
			if v, err := q.TryGet(); v != 0 || err != nil {
				t.Errorf("TryGet = %d, %v", v, err)
			}
			taken.Cancel(nil) // woken already: its value is in the queue
			canceled.Cancel(nil)
			for _, f := range []*corolla.Future[struct{}]{taken, canceled} {
				if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("Put = %v", err)
				}
			}
			for _, want := range []int{1, 3} {
				if v, err := q.Get(task); v != want || err != nil {
					t.Errorf("Get = %d, %v; want %d", v, err, want)
				}
			}
			if s := q.Stats(); s.Len != 0 || s.Putting != 0 || s.Getting != 0 || s.Unfinished != 3 {
				t.Errorf("the queue stands at %+v", s)
			}
			_, err := last.Await(task)
			return err
		})
	})
}

// TestCanceledGettersLeaveNothing in the queue that they waited for.
func TestCanceledGettersLeaveNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[[1 << 10]byte](0)
			const n = 2000
			err := task.Group(func(g *corolla.Group) error {
				for range n {
					g.Go(func(t *corolla.Task) error { _, err := q.Get(t); return err })
				}
				if err := task.Yield(); err != nil {
					return err
				}
				if s := q.Stats(); s.Getting != n {
					t.Errorf("%d wait", s.Getting)
				}
				g.Cancel(nil)
				return nil
			})
			if s := q.Stats(); s.Getting != 0 {
				t.Errorf("%d wait", s.Getting)
			}
			if kept := corolla.SpareCells(q); kept > 16 {
				t.Errorf("the queue keeps %d cells", kept)
			}
			return err
		})
	})
}

func TestJoinWaitsForTheLastValue(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[int](-1)
			for v := range 3 {
				if err := q.TryPut(v); err != nil {
					return err
				}
			}
			joined := l.Go(q.Join, corolla.Eager())
			for left := 2; left >= 0; left-- {
				if _, err := q.TryGet(); err != nil {
					return err
				}
				q.TaskDone()
				if err := task.Yield(); err != nil {
					return err
				}
				if joined.Done() != (left == 0) {
					t.Errorf("with %d values to be done with, Join has returned: %v", left, joined.Done())
				}
			}
			return nil
		})
	})
}
