package service_test

import (
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
)

// Start and Stop by several tasks, in every state. Each step is a task of its own that begins while those
// before it wait, unless it says that it is alone.
func TestStartAndStopInEveryState(t *testing.T) {
	type step struct {
		start, alone bool
		want         error // of this step, in the end
	}
	const start, stop, alone = true, false, true
	for name, c := range map[string]struct {
		steps   []step
		running bool
		did     string
	}{
		"stop before start":    {[]step{{stop, alone, nil}}, false, ""},
		"start, stop":          {[]step{{start, alone, nil}, {stop, alone, nil}}, false, "+a +a. -a -a."},
		"start twice":          {[]step{{start, alone, nil}, {start, alone, service.ErrStarted}}, true, "+a +a."},
		"start while starting": {[]step{{start, false, nil}, {start, alone, service.ErrStarted}}, true, "+a +a."},
		"stop twice":           {[]step{{start, alone, nil}, {stop, alone, nil}, {stop, alone, nil}}, false, "+a +a. -a -a."},
		"stop while stopping":  {[]step{{start, alone, nil}, {stop, false, nil}, {stop, false, nil}}, false, "+a +a. -a -a."},
		"stop while starting":  {[]step{{start, false, service.ErrStopped}, {stop, false, nil}}, false, "+a +a!"},
		"start after stop":     {[]step{{start, alone, nil}, {stop, alone, nil}, {start, alone, nil}}, true, "+a +a. -a -a. +a +a."},
		"start while stopping": {[]step{{start, alone, nil}, {stop, false, nil}, {start, false, nil}}, true, "+a +a. -a -a. +a +a."},
		"two starts, stopping": {[]step{{start, alone, nil}, {stop, false, nil}, {start, false, nil}, {start, false, service.ErrStarted}}, true, "+a +a. -a -a. +a +a."},
		"stop of a start's wait": {[]step{
			{start, alone, nil}, {stop, false, nil}, {start, false, service.ErrStopped}, {stop, false, nil},
		}, false, "+a +a. -a -a."},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				var d diary
				u := d.part("a")
				var all []*corolla.Future[struct{}]
				for _, s := range c.steps {
					call := u.Stop
					if s.start {
						call = u.Start
					}
					f := started(task, call)
					if all = append(all, f); s.alone {
						_ = mustEnd(t, task, f)
					}
				}
				for i, f := range all {
					if err := mustEnd(t, task, f); !errors.Is(err, c.steps[i].want) {
						t.Errorf("step %d: %v, want %v", i, err, c.steps[i].want)
					}
				}
				if u.Running() != c.running {
					t.Errorf("running: %v, want %v", u.Running(), c.running)
				}
				d.want(t, c.did)
			})
		})
	}
}
