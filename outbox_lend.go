package corolla

import "net"

// turn is a borrower's turn to write to the socket itself.
type turn struct {
	use   func(back func())
	lost  func(error)
	begun bool
}

// Lend lets a borrower write to the socket directly, once everything written before is sent: use
// is called then, at once if nothing is pending, and writes made meanwhile wait until it calls
// back. If the outbox is dropped before that, lost is called instead, with the reason. Once its
// turn has begun, the borrower learns of errors from the socket itself.
func (o *Outbox) Lend(use func(back func()), lost func(error)) {
	o.sock.loop.check("Outbox.Lend")
	if err := o.usable(); err != nil {
		lost(err)
		return
	}
	next := !o.pending()
	o.push(&segment{turn: &turn{use: use, lost: lost}})
	if next && !o.corked {
		o.lend()
	} else {
		o.arm()
	}
}

// lent reports whether a borrower's turn has begun.
func (o *Outbox) lent() bool { return o.first != nil && o.first.turn != nil && o.first.turn.begun }

// lend begins the turn that is first in line.
func (o *Outbox) lend() {
	o.disarm()
	s := o.first
	s.turn.begun = true
	s.turn.use(func() {
		if o.first != s { // already given back, or dropped meanwhile
			return
		}
		if o.shift(); o.pending() {
			o.arm()
		} else {
			o.emptied()
		}
	})
}

// lose releases segments that will not be sent, and tells borrowers whose turn has not begun.
func (o *Outbox) lose(first *segment) {
	err := o.err
	switch {
	case err != nil:
	case o.sock.loop.state >= closing:
		err = ErrLoopClosed
	default:
		err = net.ErrClosed
	}
	for s := first; s != nil; {
		next, t := s.next, s.turn
		if o.sock.loop.segments.give(s); t != nil && !t.begun {
			t.lost(err)
		}
		s = next
	}
}
