package corolla_test

import (
	"errors"
	"fmt"
	"strings"
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

func TestQueueThatIsShutAtOnceKeepsNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q := corolla.NewQueue[int](1)
			getter := corolla.Go(l, q.Get, corolla.Eager())
			if err := q.TryPut(1); err != nil { // handed to the getter
				return err
			}
			getter.Cancel(nil)
			q.Shutdown(true)
			if err := q.Join(task); err != nil {
				return err
			}
			if s := q.Stats(); s.Len != 0 || s.Unfinished != 0 {
				t.Errorf("left: %+v", s)
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
			if err != nil {
				if err != corolla.ErrQueueEmpty {
					t.Errorf("TryGet = %v", err)
				}
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

// TestPutOrGetOfAnotherTaskChangesNothing would have overwritten what a parked task waits with.
func TestPutOrGetOfAnotherTaskChangesNothing(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			q, other, full := corolla.NewQueue[int](1), corolla.NewQueue[int](1), corolla.NewQueue[int](1)
			_ = full.TryPut(0)
			getter := corolla.Go(l, q.Get, corolla.Eager())
			putter := l.Go(func(t *corolla.Task) error { return full.Put(t, 7) }, corolla.Eager())
			for _, of := range []*corolla.Task{getter.Task(), putter.Task()} {
				panicText(t, func() { _, _ = other.Get(of) })
				panicText(t, func() { _ = full.Put(of, 2) })
				panicText(t, func() { _ = other.Put(of, 2) })
			}
			if n := other.Len(); n != 0 {
				t.Errorf("%d values were put", n)
			}
			if err := q.TryPut(1); err != nil {
				return err
			}
			if v, err := getter.Await(task); v != 1 || err != nil {
				t.Errorf("Get = %d, %v", v, err)
			}
			for _, want := range []int{0, 7} {
				if v, err := full.Get(task); v != want || err != nil {
					t.Errorf("Get = %d, %v; want %d", v, err, want)
				}
			}
			_, err := putter.Await(task)
			return err
		})
	})
}
