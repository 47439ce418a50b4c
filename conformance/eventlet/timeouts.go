package eventlet

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

func timeoutNotCaught(r run) error {
	stubborn := func() error {
		for {
			func() {
				defer func() { // what recovers from errors in general lets this one through
					if v := recover(); v != nil {
						if corolla.IsUnwinding(v) {
							panic(v)
						}
						r.Say("never")
					}
				}()
				r.Sleep(time.Second)
			}()
		}
	}
	r.Say("%s", result(nil, r.Timeout(10*ms, stubborn)))
	th := r.Go(stubborn)
	r.Sleep(10 * ms)
	th.Kill(nil)
	r.Say("wait: %s", outcome(th))
	return nil
}

func timeoutForms(r run) error {
	r.Sleep(10 * ms) // without a limit there is nothing to write
	r.Say("no limit")
	err := r.MoveOn(10*ms, func() error {
		r.Sleep(time.Second)
		r.Say("never")
		return nil
	})
	r.Say("silent")
	if r.Timeout(10*ms, func() error { r.Sleep(time.Second); return nil }) != nil {
		r.Say("Boom") // an error of one's own is put in the place of the timeout's
	}
	return err
}

func timeoutNested(r run) error {
	inner := errors.New("inner")
	err := r.Timeout(10*ms, func() error {
		err := r.MoveOn(50*ms, func() error {
			defer r.Say("inner ends")
			r.Sleep(time.Second)
			return inner
		})
		r.Say("never")
		return err
	})
	r.Say("outer: %s", python(err != nil && !errors.Is(err, inner)))
	long := func() (string, error) {
		r.Sleep(time.Second)
		return "", nil
	}
	v, err := green.WithTimeout(r.Hub, 10*ms, "in place", long)
	r.Say("%s", result(v, err))
	err = r.Timeout(10*ms, func() error {
		v, err := green.WithTimeout(r.Hub, 50*ms, "never", long)
		r.Say("%s", v)
		return err
	})
	if result(nil, err) == "timeout" {
		r.Say("outer again")
	}
	return nil
}

func timeoutNeedsAWait(r run) error {
	_ = r.MoveOn(0, func() error {
		sum := 0
		for i := range 100 {
			sum += i
		}
		r.Say("sum %d", sum)
		return nil
	})
	r.Say("finished")
	_ = r.MoveOn(0, func() error {
		r.Sleep(0)
		r.Say("never")
		return nil
	})
	r.Say("struck")
	return nil
}

func timeoutLeavesTarget(r run) error {
	th := green.Go(r.Hub, func() (int, error) {
		r.Sleep(20 * ms)
		r.Say("work done")
		return 3, nil
	})
	if r.Timeout(10*ms, th.Join) != nil {
		r.Say("gave up")
	}
	r.Say("result %s", outcome(th))
	return nil
}
