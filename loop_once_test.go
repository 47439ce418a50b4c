package corolla_test

import (
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
)

// What gathers in a turn can be dealt with at its end, before anything else.
func TestAtTurnEnd(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			l.Soon(func() {
				corolla.AtTurnEnd(l, func() {
					tr.add("end")
					l.Soon(func() { tr.add("next") })
					corolla.AtTurnEnd(l, func() { tr.add("again") })
				})
				corolla.AtTurnEnd(l, func() { panic("oops") })
				l.Soon(func() { tr.add("later") })
				tr.add("first")
			})
			l.Soon(func() { tr.add("second") })
			return turns(task, 3)
		})
		tr.want(t, "first second end again later next")
		if len(log.errs) != 1 || log.errs[0].(*corolla.PanicError).Value != "oops" {
			t.Errorf("reported: %v", log.errs)
		}
		log.errs = nil
	})
}

func TestRunOnce(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		failed := errors.New("on purpose")
		var tr trace
		main := func(name string, err error) func(*corolla.Task) error {
			return func(task *corolla.Task) error {
				task.Loop().Go(func(task *corolla.Task) error {
					_ = task.Park("the end")
					tr.add("%s's task", name)
					return nil
				}, corolla.Eager())
				tr.add("%s", name)
				return err
			}
		}
		l := newLoop()
		l.OnClose(func() { tr.add("close") })
		after := func(err error) { tr.add("after(%v)", err) }
		if err := corolla.RunOnce(l, after, main("a", nil), main("b", failed), main("c", nil)); err != failed {
			t.Errorf("RunOnce: %v", err)
		}
		tr.want(t, "a a's task b b's task after(on purpose) close")
		if err := l.Close(); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("it left the loop open: %v", err)
		}
	})
}

func TestRunOnceClosesAfterAPanic(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.ErrorPolicy(corolla.Crash))
		var got error
		panicText(t, func() {
			_ = corolla.RunOnce(l, func(err error) { got = err }, func(*corolla.Task) error { panic("oops") })
		})
		if p, ok := got.(*corolla.PanicError); !ok || p.Value != "oops" {
			t.Errorf("after(%v)", got)
		}
		if err := l.Close(); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("it left the loop open: %v", err)
		}
	})
}

func TestBindThread(t *testing.T) {
	if _, err := corolla.BindThread(-1); err == nil {
		t.Error("processor -1 was found")
	}
	for n := range 3 { // be there so many or not
		release, err := corolla.BindThread(n)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		l, err := corolla.New()
		if err != nil {
			t.Fatal(err)
		}
		if err := corolla.RunOnce(l, nil, func(task *corolla.Task) error { return turns(task, 3) }); err != nil {
			t.Error(err)
		}
		release()
	}
}
