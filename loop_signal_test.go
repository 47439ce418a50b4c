package corolla_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

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
		l.After(ms, func() {
			if got, want := s.Stats(), (corolla.SignalsStats{Waiting: 1}); got != want {
				t.Errorf("while a task waits: %+v, want %+v", got, want)
			}
			w.Signal(os.Interrupt)
		})
		if sig, err := s.Wait(task); sig != os.Interrupt || err != nil || l.Now() < ms {
			t.Errorf("Wait = %v, %v at %v", sig, err, l.Now())
		}
		for _, sig := range []os.Signal{os.Kill, os.Interrupt, os.Kill} { // before anybody waits
			w.Signal(sig)
		}
		if err := task.Sleep(ms); err != nil {
			return err
		}
		if got, want := s.Stats(), (corolla.SignalsStats{Pending: 2}); got != want {
			t.Errorf("with two that nobody took: %+v, want %+v", got, want)
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

func TestSignalsCanBeStoppedTwice(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		stop := l.OnSignal(func(os.Signal) {}, os.Interrupt)
		another := l.OnSignal(func(os.Signal) {}, os.Interrupt)
		stop()
		stop()
		if n := l.Stats().OnClose; n != 1 {
			t.Errorf("%d callbacks for the loop's end, want that of the other", n)
		}
		another()
	})
}
