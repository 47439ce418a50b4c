package stream

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// more is what most connections never have: a limit of idleness, transfers under way, a failure
// that the outbox does not know of.
type more struct {
	failed  error             // of sending
	in, out *corolla.Transfer // of what arrives, to another; of what is sent, from elsewhere

	idle   *corolla.Timer
	limit  time.Duration // of idleness
	last   time.Duration // when something was received or written
	unsent int           // when that was last looked at
}

func (s *Stream) rest() *more {
	if s.more == nil {
		s.more = new(more)
	}
	return s.more
}

// maxLinger is how long a connection that was closed waits for a peer that takes nothing.
const maxLinger = 30 * time.Second

// CloseWrite ends the stream to the peer, behind all that was written, and then calls done. Nothing
// more is taken to be sent. That the peer has reset the connection is no error: reading shows it.
func (s *Stream) CloseWrite(done func(error)) {
	s.finish(func() {
		err := s.sock.CloseWrite()
		if errors.Is(err, syscall.ENOTCONN) {
			err = nil
		}
		if err != nil {
			s.rest().failed = err
		}
		done(err)
	})
}

// Close sends what was written, for as long as the peer takes something of it at least every 30
// seconds, and closes the socket: at once if nothing is to be sent; then the error is that of
// closing. The user's Over is called in any case.
func (s *Stream) Close() (err error) {
	if s.over {
		return net.ErrClosed
	}
	s.closing = true
	s.StopSplice()
	s.finish(func() {
		if err = s.End(false); errors.Is(err, net.ErrClosed) { // by whoever has the socket
			s.user.Over(nil)
		} else {
			s.user.Over(err)
		}
	})
	if !s.over && (s.more == nil || s.more.limit <= 0 || s.more.limit > maxLinger) {
		s.SetIdleTimeout(maxLinger)
	}
	return err
}

// End closes the socket at once: what was not sent is dropped. If reset is true the peer sees that it
// did not get the whole. The user is told nothing. A second End does nothing.
func (s *Stream) End(reset bool) (err error) {
	if s.over {
		return nil
	}
	s.over, s.closing = true, true
	s.out.Drop()
	if s.more != nil && s.more.idle != nil {
		s.more.idle.Stop()
	}
	if reset {
		err = s.sock.Reset()
	} else {
		err = s.sock.Close()
	}
	if s.tls != nil {
		s.tls.drop()
	}
	return err
}

// finish takes no more, and calls done when all is sent, the end of TLS behind it.
func (s *Stream) finish(done func()) {
	y := s.tls
	switch {
	case y == nil, s.closing && y.shake != nil && len(y.queue) == 0: // nothing was ever said through TLS
		s.out.Finish(done)
	case y.holds():
		y.then = func() { s.finish(done) }
	default:
		if y.layer.Ready() && s.out.Err() == nil {
			_ = y.layer.CloseWrite() // what cannot be said now cannot be said
			s.mark()
		}
		s.out.Finish(done)
	}
}

// Active notes that something was received or written.
func (s *Stream) Active() {
	if s.more != nil {
		s.more.last = s.sock.Loop().Now()
	}
}

// SetIdleTimeout ends the stream, with a *corolla.TimeoutError, when nothing was received, written or
// taken by the peer for d; 0 is never. What the peer takes is looked at each time d is over. After Close
// it is 30 seconds at the most.
func (s *Stream) SetIdleTimeout(d time.Duration) {
	if s.closing && (d <= 0 || d > maxLinger) {
		d = maxLinger
	}
	y := s.rest()
	y.limit = d
	s.Active()
	if y.idle != nil {
		y.idle.Stop()
	}
	if d > 0 && !s.over {
		y.idle = s.sock.Loop().After(d, s.idled)
	}
}

// idled looks when something last happened. A timer that is moved for each byte would cost more than
// one that is sometimes early, and is then set again.
func (s *Stream) idled() {
	y := s.more
	n := s.Len()
	for _, x := range [...]*corolla.Transfer{y.in, y.out} {
		if x != nil {
			n += int(x.Moved())
		}
	}
	if n != y.unsent { // the peer takes what was written
		y.unsent = n
		s.Active()
	}
	if left := y.last + y.limit - s.sock.Loop().Now(); left > 0 {
		y.idle.Reset(left)
		return
	}
	if s.closing { // the peer must not take what it got for the whole
		_ = s.End(true)
	}
	s.user.Over(&corolla.TimeoutError{After: y.limit})
}

// StopSplice ends a SpliceTo of what arrives.
func (s *Stream) StopSplice() {
	if s.more != nil && s.more.in != nil {
		s.more.in.Cancel(net.ErrClosed)
	}
}
