package corolla_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// The callback of a Watch is one like those of sockets: a report says what it is and who made it, and
// a panic does not end the watch.
func TestWatchWhoseCallbackPanics(t *testing.T) {
	var log errorLog
	l, err := corolla.New(corolla.ErrorHandler(log.add), corolla.Debug(), corolla.SlowLimit(time.Hour))
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	calls := 0
	watch, err := l.Watch(r.Fd(), corolla.Readable, func() {
		if calls++; calls < 3 {
			panic("not yet")
		}
		l.Stop()
	})
	if err != nil {
		t.Fatal(err)
	}
	mustRunForever(t, l)
	if calls != 3 || len(log.errs) != 2 {
		t.Errorf("%d calls, reported: %v", calls, log.errs)
	}
	for _, err := range log.errs {
		var p *corolla.PanicError
		if !errors.As(err, &p) {
			t.Errorf("reported: %v", err)
			continue
		}
		what, where, _ := strings.Cut(p.Where, " registered at ")
		if !strings.HasPrefix(what, "I/O callback corolla_test.TestWatchWhose") || !strings.Contains(where, "/socket_watch_ready_test.go:") {
			t.Errorf("reported: %v", err)
		}
	}
	if err := errors.Join(watch.Stop(), watch.Stop()); err != nil {
		t.Error(err)
	}
	w.Close()
	l.Soon(func() { l.Soon(l.Stop) })
	mustRunForever(t, l)
	if calls != 3 {
		t.Error("called after Stop")
	}
}
