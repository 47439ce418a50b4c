package cluster_test

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
)

// TestNoTaskSleepsBesideAMessage, whatever comes between its wake and its turn.
func TestNoTaskSleepsBesideAMessage(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		in := cluster.NewInlet(task.Loop())
		got := 0
		must(0, task.Group(func(g *corolla.Group) error {
			for range 3 {
				g.Go(func(task *corolla.Task) error {
					_, err := in.Next(task)
					got++
					return err
				})
			}
			must(0, task.Yield())(t)
			for range 3 {
				in.Put(new(cluster.Msg))
				in.Feed()
			}
			must(0, task.Sleep(1))(t)
			must(0, task.Sleep(1))(t)
			if got != 3 {
				t.Errorf("%d of 3 tasks got a message", got)
				g.Cancel(nil)
			}
			return nil
		}))(t)
	})
}

// TestCanceledTaskPassesItsWakeOn to the next in line.
func TestCanceledTaskPassesItsWakeOn(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		in := cluster.NewInlet(task.Loop())
		next := func(task *corolla.Task) (*cluster.Msg, error) { return in.Next(task) }
		first, second := corolla.Go(task.Loop(), next), corolla.Go(task.Loop(), next)
		must(0, task.Yield())(t)
		m := new(cluster.Msg)
		in.Put(m)
		in.Feed()
		first.Cancel(nil)
		_, err := first.Await(task)
		wantErr(t, "the first", err, corolla.ErrCanceled)
		if got := must(second.Await(task))(t); got != m {
			t.Errorf("the second got %v", got)
		}
	})
}
