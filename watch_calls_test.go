package corolla_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// A Watch calls once a turn, also in the first turn after one that was cut short, which finds the
// descriptor ready a second time.
func TestWatchCallsOnceInATurn(t *testing.T) {
	l, err := corolla.New(corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
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
	watch, err := l.Watch(r.Fd(), corolla.Readable, func() { calls++ })
	if err != nil {
		t.Fatal(err)
	}
	l.Soon(runtime.Goexit) // ends the goroutine of the loop ahead of the call
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = l.RunForever() // does not return
	}()
	<-over
	if calls != 0 {
		t.Fatal("called ahead of what was made ready before")
	}
	for turn := 1; turn <= 3; turn++ {
		l.Stop()
		mustRunForever(t, l)
		if calls != turn {
			t.Fatalf("%d calls in %d turns", calls, turn)
		}
	}
	l.Soon(func() { // ahead of the call in this turn
		if err := watch.Stop(); err != nil {
			t.Error(err)
		}
	})
	l.Stop()
	mustRunForever(t, l)
	if calls != 3 {
		t.Error("called after Stop")
	}
	again, err := l.Watch(r.Fd(), corolla.Readable, func() {}) // it is free again
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Stop(); err != nil {
		t.Error(err)
	}
}
