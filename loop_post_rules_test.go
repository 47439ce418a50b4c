package corolla_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/corolla-go/corolla"
)

// Rule 31 of Twisted's: what other goroutines post keeps its order, also beside what others post; a turn runs
// only what was posted before it began; and a panic is reported and keeps nothing else from running.
func TestTwistedRule31Post(t *testing.T) {
	for name, c := range map[string]struct {
		posts  func(l *corolla.Loop, tr *trace) // on another goroutine
		want   string
		panics int
	}{
		"order": {func(l *corolla.Loop, tr *trace) {
			for i := range 5 {
				mustPost(l, func() { tr.add("%d", i) })
			}
		}, "0 1 2 3 4", 0},
		"the next turn": {func(l *corolla.Loop, tr *trace) {
			mustPost(l, func() {
				tr.add("a")
				mustPost(l, func() { tr.add("posted") })
				l.Soon(func() { tr.add("soon") })
			})
			mustPost(l, func() { tr.add("b") })
		}, "a b soon posted", 0},
		"a panic": {func(l *corolla.Loop, tr *trace) {
			mustPost(l, func() { tr.add("a") })
			mustPost(l, func() { panic("oops") })
			mustPost(l, func() { panic(errors.New("oops")) })
			mustPost(l, func() { tr.add("b") })
		}, "a b", 2},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
				tr, posted := new(trace), make(chan struct{})
				run(t, l, func(task *corolla.Task) error {
					go func() {
						defer close(posted)
						c.posts(l, tr)
					}()
					<-posted // so that all of it is there when the next turn begins
					for range 5 {
						if err := task.Yield(); err != nil {
							return err
						}
					}
					return nil
				})
				tr.want(t, c.want)
				if len(log.errs) != c.panics {
					t.Errorf("reported: %v", log.errs)
				}
				for _, err := range log.errs {
					if p := (*corolla.PanicError)(nil); !errors.As(err, &p) || fmt.Sprint(p.Value) != "oops" {
						t.Errorf("reported: %v", err)
					}
				}
				log.errs = nil
			})
		})
	}
}

func mustPost(l *corolla.Loop, f func()) {
	if err := l.Post(f); err != nil {
		panic(err)
	}
}
