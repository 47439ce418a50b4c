package corolla_test

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestWatchCallsWhileADescriptorIsReady(t *testing.T) {
	l, err := corolla.New()
	if err != nil {
		leaktest.NeedLoop(t, err)
	}
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
	if _, err := l.Watch(fd, corolla.Readable, func() {}); err == nil {
		t.Error("a descriptor was watched twice")
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
	file, err := os.Open("watch_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := l.Watch(file.Fd(), corolla.Readable, func() {}); err == nil || !strings.HasPrefix(err.Error(), "corolla: watch descriptor ") {
		t.Errorf("watching a plain file: %v", err)
	}
}

func TestSignalsReachTheLoop(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	var got []os.Signal
	stop := l.OnSignal(func(sig os.Signal) { got = append(got, sig); l.Stop() }, os.Interrupt)
	w.Signal(os.Kill) // not asked for
	w.Signal(os.Interrupt)
	mustRunForever(t, l)
	w.Signal(os.Interrupt)
	l.Soon(stop) // runs ahead of the signal, which has arrived by then
	l.After(ms, l.Stop)
	mustRunForever(t, l)
	if !slices.Equal(got, []os.Signal{os.Interrupt}) {
		t.Errorf("got %v", got)
	}
}

func TestWaitForSignals(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		s := l.Signals(os.Interrupt, os.Kill)
		defer s.Stop()
		l.After(ms, func() { w.Signal(os.Interrupt) })
		if sig, err := s.Wait(task); sig != os.Interrupt || err != nil || l.Now() < ms {
			t.Errorf("Wait = %v, %v at %v", sig, err, l.Now())
		}
		for _, sig := range []os.Signal{os.Kill, os.Interrupt, os.Kill} { // before anybody waits
			w.Signal(sig)
		}
		if err := task.Sleep(ms); err != nil {
			return err
		}
		for _, want := range []os.Signal{os.Kill, os.Interrupt} {
			if sig, err := s.Wait(task); sig != want || err != nil {
				t.Errorf("Wait = %v, %v, want %v", sig, err, want)
			}
		}
		err := task.Timeout(ms, func(*corolla.Scope) error { _, err := s.Wait(task); return err })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("with none left: %v", err)
		}
		w.Signal(os.Interrupt)
		l.After(ms, s.Stop)
		if err := task.Sleep(2 * ms); err != nil {
			return err
		}
		w.Signal(os.Kill) // not caught any more
		if sig, err := s.Wait(task); sig != os.Interrupt || err != nil {
			t.Errorf("what had come before Stop: %v, %v", sig, err)
		}
		if _, err := s.Wait(task); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Stop: %v", err)
		}
		again := l.Signals(os.Interrupt)
		waiting := l.Go(func(task *corolla.Task) error { _, err := again.Wait(task); return err })
		l.After(ms, again.Stop)
		if _, err := waiting.Await(task); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a task that waits when it is stopped: %v", err)
		}
		return nil
	})
}

func TestSignalCancelsTheMainTask(t *testing.T) { // asyncio rule 50
	w := sim.New(1)
	l := w.NewLoop(corolla.CancelOnSignal(os.Interrupt))
	defer l.Close()
	var tr trace
	err := l.Run(func(task *corolla.Task) error {
		defer tr.add("cleaned up")
		l.After(ms, func() { w.Signal(os.Interrupt) })
		l.After(2*ms, func() { w.Signal(os.Interrupt) }) // has its usual effect, which here is none
		err := forever(task)
		if e := task.Shielded(func(*corolla.Scope) error { return task.Sleep(5 * ms) }); e != nil {
			t.Errorf("cleanup: %v", e)
		}
		return err
	})
	var sig *corolla.SignalError
	if !errors.As(err, &sig) || sig.Signal != os.Interrupt || !errors.Is(err, corolla.ErrCanceled) {
		t.Errorf("Run = %v", err)
	}
	tr.want(t, "cleaned up")
}

func TestLoopHoldsItsTasks(t *testing.T) { // differences 2
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ended := false
		run(t, l, func(task *corolla.Task) error {
			var gate corolla.Event
			l.Go(func(task *corolla.Task) error { err := gate.Wait(task); ended = true; return err }) // nobody refers to it
			if err := task.Yield(); err != nil {
				return err
			}
			runtime.GC()
			runtime.GC()
			gate.Set()
			return turns(task, 2)
		})
		if !ended {
			t.Error("a task that nobody refers to has vanished")
		}
	})
}
