package service_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

// Rule 30: stopping twice, running again, and what is called at the end: none of it before the call that
// stops has returned, and a "before" that waits delays all that is behind it. Where Twisted has only
// "before" wait, every function is waited for here; and a second stop or run is no error.
func TestRule30Phases(t *testing.T) {
	quit := func(app *service.Tree, _ *corolla.Future[struct{}]) { app.Quit(nil) }
	cancel := func(_ *service.Tree, f *corolla.Future[struct{}]) { f.Cancel(nil) }
	for name, c := range map[string]struct {
		end    func(app *service.Tree, f *corolla.Future[struct{}])
		remove bool
		did    string
		want   []string
	}{
		"Quit":    {quit, false, "before1 before2 before2. before1. during -a -a. during. after", []string{"before app/first: bad luck"}},
		"twice":   {func(app *service.Tree, f *corolla.Future[struct{}]) { quit(app, f); quit(app, f) }, false, "before1 before2 before2. before1. during -a -a. during. after", []string{"before app/first: bad luck"}},
		"cancel":  {cancel, false, "before1 before2 before2. before1. during -a -a. during. after", []string{"before app/first: bad luck"}},
		"removed": {quit, true, "before2 before2. during -a -a. during. after", nil},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var d diary
				app := service.NewTree("app", d.part("a"))
				add := func(p service.Phase, name, note string, turns int, err error) (remove func()) {
					return app.OnStop(p, name, func(t *corolla.Task) error {
						if d.note("%s", note); turns == 0 {
							return err
						}
						for range turns {
							if err := t.Yield(); err != nil {
								return err
							}
						}
						d.note("%s.", note)
						return err
					})
				}
				add(service.After, "last", "after", 0, nil)
				add(service.During, "between", "during", 20, nil)
				remove := add(service.Before, "first", "before1", 20, errLuck)
				add(service.Before, "second", "before2", 10, nil)
				if c.remove {
					remove()
				}
				for range 2 { // it can be run again
					f := started(task, app.Run)
					until(t, task, "it runs", app.Running)
					d.want(t, "+a +a.")
					c.end(app, f)
					d.want(t, "")
					says(t, mustEnd(t, task, f), c.want...)
					d.want(t, c.did)
				}
			})
		})
	}
}

// A function that removes one behind it, or adds one of its phase, while the tree is stopped; and one of a
// later phase, which is called.
func TestPhasesThatChangeWhileStopping(t *testing.T) {
	for _, p := range []service.Phase{service.Before, service.During, service.After} {
		t.Run(p.String(), func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var d diary
				app := service.NewTree("app", d.part("a"))
				note := func(n string) func(*corolla.Task) error {
					return func(*corolla.Task) error { d.note("%s", n); return nil }
				}
				var removes []func()
				app.OnStop(p, "first", func(*corolla.Task) error {
					d.note("first")
					for _, remove := range removes {
						remove()
					}
					removes = append(removes, app.OnStop(p, "late", note("late")))
					if p != service.After {
						removes = append(removes, app.OnStop(p+1, "next", note("next")))
					}
					return nil
				})
				removes = append(removes, app.OnStop(p, "second", note("second")))
				app.OnStop(p, "third", note("third"))
				for range 2 { // what the first stop has added, the second removes, and adds again
					if err := errors.Join(app.Start(task), app.Stop(task)); err != nil {
						t.Error(err)
					}
					d.want(t, map[service.Phase]string{
						service.Before: "+a +a. first third next -a -a.",
						service.During: "+a +a. first third -a -a. next",
						service.After:  "+a +a. -a -a. first third",
					}[p])
				}
			})
		})
	}
}

// Functions of one phase that do not end, even when they are canceled, are left behind together, a second
// after the limit, and each is named.
func TestFunctionsOfAPhaseThatHang(t *testing.T) {
	for _, p := range []service.Phase{service.Before, service.During, service.After} {
		t.Run(p.String(), func(t *testing.T) {
			onHost(t, true, 1, func(t *testing.T, task *corolla.Task, log *[]error) {
				var d diary
				var free corolla.Event
				app := service.NewTree("app", d.part("a"))
				app.StopTimeout = 10 * time.Second
				for _, name := range []string{"one", "two", "three"} {
					app.OnStop(p, name, func(t *corolla.Task) error {
						return t.Shielded(func(*corolla.Scope) error { return free.Wait(t) })
					})
				}
				if err := app.Start(task); err != nil {
					t.Fatal(err)
				}
				begin := task.Loop().Now()
				err := app.Stop(task)
				var want []string
				for _, name := range []string{"one", "two", "three"} {
					want = append(want, p.String()+" app/"+name+": "+service.ErrStuck.Error())
				}
				if p == service.Before { // and the part has no time left
					var late *corolla.TimeoutError
					if !errors.As(err, &late) || !errors.Is(err, service.ErrStuck) {
						t.Errorf("Stop: %v", err)
					}
				} else {
					says(t, err, want...)
				}
				if took := task.Loop().Now() - begin; took != 11*time.Second { // by the simulated clock
					t.Errorf("it took %v", took)
				}
				free.Set()
				until(t, task, "they end", func() bool { return len(task.Loop().Tasks()) == 1 })
			})
		})
	}
}

// Functions of phases that panic, or do not end, keep nobody else from ending.
func TestBadFunctionsOfPhases(t *testing.T) {
	for _, p := range []service.Phase{service.Before, service.During, service.After} {
		t.Run(p.String(), func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				var d diary
				app := service.NewTree("app", d.part("a"))
				app.StopTimeout = 10 * time.Millisecond
				var free corolla.Event
				app.OnStop(p, "panics", func(*corolla.Task) error { panic("oops") })
				app.OnStop(p, "hangs", free.Wait)
				app.OnStop(service.After, "last", func(*corolla.Task) error { d.note("last"); return nil })
				f := started(task, app.Run)
				until(t, task, "it runs", app.Running)
				app.Quit(nil)
				err := mustEnd(t, task, f)
				var pan *corolla.PanicError
				var late *corolla.TimeoutError
				if !errors.As(err, &pan) || pan.Value != "oops" || !errors.As(err, &late) {
					t.Errorf("Run: %v", err)
				}
				if did := d.notes; did[len(did)-1] != "last" || len(did) < 4 || did[2] != "-a" {
					t.Errorf("what happened: %v", &d)
				}
			})
		})
	}
}

// Whatever panics in a part is an error of its name, and the others go on.
func TestPanicsOfParts(t *testing.T) {
	for name, c := range map[string]struct{ op, did string }{
		"Start": {"start", "+a +a. -a -a."},
		"Stop":  {"stop", "+a +a. +c +c. -c -c. -a -a."},
		"run":   {"run", "+a +a. +c +c. -c -c. -a -a."},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				var d diary
				oops := func(*corolla.Task) error { panic("oops") }
				bad := map[string]service.Service{
					"Start": service.New("b", oops, nil),
					"Stop":  service.New("b", nil, oops),
					"run": service.NewTask("b", func(t *corolla.Task, ready func()) error {
						ready()
						if err := t.Sleep(time.Millisecond); err != nil {
							return err
						}
						return oops(t)
					}),
				}
				app := service.NewTree("app", d.part("a"), bad[name], d.part("c"))
				d.on = map[string]func(){"+c.": func() {
					if name == "Stop" {
						app.Quit(nil)
					}
				}}
				err := mustEnd(t, task, started(task, app.Run))
				var e *service.Error
				var p *corolla.PanicError
				if !errors.As(err, &e) || e.Service != "app/b" || e.Op != c.op || !errors.As(err, &p) || p.Value != "oops" {
					t.Errorf("Run: %v", err)
				}
				d.want(t, c.did)
			})
		})
	}
}
