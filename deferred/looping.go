package deferred

import (
	"time"

	"github.com/corolla-go/corolla"
)

// LoopingOption changes what a LoopingCall does. Options are added with |.
type LoopingOption uint8

const (
	// NotNow makes the first call come after one interval, and not at once (now=False).
	NotNow LoopingOption = 1 << iota
	// KeepGoing makes the calls go on after an error, which goes to the loop's error handler.
	KeepGoing
)

// LoopingCall calls a function at regular intervals (LoopingCall). The times of the calls are whole
// numbers of intervals after the start: a call that comes late, or takes long, shifts no other, and
// times that are past are left out, and counted.
type LoopingCall struct {
	loop *corolla.Loop
	body func(n int) *Deferred[struct{}]
	now  *series // nil if there are no calls
}

// series is what one Start has begun.
type series struct {
	call     *LoopingCall
	over     *Deferred[struct{}]
	interval time.Duration
	begin    time.Duration // the time from which intervals are counted
	last     time.Duration // the number of intervals that were over at the last call
	timer    *corolla.Timer
	current  *Deferred[struct{}] // what the body has returned, until it has its result
	busy     bool                // a call has not ended
	again    bool                // there are more calls after an error
	canceled error
}

// NewLoopingCall returns a LoopingCall of a function, which gets the number of intervals since its last
// call (withCount): 1, unless some were left out.
func NewLoopingCall(l *corolla.Loop, body func(n int) error) *LoopingCall {
	l.Check("NewLoopingCall")
	return &LoopingCall{loop: l, body: func(n int) *Deferred[struct{}] {
		return Do(l, func() (struct{}, error) { return struct{}{}, body(n) })
	}}
}

// NewLoopingChain is NewLoopingCall for a function that returns a Deferred: it is not called again before
// that has its result.
func NewLoopingChain[T any](l *corolla.Loop, body func(n int) *Deferred[T]) *LoopingCall {
	l.Check("NewLoopingChain")
	return &LoopingCall{loop: l, body: func(n int) *Deferred[struct{}] {
		d := DoChain(l, func() *Deferred[T] { return body(n) })
		return Then(d, func(T) (struct{}, error) { return struct{}{}, nil })
	}}
}

// Start makes the first call, and returns a Deferred that fires when Stop is called, or fails with the
// error of a call, which ends the calls. Canceling it stops them, and cancels the one that has not
// ended. With an interval of 0 there is a call in each turn. Start panics if the interval is less than
// that, or if calls are going on.
func (c *LoopingCall) Start(interval time.Duration, opts ...LoopingOption) *Deferred[struct{}] {
	site := c.loop.CallSite()
	if interval < 0 {
		panic("deferred: Start of a LoopingCall with a negative interval")
	}
	if c.now != nil {
		panic("deferred: Start of a LoopingCall that is running: call Stop first, or make another")
	}
	var o LoopingOption
	for _, opt := range opts {
		o |= opt
	}
	s := &series{call: c, interval: interval, begin: c.loop.Now(), again: o&KeepGoing != 0}
	s.over = &Deferred[struct{}]{loop: c.loop, patient: true, origin: made(site)}
	s.over.canceler = func(_ *Deferred[struct{}], cause error) { s.cancel(cause) }
	if c.now = s; o&NotNow != 0 {
		s.schedule()
	} else {
		s.last = -1
		s.run()
	}
	return s.over
}

// Running reports whether calls are going on.
func (c *LoopingCall) Running() bool {
	c.loop.Check("LoopingCall.Running")
	return c.now != nil
}

// Stop ends the calls, and reports whether they were going on. The Deferred that Start has returned
// fires before Stop returns, or when the call does that has not ended.
func (c *LoopingCall) Stop() bool {
	c.loop.Check("LoopingCall.Stop")
	s := c.now
	if s == nil {
		return false
	}
	if s.stop(); !s.busy {
		s.finish(nil)
	}
	return true
}

// Reset counts the intervals from now on, so that the next call comes after one. It does nothing while a
// call has not ended.
func (c *LoopingCall) Reset() {
	c.loop.Check("LoopingCall.Reset")
	if s := c.now; s != nil && !s.busy {
		s.begin, s.last = c.loop.Now(), 0
		s.schedule()
	}
}

// tick returns the number of intervals that are over.
func (s *series) tick() time.Duration {
	if s.interval == 0 {
		return s.last + 1
	}
	return (s.call.loop.Now() - s.begin) / s.interval
}

// schedule sets the timer for the end of the current interval.
func (s *series) schedule() {
	var in time.Duration
	if s.interval > 0 {
		in = s.begin + (s.tick()+1)*s.interval - s.call.loop.Now()
	}
	if s.timer == nil {
		s.timer = s.call.loop.After(in, s.run)
	} else {
		s.timer.Reset(in)
	}
}

// run makes a call.
func (s *series) run() {
	tick := s.tick()
	n := int(tick - s.last)
	s.last, s.busy = tick, true
	s.current = s.call.body(n)
	s.current.AddBoth(func(_ struct{}, err error) (struct{}, error) {
		s.ended(err)
		return struct{}{}, nil
	})
}

// ended goes on after a call.
func (s *series) ended(err error) {
	s.busy, s.current = false, nil
	switch {
	case s.call.now != s: // stopped
		s.finish(err)
	case err == nil:
		s.schedule()
	case s.again:
		s.call.loop.Report(err)
		s.schedule()
	default:
		s.stop()
		s.finish(err)
	}
}

func (s *series) stop() {
	if s.call.now == s {
		s.call.now = nil
	}
	if s.timer != nil {
		s.timer.Stop()
	}
}

func (s *series) finish(err error) {
	if err == nil {
		err = s.canceled
	}
	if d := s.over; !d.called { // otherwise somebody else has fired it
		d.fire(struct{}{}, err)
	} else if err != nil {
		s.call.loop.Report(err)
	}
}

func (s *series) cancel(cause error) {
	s.canceled = &corolla.CanceledError{Cause: cause}
	switch s.stop(); {
	case !s.busy:
		s.finish(nil)
	case s.current != nil: // otherwise the body itself cancels
		s.current.Cancel(cause)
	}
}
