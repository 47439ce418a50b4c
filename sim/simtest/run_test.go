package simtest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim/simtest"
)

// failing explores one run, and returns what is reported.
func failing(t *testing.T, body func(r *simtest.Run) error) string {
	with(t, "sim.trace="+t.TempDir())
	w := &witness{TB: t}
	simtest.Explore(w, 1, body)
	return w.failed
}

func TestSupervisedProgramsStartAgain(t *testing.T) {
	simtest.Explore(t, 1, func(r *simtest.Run) error {
		var starts []time.Duration
		p := r.Supervise("server", func(t *corolla.Task) error {
			if starts = append(starts, r.Now()); len(starts) < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		if err := r.RunUntil(p.Done, time.Minute); err != nil {
			return err
		}
		r.Always(len(starts) == 3 && starts[1] == time.Second && starts[2] == 2*time.Second, "a second lies between two starts")
		return p.Err()
	})
}

func TestPanicsOfPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		call func()
		want string
	}{
		"panic": {func() { panic("out of it") }, "no panics, but: panic in"},
		"none":  {func() {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := failing(t, func(r *simtest.Run) error {
				r.Supervise("server", func(t *corolla.Task) error {
					t.Loop().Soon(c.call)
					t.Loop().Go(func(*corolla.Task) error { return errors.New("a connection was lost") })
					return t.Sleep(time.Second)
				})
				return r.World.Run()
			})
			if (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
				t.Errorf("reported: %s", got)
			}
		})
	}
}

func TestSettleSeesWhatIsLeft(t *testing.T) {
	for open, want := range map[int]string{1: "", 0: "1 descriptors are open in the end, not 0"} {
		got := failing(t, func(r *simtest.Run) error {
			r.Supervise("server", func(t *corolla.Task) error {
				if _, err := aio.Listen(t.Loop(), "tcp", ":7"); err != nil {
					return err
				}
				return t.Sleep(time.Hour)
			})
			return r.Settle(open)
		})
		if (got != "") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%d: reported: %s", open, got)
		}
	}
}
