// Package leaktest fails a test program that leaves goroutines, coroutines or
// descriptors behind.
package leaktest

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
)

// Main runs the tests and exits with their status, or with 1 if something leaked. A coroutine is a
// goroutine too, so one count covers both.
func Main(m *testing.M) {
	fds := descriptors()
	code := m.Run()
	if code == 0 && !benchmarking() {
		if leaks := leaked(fds); leaks != "" {
			fmt.Fprintln(os.Stderr, "leaktest: left behind after the tests:\n"+leaks)
			code = 1
		}
	}
	os.Exit(code)
}

// Loop fails a test that leaves something behind on a loop that it has not closed: tasks, timers,
// sockets, waits, callbacks. The loop must not be running.
func Loop(t testing.TB, l *corolla.Loop) {
	t.Helper()
	s := l.Stats()
	s.Jobs = 0 // they end by themselves
	if s != (corolla.LoopStats{}) && !s.Closed {
		t.Errorf("left behind on the loop: %+v", s)
	}
}

// Close is Loop, and then closes the loop.
func Close(t testing.TB, l *corolla.Loop) {
	t.Helper()
	Loop(t, l)
	if err := l.Close(); err != nil && !errors.Is(err, corolla.ErrLoopClosed) {
		t.Errorf("Close: %v", err)
	}
}

// leaked waits, by yielding, for goroutines that are about to end.
func leaked(fdsBefore int) string {
	for range 10_000 {
		runtime.Gosched()
		if runtime.NumGoroutine() <= background() {
			break
		}
	}
	var b strings.Builder
	if n := runtime.NumGoroutine(); n > background() {
		fmt.Fprintf(&b, "%d goroutines\n", n)
		_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a strings.Builder never fails
	}
	runtime.GC()
	if n := descriptors(); n > fdsBefore+2 { // Go's own netpoller has two, once it is used
		fmt.Fprintf(&b, "%d descriptors, %d before\n%s", n, fdsBefore, names())
	}
	return b.String()
}

var abandoned int

// Abandon allows for n goroutines that a test leaves behind on purpose.
func Abandon(n int) { abandoned += n }

// background counts the goroutines that Go itself starts and never ends: the test
// program's own, and one that os/signal starts when it is first used.
func background() int {
	n := 1 + abandoned
	buf := make([]byte, 1<<20)
	all := string(buf[:runtime.Stack(buf, true)])
	for _, own := range []string{"os/signal.signal_recv", "os/signal.loop"} {
		if strings.Contains(all, own) {
			return n + 1
		}
	}
	return n
}

func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // no such directory on this system: nothing to compare
	}
	return len(entries)
}

func names() string {
	var b strings.Builder
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		to, _ := os.Readlink("/proc/self/fd/" + e.Name()) // one closed meanwhile has no name
		fmt.Fprintf(&b, "\t%s -> %s\n", e.Name(), to)
	}
	return b.String()
}

func benchmarking() bool {
	for _, a := range os.Args {
		if strings.HasPrefix(a, "-test.bench=") || strings.HasPrefix(a, "-test.fuzz") {
			return true
		}
	}
	return false
}

// NeedLoop skips a test on a system that has no event loop, and fails it if making one failed for
// any other reason.
func NeedLoop(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("no event loop on %s; the simulated one is tested", runtime.GOOS)
	}
	if err != nil {
		t.Fatal(err)
	}
}
