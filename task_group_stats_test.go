package corolla_test

import (
	"testing"

	"github.com/corolla-go/corolla"
)

func TestGroupStats(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			return task.Group(func(g *corolla.Group) error {
				check := func(when string, want corolla.GroupStats) {
					t.Helper()
					if s := g.Stats(); s != want {
						t.Errorf("%s: %+v, want %+v", when, s, want)
					}
				}
				check("at first", corolla.GroupStats{})
				g.SetLimit(2)
				var gate corolla.Event
				children := make([]*corolla.Future[struct{}], 5)
				for i := range children {
					children[i] = g.Go(gate.Wait)
				}
				check("at its limit", corolla.GroupStats{Limit: 2, Running: 2, Waiting: 3})
				children[4].Cancel(nil)
				check("when one that waited is canceled", corolla.GroupStats{Limit: 2, Running: 2, Waiting: 2})
				g.SetLimit(3)
				check("when there is more room", corolla.GroupStats{Limit: 3, Running: 3, Waiting: 1})
				gate.Set()
				for _, f := range children[:4] {
					if _, err := f.Await(task); err != nil {
						return err
					}
				}
				check("when all have ended", corolla.GroupStats{Limit: 3})
				return nil
			})
		})
	})
}
