package deferred_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

// TestRule19PhaseIsKept: a turn that takes 2.5 intervals makes one call late, and the others come when
// they would have come.
func TestRule19PhaseIsKept(t *testing.T) {
	w := sim.New(1)
	e := &env{T: t, Loop: w.NewLoop(corolla.SlowLimit(time.Hour))}
	defer e.Close()
	if err := e.Loop.Run(func(task *corolla.Task) error {
		begin := e.Now()
		call := deferred.NewLoopingCall(e.Loop, func(n int) error {
			e.say("%v/%d", e.Now()-begin, n)
			return nil
		})
		call.Start(time.Second)
		for _, d := range []time.Duration{500, 500, 2500, 500, 1000} { // milliseconds
			if d == 2500 {
				w.Spend(d * ms)
				if err := task.Yield(); err != nil {
					return err
				}
			} else if err := task.Sleep(d * ms); err != nil {
				return err
			}
		}
		if err := task.Yield(); err != nil {
			return err
		}
		call.Stop()
		return nil
	}); err != nil {
		t.Error(err)
	}
	e.want("0s/1 1s/1 3.5s/2 4s/1 5s/1")
}

// TestRule20WaitsForItsOwnDeferred, and leaves out, and counts, what would have come meanwhile.
func TestRule20WaitsForItsOwnDeferred(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		last, calls := -1, 0
		begin := e.Now()
		var call *deferred.LoopingCall
		call = deferred.NewLoopingChain(e.Loop, func(n int) *ints {
			tick := int((e.Now() - begin) / (10 * ms))
			if tick-last != n {
				e.Errorf("interval %d after %d, and the count is %d", tick, last, n)
			}
			last = tick
			if calls++; calls == 3 {
				call.Stop()
			}
			return deferred.Later(e.Loop, 25*ms, func() (int, error) { e.say("ended"); return 1, nil })
		})
		d := call.Start(10 * ms).AddCallback(func(v struct{}) (struct{}, error) { e.say("over"); return v, nil })
		panics(e, func() { call.Start(ms) })
		if _, err := d.Await(task); err != nil || last < 6 || call.Running() || call.Stop() {
			e.Errorf("%v; the last interval is %d", err, last)
		}
		e.want("ended ended ended over")
	})
}

func TestRule20ErrorEndsTheCalls(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		n := 0
		body := func(int) error {
			if n++; n == 3 {
				return errBad
			}
			return nil
		}
		call := deferred.NewLoopingCall(e.Loop, body)
		if _, err := call.Start(ms, deferred.NotNow).Await(task); err != errBad || n != 3 || call.Running() {
			e.Errorf("%v after %d calls", err, n)
		}
		if _, err := deferred.NewLoopingCall(e.Loop, func(int) error { panic(errBad) }).Start(0).Result(); !errors.Is(err, errBad) {
			e.Errorf("a panic ends it with %v", err)
		}
	})
}

func TestLoopingCallThatKeepsGoing(t *testing.T) {
	eachLoop(t, func(e *env) {
		if err := e.Loop.Run(func(task *corolla.Task) error {
			var call *deferred.LoopingCall
			n := 0
			call = deferred.NewLoopingCall(e.Loop, func(int) error {
				if n++; n == 4 {
					call.Stop()
					return nil
				}
				return errBad
			})
			_, err := call.Start(0, deferred.KeepGoing, deferred.NotNow).Await(task)
			return err
		}); err != nil {
			e.Error(err)
		}
		e.unhandled("bad", "bad", "bad")
	})
}

func TestLoopingCallIsCanceledAndStartedAgain(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		call := deferred.NewLoopingChain(e.Loop, func(int) *ints {
			return deferred.NewCancelable(e.Loop, func(*ints, error) { e.say("body") })
		})
		d := call.Start(ms)
		d.Cancel(errBad)
		if _, err := d.Result(); !errors.Is(err, corolla.ErrCanceled) || call.Running() {
			e.Errorf("canceled in a call: %v", err)
		}
		e.want("body")
		d = call.Start(time.Hour, deferred.NotNow)
		call.Reset()
		d.Cancel(errBad)
		if _, err := d.Result(); !errors.Is(err, errBad) || e.Stats().Timers != 0 {
			e.Errorf("canceled between calls: %v; %d timers", err, e.Stats().Timers)
		}
		var over *deferred.Deferred[struct{}]
		self := deferred.NewLoopingCall(e.Loop, func(int) error { over.Cancel(errBad); return nil })
		over = self.Start(0, deferred.NotNow)
		if _, err := over.Await(task); !errors.Is(err, errBad) {
			e.Errorf("canceled by its body: %v", err)
		}
		panics(e, func() { call.Start(-1) })
	})
}

func TestLoopingCallReset(t *testing.T) {
	eachTask(t, func(e *env, task *corolla.Task) {
		var calls []time.Duration
		call := deferred.NewLoopingCall(e.Loop, func(int) error { calls = append(calls, e.Now()); return nil })
		call.Reset() // does nothing yet
		call.Start(20 * ms)
		_ = task.Sleep(15 * ms)         // nobody cancels this task
		reset, n := e.Now(), len(calls) // on a busy machine there may be more than one
		call.Reset()
		for len(calls) == n {
			_ = task.Sleep(ms)
		}
		if call.Stop(); calls[n] < reset+20*ms {
			e.Errorf("called %v after Reset", calls[n]-reset)
		}
	})
}

// A series that was stopped, but whose call has not ended, is canceled by its own Deferred, with the cause, and has
// no effect on the one that has begun since.
func TestLoopingCallStartedAgainBeforeACallHasEnded(t *testing.T) {
	eachLoop(t, func(e *env) {
		var calls []*ints
		c := deferred.NewLoopingChain(e.Loop, func(int) *ints {
			d := deferred.NewCancelable(e.Loop, func(_ *ints, cause error) { e.say("canceled:%v", cause) })
			calls = append(calls, d)
			return d
		})
		first := c.Start(time.Hour)
		c.Stop()
		second := c.Start(time.Hour)
		if !first.Cancel(errBad) || !c.Running() || len(calls) != 2 || calls[1].Called() {
			e.Errorf("%d calls; the second is running: %v", len(calls), c.Running())
		}
		e.want("canceled:bad")
		var cancel *corolla.CanceledError
		if _, err := first.Result(); !errors.As(err, &cancel) || cancel.Cause != errBad {
			e.Errorf("the first ends with %v", err)
		}
		c.Stop()
		_ = calls[1].Callback(1)
		if _, err := second.Result(); err != nil {
			e.Errorf("the second ends with %v", err)
		}
	})
}

// The error of a call whose series somebody else has ended, by firing its Deferred, is not lost.
func TestErrorBehindTheEndOfALoopingCall(t *testing.T) {
	eachLoop(t, func(e *env) {
		call := deferred.New[int](e.Loop)
		c := deferred.NewLoopingChain(e.Loop, func(int) *ints { return call })
		if err := c.Start(time.Hour).Callback(struct{}{}); err != nil {
			e.Error(err)
		}
		_ = call.Errback(errBad)
		if c.Running() {
			e.Error("it is running")
		}
		e.unhandled("bad")
	})
}

// Reset while a call has not ended does nothing: the next one comes when it would have come, and not before that
// call has ended.
func TestResetWithinACall(t *testing.T) {
	e := &env{T: t, Loop: sim.New(1).NewLoop(corolla.SlowLimit(time.Hour))}
	defer e.Close()
	if err := e.Loop.Run(func(task *corolla.Task) error {
		begin := e.Now()
		call := deferred.New[int](e.Loop)
		c := deferred.NewLoopingChain(e.Loop, func(n int) *ints {
			e.say("%v/%d", e.Now()-begin, n)
			return call
		})
		c.Start(time.Second)
		sleep := func(d time.Duration) {
			if err := task.Sleep(d * ms); err != nil {
				t.Error(err)
			}
		}
		sleep(300)
		c.Reset()
		sleep(1400)
		e.want("0s/1")
		_ = call.Callback(1)
		sleep(400)
		e.want("2s/2")
		c.Reset() // at 2.1 s: this call has ended
		sleep(1100)
		e.want("3.1s/1")
		c.Stop()
		return nil
	}); err != nil {
		t.Error(err)
	}
}
