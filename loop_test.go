package corolla_test

import (
	"bytes"
	"errors"
	"log"
	"os"
	"strings"
	"sync/atomic"
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

func TestReadyThenEventsThenTimers(t *testing.T) { // asyncio rules 2 and 3
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		a, b := socketPair(t, l)
		l.After(0, func() { tr.add("timer") })
		if _, err := a.TryWrite([]byte("x")); err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error { // until the byte has arrived
			return b.WaitReadable(task)
		})
		tr.Reset()
		l.After(0, func() { tr.add("timer") })
		b.OnReadable(func() { tr.add("event"); b.OnReadable(nil) })
		l.Soon(func() { tr.add("soon"); l.Stop() })
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "event soon timer")
		closeAll(t, a, b)
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
		l.Soon(func() { panic("first") })
		l.Soon(func() { tr.add("second") })
		l.After(0, func() { panic(errors.New("third")) })
		l.After(0, func() { tr.add("fourth"); l.Stop() })
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "second fourth")
		if len(log.errs) != 2 {
			t.Fatalf("handler got %v, want two panics", log.errs)
		}
		var p *corolla.PanicError
		if !errors.As(log.errs[0], &p) || p.Value != "first" || !strings.Contains(string(p.Stack), "loop_test.go") {
			t.Errorf("handler got %#v, want the first panic with its stack", log.errs[0])
		}
		if !strings.Contains(log.errs[0].Error(), "loop_test.go") {
			t.Errorf("%q does not say where the callback is", log.errs[0])
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

func TestTimersWithOneDeadlineRunInOrder(t *testing.T) { // differences 1
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		when := l.Now() + time.Millisecond
		for i := range 8 {
			l.At(when, func() { tr.add("%d", i) })
		}
		l.At(when, l.Stop)
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "0 1 2 3 4 5 6 7")
	})
}

func TestTimerReset(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		timer := l.After(time.Millisecond, func() { tr.add("late"); l.Stop() })
		l.After(2*time.Millisecond, func() { tr.add("middle") })
		if !timer.Reset(4 * time.Millisecond) {
			t.Error("Reset of an active timer is true")
		}
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "middle late")
		if timer.Active() || timer.Reset(0) || !timer.Active() {
			t.Error("Reset of a timer that ran is false, and sets it")
		}
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "late")
	})
}

func TestPostFromOtherGoroutines(t *testing.T) {
	l, err := corolla.New()
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
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

func TestStopFromAnotherGoroutineEndsAWait(t *testing.T) {
	l, err := corolla.New()
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
	defer l.Close()
	for range 1000 {
		go l.Stop()
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMisuseOfTheLoop(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(*corolla.Task) error {
			for name, err := range map[string]error{
				"Run":        l.Run(func(*corolla.Task) error { return nil }),
				"RunForever": l.RunForever(),
				"Close":      l.Close(),
			} {
				if !errors.Is(err, corolla.ErrLoopRunning) {
					t.Errorf("%s of a running loop: %v, want ErrLoopRunning", name, err)
				}
			}
			return nil
		})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"Run":        l.Run(func(*corolla.Task) error { return nil }),
			"RunForever": l.RunForever(),
			"Close":      l.Close(),
			"Post":       l.Post(func() {}),
		} {
			if !errors.Is(err, corolla.ErrLoopClosed) {
				t.Errorf("%s of a closed loop: %v, want ErrLoopClosed", name, err)
			}
		}
		if _, err := l.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Listen on a closed loop: %v", err)
		}
		if text := panicText(t, func() { l.Soon(func() {}) }); !strings.Contains(text, "closed loop") {
			t.Errorf("Soon on a closed loop panicked with %q", text)
		}
		if text := panicText(t, func() { l.After(0, func() {}) }); !strings.Contains(text, "closed loop") {
			t.Errorf("After on a closed loop panicked with %q", text)
		}
		f := l.Go(func(*corolla.Task) error { return nil })
		if _, err := f.Result(); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("Go on a closed loop: %v", err)
		}
	})
}

func TestDebugModeRefusesForeignGoroutines(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.Debug())
		defer l.Close()
		run(t, l, func(task *corolla.Task) error {
			l.Soon(func() {}) // the loop's own coroutine may
			var text atomic.Value
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { text.Store(recover()) }()
				l.Soon(func() {})
			}()
			<-done
			if got, _ := text.Load().(string); !strings.Contains(got, "use Post") {
				t.Errorf("Soon from a foreign goroutine: %q", got)
			}
			return task.Yield()
		})
	})
}

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
		if !strings.Contains(slow.Where, "loop_test.go:") || debug != strings.Contains(slow.Where, "registered at") {
			t.Errorf("debug %v: report says %q", debug, slow.Where)
		}
		if !strings.Contains(reports.errs[1].Error(), `task "main" of `) {
			t.Errorf("second report is %q, want the task", reports.errs[1])
		}
	}
}

func TestOffload(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			v, err := corolla.Offload(l, func() (int, error) { return 7, nil }).Await(task)
			if v != 7 || err != nil {
				t.Errorf("Await = %d, %v, want 7", v, err)
			}
			_, err = corolla.Offload(l, func() (int, error) { panic("job") }).Await(task)
			var p *corolla.PanicError
			if !errors.As(err, &p) || p.Value != "job" || !strings.Contains(p.Where, "loop_test.go") {
				t.Errorf("a job that panics: %v", err)
			}
			return nil
		})
	})
}

func TestOffloadLimitsHowManyRun(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(2))
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
	defer l.Close()
	var now, most atomic.Int32
	gate := make(chan struct{})
	run(t, l, func(task *corolla.Task) error {
		var futures []*corolla.Future[int]
		for i := range 10 {
			futures = append(futures, corolla.Offload(l, func() (int, error) {
				for n := now.Add(1); ; {
					m := most.Load()
					if n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				<-gate
				now.Add(-1)
				return i, nil
			}))
		}
		close(gate)
		for i, f := range futures {
			if v, err := f.Await(task); v != i || err != nil {
				t.Errorf("job %d: %v, %v", i, v, err)
			}
		}
		return nil
	})
	if most.Load() > 2 {
		t.Errorf("%d jobs ran at once, want at most 2", most.Load())
	}
}

func TestSimulatedDeadlockSaysWhoWaitsForWhat(t *testing.T) { // differences 14
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	err := l.Run(func(task *corolla.Task) error { return task.Park("Godot") })
	var d *corolla.DeadlockError
	if !errors.As(err, &d) || len(d.Tasks) != 1 || d.Tasks[0].On != "Godot" || d.Tasks[0].Name != "main" {
		t.Fatalf("Run = %v, want a deadlock of main on Godot", err)
	}
	if !strings.Contains(err.Error(), `task "main"`) || !strings.Contains(err.Error(), "Godot") {
		t.Errorf("%q does not say who waits for what", err)
	}
}
