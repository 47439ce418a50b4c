package transport

import "github.com/corolla-go/corolla/transport/framing"

// A State of a connection gets the next bytes of the stream, as many as were asked for and good only
// until it returns. It says how many bytes are wanted next, and the State that is to get them; with
// nil, or after Close, there is nothing more to come, and the connection is closed. A State that wants
// none is called at once, or when PauseReading ends. (Twisted's StatefulProtocol.)
type State func(r *Receiver, b []byte) (n int, next State)

// NewStates returns a Protocol for one connection whose stream is made of pieces, each of which says
// how long the next one is: a head and its body, say. begin is called when the connection is
// established, and says what is wanted first. closed may be nil; otherwise it is called when the
// connection has ended, as Protocol.Closed is. More than framing.DefaultMaxString bytes cannot be
// wanted: the error wraps framing.ErrTooLong.
func NewStates(begin func(r *Receiver) (n int, first State), closed func(r *Receiver, err error)) *Receiver {
	s := &states{begin: begin, closed: closed}
	return NewReceiver(&s.pieces, s)
}

// states is the MessageHandler of NewStates.
type states struct {
	begin  func(r *Receiver) (int, State)
	closed func(r *Receiver, err error)
	state  State
	pieces framing.Sized
}

func (s *states) Opened(r *Receiver) {
	n, first := s.begin(r)
	s.enter(r, n, first)
}

func (s *states) Message(r *Receiver, m []byte) {
	n, next := s.state(r, m)
	s.enter(r, n, next)
}

// enter makes a State the one that gets the next piece.
func (s *states) enter(r *Receiver, n int, next State) {
	for n == 0 && next != nil && !r.is(closing|lost) {
		if r.held {
			state := next
			r.late = func() { s.enter(r, 0, state) }
			return
		}
		n, next = next(r, nil)
	}
	if next == nil {
		r.Close()
		return
	}
	s.state, s.pieces.Size = next, n
}

func (s *states) Closed(r *Receiver, err error) {
	if s.closed != nil {
		s.closed(r, err)
	}
}
