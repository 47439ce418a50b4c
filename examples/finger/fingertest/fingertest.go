// Package fingertest asks the steps of the finger example, on both machines.
package fingertest

import (
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
)

// OnBoth runs test in a task of a real loop and of a simulated one, where there is nothing left behind it.
func OnBoth(t *testing.T, test func(t *testing.T, task *corolla.Task) error) {
	t.Helper()
	t.Run("real", func(t *testing.T) { OnReal(t, test) })
	t.Run("sim", func(t *testing.T) { OnSim(t, test) })
}

// OnSim is the half of OnBoth where nothing takes time.
func OnSim(t *testing.T, test func(t *testing.T, task *corolla.Task) error) {
	t.Helper()
	w := sim.New(1)
	run(t, w.NewLoop(options(t)...), test)
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors are open", n)
	}
}

// OnReal is the other half.
func OnReal(t *testing.T, test func(t *testing.T, task *corolla.Task) error) {
	t.Helper()
	l, err := corolla.New(options(t)...)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, test)
}

func options(t *testing.T) []corolla.Option {
	return []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("reported: %v", err) })}
}

func run(t *testing.T, l *corolla.Loop, test func(t *testing.T, task *corolla.Task) error) {
	t.Helper()
	if err := l.Run(func(task *corolla.Task) error {
		err := test(t, task)
		return errors.Join(err, task.Timeout(20*time.Second, func(*corolla.Scope) error {
			for l.Stats().Sockets > 0 || len(l.Tasks()) > 1 {
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}))
	}); err != nil {
		t.Error(err)
	}
	if s := l.Stats(); s.Timers+s.Sockets+s.Waits > 0 {
		t.Errorf("left behind: %+v", s)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Say connects, says something, and returns all that the server says until it closes.
func Say(t *corolla.Task, address, what string) (string, error) {
	c, err := aio.Dial(t, "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(t, []byte(what)); err != nil {
		return "", err
	}
	all, err := io.ReadAll(c.Bind(t))
	return string(all), err
}

// Wants compares what servers say.
func Wants(t *testing.T, task *corolla.Task, address string, answers map[string]string) error {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(answers)) {
		got, err := Say(task, address, what)
		if err != nil {
			return err
		}
		if want := answers[what]; got != want {
			t.Errorf("the answer to %q is %q, want %q", what, got, want)
		}
	}
	return nil
}

// Served runs a tree, calls test while it runs, and stops it; it must end without an error.
func Served(t *corolla.Task, app *service.Tree, test func() error) error {
	run := t.Loop().Go(app.Run)
	for !app.Running() {
		if err := t.Yield(); err != nil {
			return err
		}
		if _, err := run.Result(); !errors.Is(err, corolla.ErrPending) {
			return err
		}
	}
	err := test()
	run.Cancel(nil) // as SIGTERM does
	_, end := run.Await(t)
	return errors.Join(err, end)
}
