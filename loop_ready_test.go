package corolla_test

import (
	"bytes"
	"errors"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestSoonRunsInOrderInTheNextTurn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		l.Soon(func() {
			tr.add("a")
			l.Soon(func() { tr.add("c"); l.Stop() })
		})
		l.Soon(func() { tr.add("b") })
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "a b c")
	})
}

func TestBatchIsFixedBeforeItRuns(t *testing.T) { // asyncio rule 1
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		turns := 0
		l.Soon(func() {
			l.Soon(func() { turns++ })
			l.Stop()
		})
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if turns != 0 {
			t.Error("a callback that was added during a batch ran in it")
		}
		l.Stop() // before RunForever: exactly one turn
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if turns != 1 {
			t.Errorf("leftovers ran %d times in the next run, want 1", turns)
		}
	})
}

func TestCanceledCallbackDoesNotRun(t *testing.T) { // asyncio rule 4
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		var soon corolla.Handle
		var timer *corolla.Timer
		l.Soon(func() {
			if !soon.Cancel() || soon.Cancel() {
				t.Error("Cancel must be true once, then false")
			}
		})
		soon = l.Soon(func() { tr.add("soon") })
		first := l.After(0, func() {
			if !timer.Stop() || timer.Stop() {
				t.Error("Stop must be true once, then false")
			}
		})
		timer = l.After(0, func() { tr.add("timer") })
		ran := l.Soon(func() {})
		l.After(time.Millisecond, l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "")
		if ran.Cancel() || first.Stop() {
			t.Error("what has run cannot be canceled")
		}
		if (corolla.Handle{}).Cancel() {
			t.Error("the zero Handle cancels nothing")
		}
	})
}

func TestPanicGoesToTheHandlerAndTheBatchGoesOn(t *testing.T) { // asyncio rule 5
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		third := errors.New("third")
		l.Soon(func() { panic("first") })
		l.Soon(func() { tr.add("second") })
		l.After(0, func() { panic(third) })
		l.After(0, func() { tr.add("fourth"); l.Stop() })
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "second fourth")
		if len(log.errs) != 2 {
			t.Fatalf("handler got %v, want two panics", log.errs)
		}
		var p *corolla.PanicError
		if !errors.As(log.errs[0], &p) || p.Value != "first" || !strings.Contains(string(p.Stack), thisFile()) {
			t.Errorf("handler got %v, want the first panic with its stack", log.errs[0])
		}
		if !strings.Contains(log.errs[0].Error(), thisFile()+":") {
			t.Errorf("%q does not say where the callback is", log.errs[0])
		}
		if !errors.As(log.errs[1], &p) || p.Value != any(third) || !strings.HasPrefix(p.Where, "timer callback ") {
			t.Errorf("handler got %v, want the panic of the timer", log.errs[1])
		}
		log.errs = nil
	})
}

func TestPanickingHandlerIsSurvived(t *testing.T) {
	w := sim.New(1)
	calls := 0
	l := w.NewLoop(corolla.ErrorHandler(func(error) { calls++; panic("handler") }))
	defer l.Close()
	var printed bytes.Buffer // by the default handler
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	l.Soon(func() { panic("callback") })
	l.Soon(l.Stop)
	if err := l.RunForever(); err != nil || calls != 1 {
		t.Errorf("RunForever = %v after %d calls of the handler, want nil after 1", err, calls)
	}
	if text := printed.String(); !strings.Contains(text, "handler panicked: handler") || !strings.Contains(text, "callback") {
		t.Errorf("printed %q", text)
	}
}

func TestCrashPolicyLetsPanicsOut(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		for name, start := range map[string]func(*corolla.Loop){
			"callback": func(l *corolla.Loop) { l.Soon(func() { panic("boom") }) },
			"task":     func(l *corolla.Loop) { l.Go(func(*corolla.Task) error { panic("boom") }) },
		} {
			l := newLoop(corolla.ErrorPolicy(corolla.Crash), corolla.ErrorHandler(func(error) {}))
			start(l)
			text := panicText(t, func() { _ = l.RunForever() })
			if !strings.Contains(text, "boom") {
				t.Errorf("%s: Run panicked with %q", name, text)
			}
			if err := l.Close(); err != nil {
				t.Errorf("%s: Close after a crash: %v", name, err)
			}
		}
	})
}

func TestCrashLetsOutTheFirstOfTwoPanics(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		var log errorLog
		l := newLoop(corolla.ErrorPolicy(corolla.Crash), corolla.ErrorHandler(log.add), corolla.SlowLimit(0))
		defer l.Close()
		l.Soon(func() { panic("first") })
		l.Soon(func() { panic("second") })
		if text := panicText(t, func() { _ = l.RunForever() }); !strings.HasSuffix(text, "first") {
			t.Errorf("Run panicked with %q", text)
		}
		if len(log.errs) != 1 || !strings.HasSuffix(log.errs[0].Error(), "second") {
			t.Errorf("the handler got %v", log.errs)
		}
	})
}

func TestPostFromOtherGoroutines(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	const goroutines, each = 4, 1000
	var next [goroutines]int
	done := 0
	for g := range goroutines {
		go func() {
			for i := range each {
				_ = l.Post(func() {
					if next[g] != i {
						t.Errorf("goroutine %d: post %d ran as number %d", g, i, next[g])
					}
					if next[g]++; next[g] == each {
						if done++; done == goroutines {
							l.Stop()
						}
					}
				})
			}
		}()
	}
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
}

func TestPostWakesASimulatedLoop(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	w.Outside(func() { _ = l.Post(l.Stop) })
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
}

// What is posted on the loop runs in the order in which it came, what it posts itself one turn later,
// and a panic of one is no concern of the others.
func TestWhatIsPostedOnTheLoopRunsInOrder(t *testing.T) { // twisted rule 31
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		var tr trace
		post := func(f func()) {
			if err := l.Post(f); err != nil {
				t.Error(err)
			}
		}
		run(t, l, func(task *corolla.Task) error {
			post(func() {
				tr.add("a")
				post(func() { tr.add("later") })
				l.Soon(func() { tr.add("the next turn:") })
			})
			post(func() { tr.add("b"); panic("of a posted function") })
			post(func() { tr.add("c") })
			return turns(task, 3)
		})
		tr.want(t, "a b c the next turn: later")
		if len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "of a posted function") {
			t.Errorf("reported: %v", log.errs)
		}
		log.errs = nil
	})
}
