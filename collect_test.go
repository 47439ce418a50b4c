package corolla_test

import (
	"errors"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/corolla-go/corolla"
)

// A loop that nobody uses any more is collected, also if it leads to a failure that nobody has
// looked at: from a timer, say, that will never run.
func TestClosedLoopThatHoldsAFailureIsCollected(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		dropped := func() weak.Pointer[corolla.Loop] {
			l := newLoop(corolla.ErrorHandler(func(error) {}))
			f := corolla.NewFuture[int](l)
			l.After(time.Hour, func() { t.Error(f.Result()) })
			_ = f.Fail(errors.New("nobody looks"))
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			return weak.Make(l)
		}()
		for range 100 {
			if runtime.GC(); dropped.Value() == nil {
				return
			}
		}
		t.Error("the loop is kept")
	})
}
