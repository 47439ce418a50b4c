package stream

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// more is what most connections never need: limits of time, a log, transfers under way, a failure that
// the outbox does not know of.
type more struct {
	to      *corolla.Socket   // what is written to, if that is not sock
	until   Until             // nil if none
	failed  error             // of sending
	in, out *corolla.Transfer // of incoming data, to another stream; of outgoing data, from elsewhere

	limits
	traffic *traffic // nil if nothing is logged
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
		err := closeTo(s)
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
func closeTo(s *Stream) error {
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
			limit = s.more.most
		}
		if least := lingering(s, limit); least != limit {
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
	if s.more != nil {
		s.more.limits.stop()
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
			for ; y != nil; y = y.under {
				_ = y.layer.CloseWrite() // nothing can be done about a failure
			}
			s.mark()
		}
		s.out.Finish(done)
	}
}

// StopSplice ends a SpliceTo from this stream.
func (s *Stream) StopSplice() {
	if s.more != nil && s.more.in != nil {
		s.more.in.Cancel(net.ErrClosed)
	}
}
