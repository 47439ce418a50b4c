package stream

import (
	"time"

	"github.com/corolla-go/corolla"
)

// limits are those of a stream's time.
type limits struct {
	idle   *corolla.Timer
	most   time.Duration // of idleness; 0 is no limit
	last   time.Duration // when something was received or written
	unsent int           // as of the last run of idled

	life, phase bound
	expired     error // nil until one of them has ended the stream
}

// bound is a limit that nothing puts off.
type bound struct {
	timer *corolla.Timer // nil if there is none
	whole time.Duration  // of which the timer may run for a part only, on a stream that has moved
}

func (y *limits) stop() {
	if y.idle != nil {
		y.idle.Stop()
	}
	y.life.stop()
	y.phase.stop()
}

func (b *bound) stop() {
	if b.timer != nil {
		b.timer.Stop()
	}
}

// Active records that something was received or written.
func (s *Stream) Active() {
	if s.more != nil {
		s.more.last = s.sock.Loop().Now()
	}
}

// SetIdleTimeout ends the stream when nothing has been received, written or taken by the peer for d; 0
// means never. What the peer takes is checked once every d, and who waits for a limiter is not idle.
// After Close, d is at most the socket's LingerTimeout.
func (s *Stream) SetIdleTimeout(d time.Duration) {
	if s.closing {
		d = lingering(s, d)
	}
	y := s.rest()
	y.most = d
	s.Active()
	if y.idle != nil {
		y.idle.Stop()
	}
	if d > 0 && !s.over {
		y.idle = s.sock.Loop().After(d, func() { idled(s) })
	}
}

// lingering returns the limit of idleness of a stream that was closed: d, or the socket's
// LingerTimeout if that is less. Of both 0 is none.
func lingering(s *Stream, d time.Duration) time.Duration {
	most := s.to().Policies().LingerTimeout
	if d <= 0 || most > 0 && most < d {
		return most
	}
	return d
}

// idled checks when something last happened. Moving a timer for every byte would cost more than a
// timer that is sometimes early and then set again.
func idled(s *Stream) {
	y := s.more
	n := s.Len()
	for _, x := range [...]*corolla.Transfer{y.in, y.out} {
		if x != nil {
			n += int(x.Moved())
		}
	}
	if n != y.unsent || corolla.Throttled(s.sock) || corolla.Throttled(s.to()) { // the peer takes what it gets
		y.unsent = n
		s.Active()
	}
	if left := y.last + y.most - s.sock.Loop().Now(); left > 0 {
		y.idle.Reset(left)
		return
	}
	expire(s, y.most)
}

// SetTimeout ends the stream after d, whatever happens meanwhile; 0 means never.
func (s *Stream) SetTimeout(d time.Duration) {
	s.rest().phase.start(s, d, d)
}

// start ends the stream when what is left of a whole limit is over; 0 is no limit. It takes the place of
// the limit that was there.
func (b *bound) start(s *Stream, left, whole time.Duration) {
	b.stop()
	if *b = (bound{}); left > 0 && !s.over {
		*b = bound{s.sock.Loop().After(left, func() { expire(s, whole) }), whole}
	}
}

// expire ends the stream because its time is up. It is reset if anything is unsent, so that the peer
// does not take part of it for the whole.
func expire(s *Stream, limit time.Duration) {
	y := s.more
	y.expired = &corolla.TimeoutError{After: limit}
	_ = s.End(s.closing || s.Len() > 0 || y.out != nil || s.tls != nil && len(s.tls.queue) > 0)
	s.user.Over(y.expired)
}

// Expired returns the error with which a limit of time has ended the stream, or nil.
func (s *Stream) Expired() error {
	if s.more == nil {
		return nil
	}
	return s.more.expired
}
