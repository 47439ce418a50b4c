package corolla_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

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
		tr.want(t, "timer")
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

func TestStopFromAnotherGoroutineEndsAWait(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
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

func TestStopEndsARunThatWaitsForItsTasks(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		defer l.Close() // with what is left on it
		var shielded *corolla.Future[struct{}]
		run(t, l, func(task *corolla.Task) error {
			shielded = l.Go(func(task *corolla.Task) error {
				return task.Shielded(func(*corolla.Scope) error { return task.Sleep(time.Hour) })
			}, corolla.Eager())
			l.After(ms, l.Stop)
			return nil
		})
		if shielded.Done() {
			t.Error("Run has waited for a task although it was stopped")
		}
	})
}

func TestTaskStartedWhileRunEndsIsCanceledToo(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var late *corolla.Future[struct{}]
		run(t, l, func(*corolla.Task) error {
			l.Go(func(task *corolla.Task) error {
				err := forever(task)
				late = l.Go(func(*corolla.Task) error { t.Error("it ran"); return nil })
				return err
			}, corolla.Eager())
			return nil
		})
		if !late.Canceled() {
			t.Error("a task that was started while Run ends is not canceled")
		}
	})
}

func TestLoopIsStoppedAndRunAgain(t *testing.T) { // twisted rule 30, as differences 6 and 26 have it
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		l.OnClose(func() { tr.add("trigger") })
		for range 2 {
			l.Soon(func() {
				l.Stop()
				l.Stop() // which is stopping too
				tr.add("stopped")
			})
			mustRunForever(t, l)
			tr.add("returned")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		tr.want(t, "stopped returned stopped returned trigger")
		if err := l.RunForever(); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("run after Close: %v", err)
		}
	})
}
