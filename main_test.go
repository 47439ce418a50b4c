package corolla_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// errorLog collects what reaches an error handler.
type errorLog struct{ errs []error }

func (e *errorLog) add(err error) { e.errs = append(e.errs, err) }

// onHosts calls f with a way to make loops, once for the real host and once for a
// simulated one.
func onHosts(t *testing.T, f func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		f(t, func(opts ...corolla.Option) *corolla.Loop {
			l, err := corolla.New(opts...)
			leaktest.NeedLoop(t, err)
			return l
		})
	})
	t.Run("sim", func(t *testing.T) {
		f(t, func(opts ...corolla.Option) *corolla.Loop {
			w := sim.New(1)
			t.Cleanup(func() {
				if n := w.Open(); n != 0 {
					t.Errorf("%d simulated descriptors left open", n)
				}
			})
			return w.NewLoop(opts...)
		})
	})
}

// eachHost runs f with a loop on every host. What reaches the error handler fails
// the test, unless f takes it from the log.
func eachHost(t *testing.T, f func(t *testing.T, l *corolla.Loop, log *errorLog)) {
	t.Helper()
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		log := new(errorLog)
		// A slow machine must not fail tests: those of SlowLimit set it themselves.
		l := newLoop(corolla.ErrorHandler(log.add), corolla.SlowLimit(time.Hour))
		f(t, l, log)
		leaktest.Loop(t, l)
		if err := l.Close(); err != nil && !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Close: %v", err)
		}
		for _, err := range log.errs {
			t.Errorf("reached the error handler: %v", err)
		}
	})
}

// run runs main on l and fails the test on an error.
func run(t *testing.T, l *corolla.Loop, main func(t *corolla.Task) error) {
	t.Helper()
	if err := l.Run(main); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

// trace collects words in the order in which things happen.
type trace struct{ bytes.Buffer }

func (tr *trace) add(format string, args ...any) {
	if tr.Len() > 0 {
		tr.WriteByte(' ')
	}
	fmt.Fprintf(tr, format, args...)
}

func (tr *trace) want(t *testing.T, want string) {
	t.Helper()
	if got := tr.String(); got != want {
		t.Errorf("order:\n got %s\nwant %s", got, want)
	}
	tr.Reset()
}

// thisFile returns the name of the file that calls it, as places in reports end with it.
func thisFile() string {
	_, file, _, _ := runtime.Caller(1)
	return filepath.Base(file)
}

// panicText returns what f panics with, or fails the test.
func panicText(t *testing.T, f func()) (text string) {
	t.Helper()
	defer func() {
		v := recover()
		if v == nil {
			t.Error("did not panic")
			return
		}
		text = strings.TrimSpace(fmt.Sprint(v))
	}()
	f()
	return ""
}

// turns yields n times.
func turns(task *corolla.Task, n int) error {
	for range n {
		if err := task.Yield(); err != nil {
			return err
		}
	}
	return nil
}

// forever is a body that waits until it is canceled.
func forever(task *corolla.Task) error { return task.Park("the end of time") }

const ms = time.Millisecond

func mustRunForever(t *testing.T, l *corolla.Loop) {
	t.Helper()
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
}
