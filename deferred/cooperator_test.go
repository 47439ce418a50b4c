package deferred_test

import (
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/gen"
)

// steps says its name and number n times.
func steps(e *env, name string, n int) deferred.Steps {
	return func(yield func(deferred.Any, error) bool) {
		defer func() { e.say("%s.", name) }()
		for i := range n {
			e.say("%s%d", name, i)
			if !yield(nil, nil) {
				return
			}
		}
	}
}

func await(t *corolla.Task, d *deferred.Deferred[struct{}]) error {
	_, err := d.Await(t)
	return err
}

// TestScenario12CooperatorTakesTurns: two of three steps each; then one is paused, and one stopped.
func TestScenario12CooperatorTakesTurns(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		c := deferred.NewCooperator(e.Loop)
		a, b := c.Coiterate(steps(e, "a", 3)), c.Coiterate(steps(e, "b", 3))
		e.want("")
		if err := errors.Join(await(task, a), await(task, b)); err != nil {
			e.Error(err)
		}
		e.want("a0 b0 a1 b1 a2 b2 a. b.")

		paused, stopped := c.Cooperate(steps(e, "a", 1000)), c.Cooperate(steps(e, "b", 1000))
		_ = task.Yield() // nobody cancels this task
		if err := errors.Join(paused.Pause(), paused.Pause(), paused.Resume(), stopped.Stop()); err != nil {
			e.Error(err)
		}
		if n := len(e.said); e.said[n-1] != "b." {
			e.Errorf("the last of what was said is %q", e.said[n-1])
		}
		e.said = nil
		_, _ = task.Yield(), task.Yield()
		e.want("")
		if err := await(task, stopped.WhenDone()); err != deferred.ErrTaskStopped {
			e.Errorf("the stopped one ends with %v", err)
		}
		for _, err := range []error{stopped.Stop(), stopped.Pause(), stopped.Resume()} {
			if err != deferred.ErrTaskStopped {
				e.Errorf("a method of the stopped one: %v", err)
			}
		}
		if err := errors.Join(paused.Resume(), await(task, paused.WhenDone())); err != nil {
			e.Error(err)
		}
		if err := paused.Resume(); err != deferred.ErrTaskDone || e.said[len(e.said)-1] != "a." {
			e.Errorf("Resume of one that has ended: %v", err)
		}
		if n := e.Stats().OnClose; n != 0 {
			e.Errorf("%d functions to be called at the end are left", n)
		}
	})
}

// TestCooperatorWaitsForWhatAStepYields, and takes its error.
func TestCooperatorWaitsForWhatAStepYields(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		c := deferred.NewCooperator(e.Loop)
		work := func(d deferred.Any, err error, last string) deferred.Steps {
			return func(yield func(deferred.Any, error) bool) {
				defer e.say("%s ends", last)
				if yield(d, err) {
					e.say("%s goes on", last)
					if last == "panics" {
						panic("oops")
					}
				}
			}
		}
		inner := deferred.New[int](e.Loop)
		a := c.Coiterate(work(inner, nil, "a"))
		failed := c.Coiterate(work(deferred.Fail[bool](e.Loop, errBad), nil, "failed"))
		bad := c.Coiterate(work(nil, errBad, "bad"))
		oops := c.Coiterate(work(nil, nil, "panics"))
		if err := await(task, failed); err != errBad {
			e.Errorf("%v", err)
		}
		if err := await(task, bad); err != errBad {
			e.Errorf("%v", err)
		}
		if err := await(task, oops); !errors.As(err, new(*corolla.PanicError)) {
			e.Errorf("%v", err)
		}
		e.said = nil
		_ = inner.Callback(1)
		if err := await(task, a); err != nil {
			e.Error(err)
		}
		e.want("a goes on a ends")

		waits := deferred.New[int](e.Loop)
		d := c.Coiterate(work(waits, nil, "canceled"))
		_ = task.Yield() // nobody cancels this task
		d.Cancel(errBad)
		if _, err := d.Result(); !errors.Is(err, corolla.ErrCanceled) || waits.Called() {
			e.Errorf("%v", err)
		}
		e.want("canceled ends")
		_ = waits.Errback(errBad) // is nobody's any more
	})
}

func TestCooperatorStops(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		c := deferred.NewCooperator(e.Loop)
		var self *deferred.CooperativeTask
		self = c.Cooperate(func(yield func(deferred.Any, error) bool) {
			defer e.say("self ends")
			_ = self.Stop() // it has not ended
			yield(nil, nil)
		})
		if err := await(task, self.WhenDone()); err != deferred.ErrTaskStopped {
			e.Errorf("stopped by itself: %v", err)
		}
		a, b := c.Coiterate(steps(e, "a", 1000)), c.Coiterate(steps(e, "b", 1000))
		c.Stop()
		for _, d := range []*deferred.Deferred[struct{}]{a, b, c.Coiterate(steps(e, "c", 1))} {
			if err := await(task, d); err != deferred.ErrTaskStopped {
				e.Errorf("stopped by the cooperator: %v", err)
			}
		}
		e.want("self ends")
	})
}

// TestCooperatorLetsOthersRun: work without an end does not keep the loop.
func TestCooperatorLetsOthersRun(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		c := deferred.NewCooperator(e.Loop)
		n := 0
		endless := c.Cooperate(func(yield func(deferred.Any, error) bool) {
			for yield(nil, nil) {
				n++
			}
		})
		for range 10 {
			_ = task.Yield() // nobody cancels this task
		}
		if before := n; before == 0 || before > 64*11 {
			e.Errorf("%d steps in ten turns", before)
		}
		if err := endless.Resume(); err != deferred.ErrNotPaused {
			e.Errorf("Resume = %v", err)
		}
		_ = endless.Stop()
	})
}

// TestClosedLoopStopsCooperativeTasks, and so leaves no coroutine behind.
func TestClosedLoopStopsCooperativeTasks(t *testing.T) {
	eachLoop(t, func(e *env) {
		work := deferred.NewCooperator(e.Loop).Cooperate(steps(e, "a", 1000))
		if err := e.Loop.Run(func(t *corolla.Task) error { return t.Yield() }); err != nil {
			e.Error(err)
		}
		if err := e.Close(); err != nil {
			e.Error(err)
		}
		if err := work.Stop(); err != corolla.ErrLoopClosed || e.said[len(e.said)-1] != "a." {
			e.Errorf("after the loop was closed: %v", err)
		}
	})
}

func TestCooperatorTakesGenerators(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		g := gen.New(func(y *gen.Yield[deferred.Any, struct{}]) (int, error) {
			for i := range 3 {
				d := deferred.Later(e.Loop, ms, func() (int, error) { e.say("%d", i); return i, nil })
				if _, err := y.Yield(d); err != nil {
					return 0, err
				}
			}
			return 0, errBad
		})
		if err := await(task, deferred.NewCooperator(e.Loop).Coiterate(g.All())); err != errBad {
			e.Errorf("it ends with %v", err)
		}
		e.want("0 1 2")
	})
}
