package corolla_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

// limited starts n children, of which at most two run, and counts how often each body begins.
func limited(g *corolla.Group, n int, body func(i int, t *corolla.Task) error) (begun []int, children []*corolla.Future[struct{}]) {
	begun = make([]int, n)
	g.SetLimit(2)
	for i := range n {
		children = append(children, g.Go(func(t *corolla.Task) error {
			begun[i]++
			return body(i, t)
		}))
	}
	return begun, children
}

func TestLimitedGroupAndCancels(t *testing.T) {
	sleep := func(_ int, t *corolla.Task) error { return t.Sleep(time.Millisecond) }
	cases := map[string]struct {
		body  func(i int, t *corolla.Task) error
		act   func(g *corolla.Group, children []*corolla.Future[struct{}])
		begun string
		err   error
	}{
		"the group is canceled": {sleep, func(g *corolla.Group, _ []*corolla.Future[struct{}]) { g.Cancel(nil) }, "[1 1 0 0 0]", nil},
		"a child fails": {func(i int, t *corolla.Task) error {
			if i == 0 {
				return errChild
			}
			return t.Sleep(time.Hour)
		}, func(*corolla.Group, []*corolla.Future[struct{}]) {}, "[1 0 0 0 0]", errChild},
		"one that waits is canceled": {sleep, func(_ *corolla.Group, c []*corolla.Future[struct{}]) { c[2].Cancel(nil) }, "[1 1 0 1 1]", nil},
		"one that runs is canceled":  {sleep, func(_ *corolla.Group, c []*corolla.Future[struct{}]) { c[0].Cancel(nil) }, "[1 1 1 1 1]", nil},
		"all that wait are canceled": {sleep, func(_ *corolla.Group, c []*corolla.Future[struct{}]) {
			for _, f := range c[2:] {
				f.Cancel(nil)
				f.Cancel(nil)
			}
		}, "[1 1 0 0 0]", nil},
		"the limit is taken away": {sleep, func(g *corolla.Group, _ []*corolla.Future[struct{}]) { g.SetLimit(0) }, "[1 1 1 1 1]", nil},
		"the limit is lowered":    {sleep, func(g *corolla.Group, _ []*corolla.Future[struct{}]) { g.SetLimit(1) }, "[1 1 1 1 1]", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				run(t, l, func(task *corolla.Task) error {
					var begun []int
					err := task.Group(func(g *corolla.Group) error {
						var children []*corolla.Future[struct{}]
						begun, children = limited(g, 5, c.body)
						_ = task.Yield() // those that may have begun
						c.act(g, children)
						return nil
					})
					if err != c.err || fmt.Sprint(begun) != c.begun {
						t.Errorf("Group = %v, begun %v; want %v, %s", err, begun, c.err, c.begun)
					}
					if l.Current() != task || len(l.Tasks()) != 1 {
						t.Errorf("current is %v; tasks are %v", l.Current(), l.Tasks())
					}
					return nil
				})
			})
		})
	}
}

func TestLimitOfAGroup(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var running, most int
			return task.Group(func(g *corolla.Group) error {
				g.SetLimit(1)
				for i := range 6 {
					g.Go(func(t *corolla.Task) error {
						running++
						most = max(most, running)
						defer func() { running-- }()
						switch i {
						case 1:
							g.SetLimit(3)
						case 5:
							g.SetLimit(2)
						}
						return t.Sleep(time.Millisecond)
					})
				}
				for g.Len() > 0 {
					if err := task.Sleep(time.Millisecond); err != nil {
						return err
					}
				}
				if most != 3 || running != 0 {
					t.Errorf("at most %d ran, and %d run; want 3 and 0", most, running)
				}
				return nil
			})
		})
	})
}

func TestGroupLimit(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			now, most := 0, 0
			err := task.Group(func(g *corolla.Group) error {
				g.SetLimit(2)
				for i := range 6 {
					f := g.Go(func(task *corolla.Task) error {
						tr.add("%d", i)
						now++
						defer func() { now-- }()
						most = max(most, now)
						return task.Sleep(ms)
					})
					if i == 4 {
						f.Cancel(nil) // while it waits for room
					}
				}
				return nil
			})
			tr.want(t, "0 1 2 3 5")
			if most != 2 {
				t.Errorf("%d ran at once", most)
			}
			return err
		})
	})
}

func TestQueuedChildWhoseContextHasEnded(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			return task.Group(func(g *corolla.Group) error {
				g.SetLimit(1)
				block := corolla.NewFuture[int](l)
				g.Go(func(t *corolla.Task) error { _, err := block.Await(t); return err })
				ended, cancel := context.WithCancel(context.Background())
				late := g.Go(func(*corolla.Task) error { t.Error("it ran"); return nil }, corolla.With(ended))
				cancel()
				ended, cancel = context.WithCancel(context.Background())
				cancel()
				early := g.Go(func(*corolla.Task) error { t.Error("it ran"); return nil }, corolla.With(ended))
				for _, f := range []*corolla.Future[struct{}]{late, early} { // while there is no room
					if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
						t.Errorf("Await = %v", err)
					}
				}
				return block.Resolve(1)
			})
		})
	})
}
