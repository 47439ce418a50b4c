package corolla_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

func TestTaskStartsInTheNextTurn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(*corolla.Task) error { tr.add("child"); return nil })
			tr.add("parent")
			_, err := f.Await(task)
			return err
		})
		tr.want(t, "parent child")
	})
}

func TestEagerTaskRunsToItsFirstPark(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(child *corolla.Task) error {
				tr.add("child")
				if l.Current() != child {
					t.Error("Current is not the task that runs")
				}
				err := child.Yield()
				tr.add("later")
				return err
			}, corolla.Eager())
			if l.Current() != task {
				t.Error("Current is not restored")
			}
			tr.add("parent")
			_, err := f.Await(task)
			return err
		})
		tr.want(t, "child parent later")
	})
}

// TestGoexitInAnEagerChild ends the goroutine of the loop; the parent's cleanup runs on it.
func TestGoexitInAnEagerChild(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var cleanup any = "not run"
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = l.Run(func(task *corolla.Task) error {
				defer func() {
					defer func() { cleanup = recover() }()
					_ = task.Timeout(time.Second, func(*corolla.Scope) error { return nil })
					l.Soon(func() {})
				}()
				l.Go(func(*corolla.Task) error { runtime.Goexit(); return nil }, corolla.Eager())
				return nil
			})
		}()
		<-done
		if cleanup != nil {
			t.Errorf("the parent's cleanup: %v", cleanup)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for _, err := range log.errs {
			if !errors.Is(err, corolla.ErrGoexit) {
				t.Errorf("the handler got %v", err)
			}
		}
		if len(log.errs) == 0 {
			t.Error("nobody was told of the task that has exited")
		}
		log.errs = nil
	})
}
