package deferred

// The steps that hold a user's function. Each is a type for one form of function; which one the result
// is not for passes it on.

type callback[T any] func(T) (T, error)

func (f callback[T]) Apply(d *Deferred[T]) node {
	if d.err == nil {
		if d.value, d.err = f(d.value); d.err != nil {
			d.failed(f, nil)
		}
	}
	return nil
}

type errback[T any] func(error) (T, error)

func (f errback[T]) Apply(d *Deferred[T]) node {
	if before := d.err; before != nil {
		if d.value, d.err = f(before); d.err != nil {
			d.failed(f, before)
		}
	}
	return nil
}

type both[T any] func(T, error) (T, error)

func (f both[T]) Apply(d *Deferred[T]) node {
	before := d.err
	if d.value, d.err = f(d.value, before); d.err != nil {
		d.failed(f, before)
	}
	return nil
}

type pair[T any] struct {
	callback callback[T]
	errback  errback[T]
}

func (p *pair[T]) Apply(d *Deferred[T]) node {
	if d.err != nil {
		return p.errback.Apply(d)
	}
	return p.callback.Apply(d)
}

type chainCallback[T any] func(T) *Deferred[T]

func (f chainCallback[T]) Apply(d *Deferred[T]) node {
	if d.err == nil {
		d.wait(f(d.value))
	}
	return nil
}

type chainErrback[T any] func(error) *Deferred[T]

func (f chainErrback[T]) Apply(d *Deferred[T]) node {
	if d.err != nil {
		d.wait(f(d.err))
	}
	return nil
}

type chainBoth[T any] func(T, error) *Deferred[T]

func (f chainBoth[T]) Apply(d *Deferred[T]) node {
	d.wait(f(d.value, d.err))
	return nil
}

// call is the step of a Deferred that only holds the place of what a function is going to return.
type call[T any] func() (T, error)

func (f call[T]) Apply(d *Deferred[T]) node {
	if d.err == nil {
		if d.value, d.err = f(); d.err != nil {
			d.failed(f, nil)
		}
	}
	return nil
}
