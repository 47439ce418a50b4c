package service_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
)

// A tree of a, then one of b and c, then d: what is started and stopped, in which order, and what is
// returned when parts fail.
func TestOrderAndErrorsOfATree(t *testing.T) {
	const all, back = "+a +a. +b +b. +c +c. +d +d.", "-d -d. -c -c. -b -b. -a -a."
	for name, c := range map[string]struct {
		start, stop string // the parts that then fail
		did         string
		want        []string
	}{
		"in order":            {"", "", all + " " + back, nil},
		"the first":           {"a", "", "+a +a.", []string{"start app/a: bad luck"}},
		"in the inner tree":   {"c", "", "+a +a. +b +b. +c +c. -b -b. -a -a.", []string{"start app/inner/c: bad luck"}},
		"the last":            {"d", "", all + " -c -c. -b -b. -a -a.", []string{"start app/d: bad luck"}},
		"on stop":             {"", "b", all + " " + back, []string{"stop app/inner/b: bad luck"}},
		"everything on stop":  {"", "abcd", all + " " + back, []string{"stop app/d: bad luck", "stop app/inner/c: bad luck", "stop app/inner/b: bad luck", "stop app/a: bad luck"}},
		"on start, then stop": {"d", "ab", all + " -c -c. -b -b. -a -a.", []string{"start app/d: bad luck", "stop app/inner/b: bad luck", "stop app/a: bad luck"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var d diary
				part := func(name string) service.Service {
					of := func(which string) error {
						for _, w := range which {
							if string(w) == name {
								return errLuck
							}
						}
						return nil
					}
					return d.broken(name, of(c.start), of(c.stop))
				}
				app := service.NewTree("app", part("a"), service.NewTree("inner", part("b"), part("c")), part("d"))
				err := app.Start(task)
				if running := err == nil; running != app.Running() {
					t.Errorf("running: %v after %v", app.Running(), err)
				}
				if err == nil {
					err = app.Stop(task)
				}
				says(t, err, c.want...)
				d.want(t, c.did)
			})
		})
	}
}

// Who stops a tree that runs, when, and what Run returns then.
func TestRunEndsInOrder(t *testing.T) {
	type run = *corolla.Future[struct{}]
	const (
		all, early = "+a +a. +b +b. -b -b. -a -a.", "+a +a. +b +b! -a -a."
		late       = "+b."
	)
	cancel := func(_ *service.Tree, f run) { f.Cancel(errLuck) }
	quit := func(app *service.Tree, _ run) { app.Quit(nil) }
	fail := func(app *service.Tree, _ run) { app.Quit(errLuck) }
	stop := func(app *service.Tree, f run) { f.Loop().Go(app.Stop) }
	twice := func(app *service.Tree, f run) { cancel(app, f); quit(app, f); quit(app, f); stop(app, f); stop(app, f) }
	for name, c := range map[string]struct {
		when string // what has just happened
		end  func(app *service.Tree, f run)
		did  string
		want []string
	}{
		"a cancel":                       {late, cancel, all, nil},
		"a cancel while starting":        {"+b", cancel, early, nil},
		"Quit":                           {late, quit, all, nil},
		"Quit while starting":            {"+b", quit, early, nil},
		"Quit with an error":             {late, fail, all, []string{"run app: bad luck"}},
		"Quit while starting, error":     {"+b", fail, early, []string{"run app: bad luck"}},
		"somebody's Stop":                {late, stop, all, nil},
		"somebody's Stop while starting": {"+b", stop, early, nil},
		"again and again":                {late, twice, all, nil},
		"again, while starting":          {"+b", twice, early, nil},
		"while stopping":                 {"-b", twice, all, nil},
		"when nothing has started":       {"+a", cancel, "+a +a!", nil},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var d diary
				app := service.NewTree("app", d.part("a"), d.part("b"))
				f := task.Loop().Go(app.Run)
				d.on = map[string]func(){c.when: func() { c.end(app, f) }}
				if c.when == "-b" {
					d.on["+b."] = func() { app.Quit(nil) }
				}
				says(t, mustEnd(t, task, f), c.want...)
				until(t, task, "all tasks have ended", func() bool { return len(task.Loop().Tasks()) == 1 })
				d.want(t, c.did)
				if app.Running() {
					t.Error("it is running")
				}
			})
		})
	}
}

// A part that fails ends its tree and those around it, with its name, once.
func TestFailingPartEndsTheTree(t *testing.T) {
	for name, c := range map[string]struct{ when, did string }{
		"later":          {"+b.", "+a +a. +b +b. -b -b. -a -a."},
		"while starting": {"+b", "+a +a. +b +b! -a -a."},
		"while stopping": {"-b", "+a +a. +b +b. -b -b. -a -a."},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var now corolla.Event
				bad := service.NewTask("bad", func(t *corolla.Task, ready func()) error {
					ready()
					return errors.Join(now.Wait(t), errLuck)
				})
				var d diary
				app := service.NewTree("app", d.part("a"), service.NewTree("inner", bad, d.part("b")))
				d.on = map[string]func(){c.when: now.Set}
				if c.when == "-b" {
					d.on["+b."] = func() { app.Quit(nil) }
				}
				says(t, mustEnd(t, task, task.Loop().Go(app.Run)), "run app/inner/bad: bad luck")
				d.want(t, c.did)
			})
		})
	}
}

// A part whose Stop does not come to an end is canceled, and then left behind; the others are stopped all
// the same, also in the trees around it, and the error has its name.
func TestStopHasALimit(t *testing.T) {
	late := func(err error) bool { e := (*corolla.TimeoutError)(nil); return errors.As(err, &e) }
	for name, c := range map[string]struct {
		stop func(t *corolla.Task, free *corolla.Event) error
		want func(err error) bool
		left bool
	}{
		"it waits": {func(t *corolla.Task, free *corolla.Event) error { return free.Wait(t) }, late, false},
		"it waits on and on": {func(t *corolla.Task, free *corolla.Event) error {
			for free.Wait(t) != nil {
			}
			return nil
		}, late, false},
		"it will not end": {func(t *corolla.Task, free *corolla.Event) error {
			return t.Shielded(func(*corolla.Scope) error { return errors.Join(free.Wait(t), errLuck) })
		}, func(err error) bool { return errors.Is(err, service.ErrStuck) }, true},
	} {
		for _, inner := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, inner %v", name, inner), func(t *testing.T) {
				eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
					var d diary
					var free corolla.Event
					bad, part := service.Service(service.New("bad", nil, func(t *corolla.Task) error { return c.stop(t, &free) })), "app/bad"
					if inner {
						bad, part = service.NewTree("inner", d.part("c"), bad), "app/inner/bad"
					}
					quick := service.New("quick", nil, func(*corolla.Task) error { d.note("quick"); return nil })
					app := service.NewTree("app", quick, bad, d.part("b"))
					app.StopTimeout = 20 * time.Millisecond
					if err := app.Start(task); err != nil {
						t.Fatal(err)
					}
					err := app.Stop(task)
					if notes := d.String(); !strings.HasSuffix(notes, "quick") || !strings.Contains(notes, "-b.") || inner != strings.Contains(notes, "-c") {
						t.Errorf("what happened: %s", notes)
					}
					var e *service.Error
					if !errors.As(err, &e) || e.Op != "stop" || e.Service != part || !c.want(e.Err) {
						t.Errorf("Stop: %v", err)
					}
					free.Set()
					until(t, task, "what was left behind ends", func() bool { return !c.left || len(*log) == 1 })
					if c.left {
						says(t, (*log)[0], "stop "+part+": bad luck")
					}
					*log = nil
				})
			})
		}
	}
}

// What would wait for itself is told so, and a tree that is part of two is a mistake.
func TestMisuseOfTrees(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var u *service.Unit
		u = service.New("u", nil, func(t *corolla.Task) error { return u.Stop(t) })
		if err := u.Start(task); err != nil {
			t.Fatal(err)
		}
		says(t, u.Stop(task), "stop u: service: Stop within Stop would wait for itself")
		inner := service.NewTree("inner")
		service.NewTree("one", inner)
		defer func() {
			if v := recover(); v == nil {
				t.Error("a tree is part of two")
			}
		}()
		service.NewTree("two", inner)
	})
}

// A loop that is closed while a tree runs ends everything, and nothing waits for ever.
func TestLoopIsClosedUnderATree(t *testing.T) {
	for name, part := range map[string]func(d *diary) service.Service{
		"waiting": func(d *diary) service.Service { return d.part("a") },
		"hanging": func(*diary) service.Service {
			return service.New("a", nil, func(t *corolla.Task) error {
				return t.Shielded(func(*corolla.Scope) error { return t.Park("nothing") })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := sim.New(1).NewLoop(corolla.ErrorHandler(func(error) {}))
			var d diary
			app := service.NewTree("app", part(&d), service.NewTree("inner", part(&d)))
			end, ended := error(nil), false
			l.Go(func(t *corolla.Task) error { end = app.Run(t); ended = true; return end })
			l.After(time.Second, l.Stop)
			if err := errors.Join(l.RunForever(), l.Close()); err != nil {
				t.Error(err)
			}
			if !ended || !errors.Is(end, corolla.ErrLoopClosed) || app.Running() {
				t.Errorf("Run has ended: %v, with %v; running: %v", ended, end, app.Running())
			}
		})
	}
}

// Nothing is started any more once the tree is to end, even if the part that starts then does not hear of it.
func TestTreeThatEndsWhileStarting(t *testing.T) {
	type run = *corolla.Future[struct{}]
	for name, c := range map[string]struct {
		end  func(app *service.Tree, f run)
		want []string
	}{
		"Quit":          {func(app *service.Tree, _ run) { app.Quit(nil) }, nil},
		"with an error": {func(app *service.Tree, _ run) { app.Quit(errLuck) }, []string{"run app: bad luck"}},
		"cancel":        {func(_ *service.Tree, f run) { f.Cancel(nil) }, nil},
	} {
		for _, last := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, last %v", name, last), func(t *testing.T) {
				eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
					var d diary
					note := func(n string) func(*corolla.Task) error {
						return func(*corolla.Task) error { d.note("%s", n); return nil }
					}
					parts := []service.Service{service.New("a", note("+a"), note("-a")), service.New("b", note("+b"), note("-b"))}
					if last {
						parts = parts[:1]
					}
					app := service.NewTree("app", parts...)
					f := task.Loop().Go(app.Run)
					d.on = map[string]func(){"+a": func() { c.end(app, f) }}
					says(t, mustEnd(t, task, f), c.want...)
					d.want(t, "+a -a")
				})
			})
		}
	}
}
