package corolla_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
)

var loopRules = []rule{
	{1, "a callback added during a turn runs in the next, after another poll", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b) // so that b's callback is ready as soon as it is set
		var tr trace
		b.OnReadable(func() { tr.add("event"); b.OnReadable(nil) })
		l.Soon(func() {
			tr.add("first")
			l.Soon(func() { tr.add("added"); l.Stop() })
		})
		l.Soon(func() { tr.add("second") })
		mustRunForever(t, l)
		tr.want(t, "event first second added")
	}},
	{2, "already ready, then events, then due timers", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		// A byte on a Unix socket has arrived when it was written; on a simulated one it
		// takes its time, and the callback below tries until it is fast enough.
		a, b := socketPairOn(t, l, "unix", filepath.Join(t.TempDir(), "s"))
		defer closeAll(t, a, b)
		var tr trace
		read := false
		b.OnReadable(func() {
			_, _ = b.TryRead(make([]byte, 1))
			tr.add("event")
			l.Stop()
		})
		var turn func()
		turn = func() {
			if read {
				return
			}
			tr.Reset()
			tr.add("soon")
			l.After(0, func() { tr.add("timer") })
			l.Soon(turn)
		}
		l.Soon(func() {
			if _, err := a.TryWrite([]byte("x")); err != nil {
				t.Error(err)
			}
			l.After(0, func() { tr.add("timer") })
			l.Soon(turn)
		})
		mustRunForever(t, l)
		tr.want(t, "soon event timer")
		for read = true; l.Stats().Timers > 0; { // what turn has set
			l.Stop()
			mustRunForever(t, l)
		}
	}},
	{3, "a timer for now that was set before a Soon runs after it", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		l.After(0, func() { tr.add("timer"); l.Stop() })
		l.Soon(func() { tr.add("soon") })
		mustRunForever(t, l)
		tr.want(t, "soon timer")
	}},
	{4, "a callback canceled by an earlier one of its batch does not run", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		var h corolla.Handle
		l.Soon(func() { tr.add("a"); h.Cancel() })
		h = l.Soon(func() { tr.add("canceled") })
		l.Soon(func() { tr.add("b"); l.Stop() })
		mustRunForever(t, l)
		tr.want(t, "a b")
	}},
	{5, "a callback that panics does not stop the rest of its batch", func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		l.Soon(func() { panic("boom") })
		l.Soon(func() { tr.add("rest"); l.Stop() })
		mustRunForever(t, l)
		tr.want(t, "rest")
		if len(log.errs) != 1 {
			t.Errorf("the handler got %v", log.errs)
		}
		log.errs = nil
	}},
	{6, "the poll does not wait when anything is ready or the loop is stopping", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		late := l.After(time.Hour, func() { t.Error("waited for an hour") })
		defer late.Stop()
		l.Soon(func() {
			l.Soon(l.Stop)
		})
		mustRunForever(t, l)
		l.Stop()
		mustRunForever(t, l)
	}},
	{7, "a reader that is ready but has not run does not run once removed or replaced", func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b)
		var tr trace
		l.Soon(func() { b.OnReadable(func() { tr.add("new"); b.OnReadable(nil); l.Stop() }) })
		b.OnReadable(func() { tr.add("old") })
		mustRunForever(t, l)
		tr.want(t, "new")
	}},
}
