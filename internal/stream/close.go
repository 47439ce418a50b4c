package stream

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// more is what most connections never need: an idle timeout, transfers under way, a failure that
// the outbox does not know of.
type more struct {
	to      *corolla.Socket   // what is written to, if that is not sock
	until   Until             // nil if none
	failed  error             // of sending
	in, out *corolla.Transfer // of incoming data, to another stream; of outgoing data, from elsewhere

	idle   *corolla.Timer
	limit  time.Duration // the idle timeout
	last   time.Duration // when something was received or written
	unsent int           // as of the last run of idled
}

func (s *Stream) rest() *more {
	if s.more == nil {
		s.more = new(more)
	}
	return s.more
}

// CloseWrite ends the stream to the peer, after everything written, and then calls done. Nothing
// more is accepted for sending. A reset by the peer is not an error here: reading reports it.
func (s *Stream) CloseWrite(done func(error)) {
	s.finish(func() {
		err := s.closeTo()
		if errors.Is(err, syscall.ENOTCONN) {
			err = nil
		}
		if err != nil {
			s.rest().failed = err
		}
		done(err)
	})
}

// closeTo ends the stream to the peer.
func (s *Stream) closeTo() error {
	if s.Pair() {
		return s.to().Close()
	}
	return s.sock.CloseWrite()
}

// Close sends what was written, as long as the peer takes some of it at least every 30 seconds, or
// what LingerTimeout says, and
// closes the socket: at once if nothing is unsent, and then it returns the error from closing. The
// user's Over is called in any case.
func (s *Stream) Close() (err error) {
	if s.over {
		return net.ErrClosed
	}
	s.closing = true
	s.StopSplice()
	s.finish(func() {
		if err = s.End(false); errors.Is(err, net.ErrClosed) { // closed through the socket itself
			s.user.Over(nil)
		} else {
			s.user.Over(err)
		}
	})
	if !s.over {
		limit := time.Duration(0)
		if s.more != nil {
			limit = s.more.limit
		}
		if least := s.lingering(limit); least != limit {
			s.SetIdleTimeout(least)
		}
	}
	return err
}

// End closes the socket at once: unsent data is dropped. If reset is true, the peer can tell that
// it did not get everything. The user is not told. A second End does nothing.
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
	if s.Pair() && !s.to().Closed() {
		err = errors.Join(err, s.to().Close())
	}
	if s.tls != nil {
		s.tls.drop()
	}
	return err
}

// finish stops accepting data, and calls done when everything is sent, including TLS's
// close_notify.
func (s *Stream) finish(done func()) {
	y := s.tls
	switch {
	case y == nil, s.closing && y.handshake != nil && len(y.queue) == 0: // nothing was ever said through TLS
		s.out.Finish(done)
	case y.holds():
		y.then = func() { s.finish(done) }
	default:
		if y.layer.Ready() && s.out.Err() == nil {
			_ = y.layer.CloseWrite() // nothing can be done about a failure
			s.mark()
		}
		s.out.Finish(done)
	}
}

// Active records that something was received or written.
func (s *Stream) Active() {
	if s.more != nil {
		s.more.last = s.sock.Loop().Now()
	}
}

// SetIdleTimeout ends the stream, with a *corolla.TimeoutError, when nothing has been received,
// written or taken by the peer for d; 0 means never. What the peer takes is checked once every d.
// After Close, d is at most the socket's LingerTimeout.
func (s *Stream) SetIdleTimeout(d time.Duration) {
	if s.closing {
		d = s.lingering(d)
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

// lingering returns the limit of idleness of a stream that was closed: d, or the socket's
// LingerTimeout if that is less. Of both 0 is none.
func (s *Stream) lingering(d time.Duration) time.Duration {
	most := s.to().Policies().LingerTimeout
	if d <= 0 || most > 0 && most < d {
		return most
	}
	return d
}

// idled checks when something last happened. Moving a timer for every byte would cost more than a
// timer that is sometimes early and then set again.
func (s *Stream) idled() {
	y := s.more
	n := s.Len()
	for _, x := range [...]*corolla.Transfer{y.in, y.out} {
		if x != nil {
			n += int(x.Moved())
		}
	}
	if n != y.unsent { // the peer has taken some of it
		y.unsent = n
		s.Active()
	}
	if left := y.last + y.limit - s.sock.Loop().Now(); left > 0 {
		y.idle.Reset(left)
		return
	}
	if s.closing { // so that the peer does not take part of the stream for the whole
		_ = s.End(true)
	}
	s.user.Over(&corolla.TimeoutError{After: y.limit})
}

// StopSplice ends a SpliceTo from this stream.
func (s *Stream) StopSplice() {
	if s.more != nil && s.more.in != nil {
		s.more.in.Cancel(net.ErrClosed)
	}
}
