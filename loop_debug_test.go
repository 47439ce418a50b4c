package corolla_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

func TestSlowCallbackIsReportedWithItsPlace(t *testing.T) {
	for _, debug := range []bool{false, true} {
		var reports errorLog
		w := sim.New(1)
		opts := []corolla.Option{corolla.ErrorHandler(reports.add)}
		if debug {
			opts = append(opts, corolla.Debug())
		}
		l := w.NewLoop(opts...)
		l.Soon(func() { w.Spend(99 * time.Millisecond) })
		l.Soon(func() { w.Spend(101 * time.Millisecond) })
		run(t, l, func(task *corolla.Task) error { w.Spend(time.Second); return nil })
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if len(reports.errs) != 2 {
			t.Fatalf("handler got %v, want two reports", reports.errs)
		}
		var slow *corolla.SlowError
		if !errors.As(reports.errs[0], &slow) || slow.Took != 101*time.Millisecond || slow.Limit != 100*time.Millisecond {
			t.Errorf("handler got %v, want 101ms of 100ms", reports.errs[0])
		}
		if !strings.Contains(slow.Where, thisFile()+":") || debug != strings.Contains(slow.Where, "registered at") {
			t.Errorf("debug %v: report says %q", debug, slow.Where)
		}
		if !strings.Contains(reports.errs[1].Error(), `task "main" of `) {
			t.Errorf("second report is %q, want the task", reports.errs[1])
		}
	}
}
