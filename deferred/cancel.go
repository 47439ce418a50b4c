package deferred

import (
	"time"

	"github.com/corolla-go/corolla"
)

// Cancel says that nobody wants the result any more, and reports whether there was anything to cancel.
// A Deferred that waits for another passes it on to that one. One that was not fired has its canceler
// called, with the cause, which may be nil, and if that has not fired it fails with a
// *corolla.CanceledError of that cause. Without a canceler the maker does not know, so the one result
// that it may still give is dropped, and not refused. When callbacks have run, Cancel does nothing.
//
// A panic of the canceler comes out of Cancel, and d is as it was before.
func (d *Deferred[T]) Cancel(cause error) bool {
	d.loop.Check("Deferred.Cancel")
	var n node = d
	for in := n.waiting(); in != nil; in = n.waiting() {
		n = in
	}
	return n.cancel(cause)
}

func (d *Deferred[T]) cancel(cause error) bool {
	switch {
	case d.called:
		return false
	case d.canceler != nil:
		d.canceler(d, cause)
	default:
		d.swallow = true
	}
	if !d.called && !d.patient {
		d.raised("Cancel", "")
		var zero T
		d.fire(zero, &corolla.CanceledError{Cause: cause})
	}
	return true
}

// AddTimeout cancels d unless the callbacks added so far have run when the time is up; those added
// later have all the time that they want. If that ends in a *corolla.CanceledError, it becomes a
// *corolla.TimeoutError. Another error, or a value from the canceler, is passed on. It returns d.
func (d *Deferred[T]) AddTimeout(after time.Duration) *Deferred[T] {
	d.loop.Check("Deferred.AddTimeout")
	if d.settled() {
		return d
	}
	up := false
	timer := d.loop.After(after, func() {
		up = true
		d.Cancel(nil)
	})
	return d.AddBoth(func(v T, err error) (T, error) {
		timer.Stop()
		if up && corolla.IsOnly(err, corolla.ErrCanceled) {
			err = &corolla.TimeoutError{After: after, Err: err}
		}
		return v, err
	})
}
