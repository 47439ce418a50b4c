package green_test

import (
	"errors"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

var timeoutRules = []rule{
	{25, "no check for errors, and no recover, holds up a timeout or a kill", func(e *env) error {
		err := e.Timeout(time.Millisecond, func() error {
			for {
				func() {
					defer func() {
						if v := recover(); v != nil && !corolla.IsUnwinding(v) {
							e.Errorf("recovered %v", v)
						} else if v != nil {
							panic(v) // as who recovers from others' panics does
						}
					}()
					e.Sleep(time.Hour)
				}()
				e.Error("it went on")
			}
		})
		var late *corolla.TimeoutError
		if !errors.As(err, &late) || late.After != time.Millisecond || !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Timeout = %v", err)
		}
		return nil
	}},
	{26, "the clock runs from the start; a timeout moves, goes away, and is silent where it is asked to be", func(e *env) error {
		late := func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
		begin := e.Loop().Now()
		if err := e.Timeout(time.Millisecond, e.forever); !late(err) || e.Loop().Now() < begin+time.Millisecond {
			e.Errorf("Timeout = %v", err)
		}
		if err := e.Timeout(time.Millisecond, func() error {
			e.Task().Scope().SetTimeout(20 * time.Millisecond)
			e.Sleep(2 * time.Millisecond)
			e.add("moved")
			return e.forever()
		}); !late(err) {
			e.Errorf("a Timeout that was moved: %v", err)
		}
		if err := e.Timeout(time.Millisecond, func() error {
			e.Task().Scope().SetDeadline(-1)
			e.Sleep(2 * time.Millisecond)
			e.add("never")
			return errBad
		}); err != errBad {
			e.Errorf("a Timeout that was taken away: %v", err)
		}
		e.want("moved never")
		if err := e.MoveOn(time.Millisecond, e.forever); err != nil {
			e.Errorf("MoveOn = %v", err)
		}
		if err := e.MoveOn(time.Hour, func() error { return errBad }); err != errBad {
			e.Errorf("MoveOn = %v", err)
		}
		if err := e.MoveOn(0, func() (err error) {
			defer func() { err = errors.Join(err, errBad) }()
			return e.Task().Sleep(time.Hour)
		}); err != errBad {
			e.Errorf("MoveOn whose cleanup fails = %v", err)
		}
		return nil
	}},
	{27, "an outer timeout passes through silent ones; WithTimeout has its value for its own time only", func(e *env) error {
		err := e.Timeout(time.Millisecond, func() error {
			err := e.MoveOn(time.Hour, func() error {
				_, err := green.WithTimeout(e.Hub, time.Hour, 7, func() (int, error) { return 0, e.forever() })
				e.Errorf("the inner timeout ends with %v", err)
				return err
			})
			e.Errorf("the silent timeout ends with %v", err)
			return nil
		})
		var late *corolla.TimeoutError
		if !errors.As(err, &late) || late.After != time.Millisecond {
			e.Errorf("Timeout = %v", err)
		}
		if v, err := green.WithTimeout(e.Hub, time.Millisecond, 7, func() (int, error) { return 0, e.forever() }); v != 7 || err != nil {
			e.Errorf("WithTimeout = %d, %v", v, err)
		}
		inner := func() (int, error) { return 0, e.Timeout(time.Millisecond, e.forever) }
		if v, err := green.WithTimeout(e.Hub, time.Hour, 7, inner); v != 0 || !errors.As(err, &late) {
			e.Errorf("WithTimeout around another = %d, %v", v, err)
		}
		if err := e.MoveOn(time.Hour, func() error { return e.Timeout(0, e.forever) }); !errors.As(err, &late) {
			e.Errorf("MoveOn around a Timeout = %v", err)
		}
		return nil
	}},
	{28, "a timeout ends nothing that does not wait; one of 0 comes before a wait", func(e *env) error {
		if v, err := green.WithTimeout(e.Hub, 0, 7, func() (int, error) { return 1, nil }); v != 1 || err != nil {
			e.Errorf("WithTimeout = %d, %v", v, err)
		}
		err := e.Timeout(0, func() error {
			e.Sleep(0)
			e.Error("it waited")
			return nil
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Timeout = %v", err)
		}
		return nil
	}},
	{29, "a timeout on a wait leaves alone what is waited for", func(e *env) error {
		th := green.Go(e.Hub, func() (int, error) { e.Sleep(5 * time.Millisecond); return 7, nil })
		other := green.Go(e.Hub, th.Wait)
		wait := func() error { _, err := th.Wait(); return err }
		if err := e.Timeout(time.Millisecond, wait); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Timeout = %v", err)
		}
		v, err := th.Wait()
		v2, err2 := other.Wait()
		if v != 7 || v2 != 7 {
			e.Errorf("waited for %d and %d", v, v2)
		}
		ev := green.NewEvent[int](e.Hub)
		if err := e.Timeout(0, func() error { _, err := ev.Wait(); return err }); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Timeout = %v", err)
		}
		if ev.Ready() {
			e.Error("a timeout has ended an event")
		}
		begin, done := make(chan struct{}), make(chan struct{})
		job := func() (int, error) {
			if !e.Loop().Simulated() { // where nothing may block
				<-begin
			}
			close(done)
			return 1, nil
		}
		if err := e.Timeout(0, func() error { _, err := green.Offload(e.Hub, job); return err }); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Timeout = %v", err)
		}
		close(begin)
		if e.Loop().Simulated() {
			e.Sleep(time.Minute) // so that it has run
		}
		<-done
		return errors.Join(err, err2)
	}},
}
