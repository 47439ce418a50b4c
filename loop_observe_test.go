package corolla_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

func TestSimulatedDeadlockSaysWhoWaitsForWhat(t *testing.T) { // differences 14
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	err := l.Run(func(task *corolla.Task) error { return task.Park("Godot") })
	var d *corolla.DeadlockError
	if !errors.As(err, &d) || len(d.Tasks) != 1 || d.Tasks[0].On != "Godot" || d.Tasks[0].Name != "main" {
		t.Fatalf("Run = %v, want a deadlock of main on Godot", err)
	}
	if !strings.Contains(err.Error(), `task "main"`) || !strings.Contains(err.Error(), "Godot") {
		t.Errorf("%q does not say who waits for what", err)
	}
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

func TestLoopHoldsItsTasks(t *testing.T) { // differences 2
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ended := false
		run(t, l, func(task *corolla.Task) error {
			var gate corolla.Event
			l.Go(func(task *corolla.Task) error { err := gate.Wait(task); ended = true; return err }) // nobody refers to it
			if err := task.Yield(); err != nil {
				return err
			}
			runtime.GC()
			runtime.GC()
			gate.Set()
			return turns(task, 2)
		})
		if !ended {
			t.Error("a task that nobody refers to has vanished")
		}
	})
}
