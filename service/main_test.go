package service_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) {
	become()
	leaktest.Main(m)
}

// eachHost runs test in a task on both hosts. What reaches the error handler is in log, where it must have
// been expected: the test takes it out.
func eachHost(t *testing.T, test func(t *testing.T, task *corolla.Task, log *[]error)) {
	t.Helper()
	for _, on := range []string{"real", "sim"} {
		t.Run(on, func(t *testing.T) {
			t.Helper()
			onHost(t, on == "sim", 1, test)
		})
	}
}

func onHost(t *testing.T, simulated bool, seed uint64, test func(t *testing.T, task *corolla.Task, log *[]error)) {
	t.Helper()
	var log []error
	opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { log = append(log, err) })}
	var l *corolla.Loop
	w := sim.New(seed)
	if simulated {
		l = w.NewLoop(opts...)
	} else {
		var err error
		l, err = corolla.New(opts...)
		leaktest.NeedLoop(t, err)
	}
	if err := l.Run(func(task *corolla.Task) error {
		test(t, task, &log)
		for range 5 { // what was closed in the last turn is told in the next ones
			if err := task.Yield(); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if n := w.Open(); simulated && n != 0 {
		t.Errorf("%d descriptors are open", n)
	}
	for _, err := range log {
		t.Errorf("reported: %v", err)
	}
}

// diary is what happened, in order. When a note is made, something can be done about it.
type diary struct {
	notes []string
	on    map[string]func()
}

func (d *diary) note(format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	d.notes = append(d.notes, note)
	if f := d.on[note]; f != nil {
		f()
	}
}

func (d *diary) String() string { return strings.Join(d.notes, " ") }

// part returns a service that notes when it begins to start and stop, and when it has, some turns later.
func (d *diary) part(name string) *service.Unit { return d.broken(name, nil, nil) }

// broken is a part that returns errors.
func (d *diary) broken(name string, start, stop error) *service.Unit {
	act := func(what string, err error) func(t *corolla.Task) error {
		return func(t *corolla.Task) error {
			d.note("%s%s", what, name)
			for range 5 {
				if e := t.Yield(); e != nil {
					d.note("%s%s!", what, name)
					return e
				}
			}
			d.note("%s%s.", what, name)
			return err
		}
	}
	return service.New(name, act("+", start), act("-", stop))
}

// want compares what happened.
func (d *diary) want(t *testing.T, want string) {
	t.Helper()
	if d.String() != want {
		t.Errorf("what happened: %s\n         want: %s", d, want)
	}
	d.notes = nil
}

// says compares an error, which may have several lines, with what it should say.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the error says %q\n         want %q", got, want)
	}
}

// until yields until something holds.
func until(t *testing.T, task *corolla.Task, what string, holds func() bool) {
	t.Helper()
	if err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for !holds() {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// started starts a function in a task of its own, up to its first wait.
func started(task *corolla.Task, f func(t *corolla.Task) error) *corolla.Future[struct{}] {
	return task.Loop().Go(f, corolla.Eager())
}

func mustEnd(t *testing.T, task *corolla.Task, f *corolla.Future[struct{}]) error {
	t.Helper()
	until(t, task, "a task ends", f.Done)
	_, err := f.Result()
	return err
}

// logger logs without the time.
func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

var errLuck = errors.New("bad luck")
