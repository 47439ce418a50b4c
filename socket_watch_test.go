package corolla_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestWatchCallsWhileADescriptorIsReady(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := r.Fd()
	var got []byte
	watch, err := l.Watch(fd, corolla.Readable, func() { // one byte a call: it is called again
		b := make([]byte, 1)
		n, err := r.Read(b)
		if err != nil {
			t.Error(err)
		}
		if got = append(got, b[:n]...); len(got) == 3 {
			l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Watch(fd, corolla.Readable, func() {}); err == nil || !strings.Contains(err.Error(), "it belongs to a Socket or another Watch") {
		t.Errorf("a descriptor that is watched already: %v", err)
	}
	if _, err := w.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	mustRunForever(t, l)
	if string(got) != "abc" {
		t.Errorf("read %q", got)
	}
	if _, err := w.WriteString("d"); err != nil {
		t.Fatal(err)
	}
	l.Soon(func() { // a callback that is due does not run once it is stopped
		if err := errors.Join(watch.Stop(), watch.Stop()); err != nil {
			t.Error(err)
		}
		l.Soon(l.Stop)
	})
	mustRunForever(t, l)
	if string(got) != "abc" {
		t.Errorf("called after Stop: %q", got)
	}
	for _, fd := range []uintptr{^uintptr(0), 1 << 31, 1 << 30} { // the first is what a closed file has
		if w, err := l.Watch(fd, corolla.Readable, func() {}); w != nil || !errors.Is(err, syscall.EBADF) {
			t.Errorf("Watch(%#x): %v, %v", fd, w, err)
		}
	}
	file, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := l.Watch(file.Fd(), corolla.Readable, func() {}); !errors.Is(err, syscall.EPERM) || !strings.HasPrefix(err.Error(), "corolla: watch descriptor ") {
		t.Errorf("watching a plain file: %v", err)
	}
}

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
		if !strings.HasPrefix(what, "I/O callback corolla_test.TestWatchWhose") || !strings.Contains(where, "/socket_watch_test.go:") {
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
