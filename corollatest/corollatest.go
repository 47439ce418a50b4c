// Package corollatest is for tests of programs on Corolla: it fails those that leave something behind.
//
//	func TestMain(m *testing.M) { corollatest.Main(m) }
//
// What a test leaves behind disturbs those that come after it, and in a server that runs for months it is a leak. Package
// transporttest has connections for tests of protocols, and package sim a machine for tests of whole programs.
package corollatest

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
)

// Main runs the tests of a package, for its TestMain, and ends the process: with their status, or with 1, and a
// list on standard error, if they have succeeded and left goroutines, coroutines of tasks and generators, or descriptors
// behind. The tasks of a loop that was not closed are among them, and with a real loop its descriptors. Goroutines
// that are about to end are waited for, not for long. Benchmarks and fuzzing are not checked, nor are descriptors on
// systems without /proc.
func Main(m *testing.M) {
	fds := descriptors()
	code := m.Run()
	if code == 0 && !benchmarking() {
		if leaks := leaked(fds); leaks != "" {
			fmt.Fprintln(os.Stderr, "corollatest: left behind after the tests:\n"+leaks)
			code = 1
		}
	}
	os.Exit(code)
}

var abandoned atomic.Int64

// Abandon has Main allow for n goroutines that a test leaves behind on purpose, or because a library starts them and
// never ends them. Safe from any goroutine.
func Abandon(n int) { abandoned.Add(int64(n)) }

// Loop fails a test that leaves something behind on a loop that it has not closed: tasks, timers, sockets, waits,
// callbacks. Jobs of Offload are not counted, since they end by themselves. The loop must not be running.
func Loop(t testing.TB, l *corolla.Loop) {
	t.Helper()
	s := l.Stats()
	s.Jobs = 0
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
	for i := range 10_000 {
		runtime.Gosched()
		if n := runtime.NumGoroutine(); n == 1 || i%500 == 0 && n <= background() { // which stops all others
			break
		}
	}
	var b strings.Builder
	if n := runtime.NumGoroutine() - background(); n > 0 {
		fmt.Fprintf(&b, "%d goroutines, of which %d are coroutines, of tasks or generators\n", n, coroutines())
		_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a strings.Builder never fails
	}
	runtime.GC()
	if n := descriptors(); n > fdsBefore+2 { // Go's own netpoller has two, once it is used
		fmt.Fprintf(&b, "%d descriptors, %d before\n%s", n, fdsBefore, names())
	}
	return b.String()
}

// coroutines counts the goroutines that are coroutines.
func coroutines() int { return strings.Count(stacks(), " [coroutine") }

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// background counts the goroutines that Go itself starts and never ends: the test
// program's own, and one that os/signal starts when it is first used.
func background() int {
	n, all := 1+int(abandoned.Load()), stacks()
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
