package asyncio

import (
	"fmt"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
)

// joined is what a group has to say of its errors.
func joined(err error) string { return strings.ReplaceAll(err.Error(), "\n", ", ") }

func groupError(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		fails := func(t *corolla.Task, name string, d time.Duration) error {
			if err := t.Sleep(d); err != nil {
				r.Say("%s: %s", name, word(err))
				return err
			}
			return fmt.Errorf("%s is bad", name)
		}
		err := t.Group(func(g *corolla.Group) error {
			g.Go(func(t *corolla.Task) error { return fails(t, "a", 10*ms) })
			g.Go(func(t *corolla.Task) error { return fails(t, "b", 20*ms) })
			return fails(t, "body", 30*ms)
		})
		r.Say("group: %s", joined(err))
		r.Say("asked to stop: %s", yes(t.Err() != nil))
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}

func groupErrors(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		fails := func(name string, d time.Duration) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				_ = t.Sleep(d)
				r.Say("%s fails", name)
				return fmt.Errorf("%s is bad", name)
			}
		}
		err := t.Group(func(g *corolla.Group) error {
			g.Go(fails("a", 10*ms))
			g.Go(fails("b", 20*ms))
			return nil
		})
		r.Say("group: %s", joined(err))
		return nil
	})
}

func groupChildCanceled(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		sleep := func(name string, d time.Duration) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				if err := t.Sleep(d); err != nil {
					return err
				}
				r.Say("%s ends", name)
				return nil
			}
		}
		var a *corolla.Future[struct{}]
		err := t.Group(func(g *corolla.Group) error {
			a = g.Go(sleep("a", 20*ms))
			g.Go(sleep("b", 30*ms))
			err := t.Sleep(10 * ms)
			a.Cancel(nil)
			return err
		})
		r.Say("a: %s", outcome(a.Await(t)))
		r.Say("group: %s", word(err))
		return nil
	})
}

func groupLateTask(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		var group *corolla.Group
		attempt := func(what string) {
			_, err := group.Go(func(*corolla.Task) error { r.Say("never"); return nil }).Result()
			r.Say("%s: %s", what, refused(err))
		}
		err := t.Group(func(g *corolla.Group) error {
			group = g
			g.Go(func(t *corolla.Task) error {
				if err := t.Sleep(10 * ms); err != nil {
					return err
				}
				return errBad
			})
			err := t.Sleep(10_000 * ms)
			attempt("while aborting")
			return err
		})
		r.Say("group: %s", joined(err))
		attempt("when over")
		return nil
	})
}

func groupGrows(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		err := t.Group(func(g *corolla.Group) error {
			var child func(n int) func(t *corolla.Task) error
			child = func(n int) func(t *corolla.Task) error {
				return func(t *corolla.Task) error {
					err := t.Sleep(10 * ms)
					r.Say("child %d ends", n)
					if n < 3 {
						g.Go(child(n + 1))
					}
					return err
				}
			}
			g.Go(child(1))
			r.Say("body ends")
			return nil
		})
		r.Say("group ends")
		return err
	})
}

func groupParentCanceled(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		child := func(name string, d time.Duration) func(t *corolla.Task) error {
			return func(t *corolla.Task) error {
				defer t.Shielded(func(*corolla.Scope) error {
					err := t.Sleep(d)
					r.Say("%s ends", name)
					return err
				})
				return t.Sleep(10_000 * ms)
			}
		}
		parent := t.Loop().Go(func(t *corolla.Task) error {
			err := t.Group(func(g *corolla.Group) error {
				g.Go(child("a", 20*ms))
				g.Go(child("b", 10*ms))
				return nil
			})
			if err == nil {
				r.Say("never")
			}
			return err
		})
		_ = t.Sleep(10 * ms)
		parent.Cancel(nil)
		r.Say("parent: %s", outcome(parent.Await(t)))
		return nil
	})
}
