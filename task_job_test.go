package corolla_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

// job is a thread of the tests' own model.
type job struct {
	corolla.Job
	body  func(t *corolla.Task) error
	ended []error
	alive bool // when it was told of its end, its task could still wait
}

func (j *job) Run(t *corolla.Task) error { return j.body(t) }

func (j *job) Ended(err error) {
	j.ended = append(j.ended, err)
	j.alive = j.Task().Loop().Current() == j.Task() && j.Task().Yield() == nil
}

func (j *job) Function() any { return j.body }

func startJob(l *corolla.Loop, body func(*corolla.Task) error, opts ...corolla.TaskOption) *job {
	j := &job{body: body}
	j.Start(l, j, opts...)
	return j
}

func (j *job) wait(task *corolla.Task) error {
	for !j.Task().Ended() {
		if err := task.Yield(); err != nil {
			return err
		}
	}
	return nil
}

func TestJobTellsItsEndOnce(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			bad := errors.New("bad")
			var p *corolla.PanicError
			for _, c := range []struct {
				name  string
				body  func(*corolla.Task) error
				is    func(error) bool
				alive bool
			}{
				{"returns", func(*corolla.Task) error { return nil }, func(err error) bool { return err == nil }, true},
				{"fails", func(*corolla.Task) error { return bad }, func(err error) bool { return err == bad }, true},
				{"panics", func(*corolla.Task) error { panic("oops") }, func(err error) bool { return errors.As(err, &p) && p.Value == "oops" }, true},
				{"is unwound", func(t *corolla.Task) error {
					t.Cancel(bad)
					t.Unwind()
					return nil
				}, func(err error) bool { return errors.Is(err, bad) && errors.Is(err, corolla.ErrCanceled) }, false},
			} {
				j := startJob(l, c.body, corolla.Name(c.name))
				if err := j.wait(task); err != nil {
					return err
				}
				if len(j.ended) != 1 || !c.is(j.ended[0]) || j.alive != c.alive {
					t.Errorf("%v: told %v, alive %v", j.Task(), j.ended, j.alive)
				}
			}
			return nil
		})
	})
}

func TestJobCanceledBeforeItBegan(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			j := startJob(l, func(*corolla.Task) error { t.Error("it ran"); return nil })
			j.Task().Cancel(nil)
			if err := j.wait(task); err != nil {
				return err
			}
			if len(j.ended) != 1 || !errors.Is(j.ended[0], corolla.ErrCanceled) || j.alive {
				t.Errorf("told %v", j.ended)
			}
			return nil
		})
	})
}

func TestJobRunsOnce(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			j := startJob(l, func(*corolla.Task) error { return nil })
			if text := panicText(t, func() { j.Start(l, j) }); !strings.Contains(text, "a job runs once") {
				t.Errorf("a second Start: %s", text)
			}
			return j.wait(task)
		})
	})
}

func TestJobsPanicMayCrash(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.ErrorPolicy(corolla.Crash))
		defer l.Close()
		text := panicText(t, func() {
			_ = l.Run(func(task *corolla.Task) error {
				return startJob(l, func(*corolla.Task) error { panic("oops") }).wait(task)
			})
		})
		if !strings.Contains(text, "oops") {
			t.Errorf("Run panicked with %q", text)
		}
	})
}

func TestJobsAreNamedAfterTheirFunction(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			j := startJob(l, forever)
			if text := j.Task().String(); !strings.Contains(text, "corolla_test.forever") {
				t.Errorf("a job is called %q", text)
			}
			j.Task().Cancel(nil)
			return j.wait(task)
		})
	})
}

// TestUnwindGoesToTheScope that is canceled, and no further.
func TestUnwindGoesToTheScope(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			task.Unwind() // nothing is canceled
			err := task.Timeout(0, func(*corolla.Scope) error {
				defer tr.add("deferred")
				return task.Cancelable(func(*corolla.Scope) error {
					task.Unwind()
					t.Error("it went on")
					return nil
				})
			})
			var timeout *corolla.TimeoutError
			if !errors.As(err, &timeout) {
				t.Errorf("Timeout = %v", err)
			}
			tr.want(t, "deferred")
			return task.Yield()
		})
	})
}

func TestOnEnd(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			var tr trace
			f := l.Go(func(task *corolla.Task) error {
				task.OnEnd(func() { tr.add("first") })
				task.OnEnd(func() { tr.add("second") })
				tr.add("body")
				return nil
			})
			if _, err := f.Await(task); err != nil {
				return err
			}
			tr.want(t, "body first second")
			f.Task().OnEnd(func() { tr.add("late") })
			tr.want(t, "")
			err := task.Yield()
			tr.want(t, "late")
			return err
		})
	})
}
