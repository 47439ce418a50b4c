package service_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

// What a tree logs: its parts, with the names on the way to them, and each error once.
func TestTreeLogs(t *testing.T) {
	for name, c := range map[string]struct {
		start, stop error
		want        string
	}{
		"in order": {nil, nil, `
			level=INFO msg=started service=app/a
			level=INFO msg=started service=app/inner/b
			level=INFO msg=started service=app/inner
			level=INFO msg=stopped service=app/inner/b took=0s
			level=INFO msg=stopped service=app/inner took=0s
			level=INFO msg=stopped service=app/a took=0s`},
		"no start": {errLuck, nil, `
			level=INFO msg=started service=app/a
			level=ERROR msg="not started" service=app/inner/b error="bad luck"
			level=INFO msg=stopped service=app/a took=0s`},
		"no stop": {nil, errLuck, `
			level=INFO msg=started service=app/a
			level=INFO msg=started service=app/inner/b
			level=INFO msg=started service=app/inner
			level=ERROR msg="not stopped in order" service=app/inner/b error="bad luck"
			level=INFO msg=stopped service=app/a took=0s`},
	} {
		t.Run(name, func(t *testing.T) {
			onHost(t, true, 1, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var b strings.Builder
				fails := func(err error) func(*corolla.Task) error { return func(*corolla.Task) error { return err } }
				app := service.NewTree("app", service.New("a", nil, nil), service.NewTree("inner", service.New("b", fails(c.start), fails(c.stop))))
				app.Log = logger(&b)
				if err := app.Start(task); !errors.Is(err, c.start) {
					t.Errorf("Start: %v", err)
				}
				if err := app.Stop(task); !errors.Is(err, c.stop) {
					t.Errorf("Stop: %v", err)
				}
				if want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "") + "\n"; b.String() != want {
					t.Errorf("logged\n%swant\n%s", &b, want)
				}
			})
		})
	}
}

// panicking is a handler of a log that panics.
type panicking struct{ slog.Handler }

func (panicking) Handle(context.Context, slog.Record) error { panic("no log") }

// A handler that panics is reported, and keeps no part from its start and its stop, and no failure from ending
// the tree.
func TestTreeWhoseLogPanics(t *testing.T) {
	for _, inner := range []bool{false, true} {
		eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
			var d diary
			var now corolla.Event
			bad := service.NewTask("bad", func(t *corolla.Task, ready func()) error {
				ready()
				if err := now.Wait(t); err != nil {
					return err
				}
				return errLuck
			})
			app := service.NewTree("app", d.part("a"), service.NewTree("inner", bad, d.part("b")), d.part("c"))
			app.Log = slog.New(panicking{logger(&strings.Builder{}).Handler()})
			f := started(task, app.Run)
			until(t, task, "it runs", app.Running)
			if inner {
				now.Set()
			} else {
				app.Quit(errLuck)
			}
			says(t, mustEnd(t, task, f), map[bool]string{true: "run app/inner/bad: bad luck", false: "run app: bad luck"}[inner])
			d.want(t, "+a +a. +b +b. +c +c. -c -c. -b -b. -a -a.")
			if len(*log) == 0 {
				t.Error("nothing was reported")
			}
			for _, err := range *log {
				if p := (*corolla.PanicError)(nil); !errors.As(err, &p) || p.Value != "no log" {
					t.Errorf("reported: %v", err)
				}
			}
			*log = nil
		})
	}
}
