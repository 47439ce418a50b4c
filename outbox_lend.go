package corolla

import "net"

// Lend lets somebody else write to the socket, once all that was written before is sent: use
// is called then, at once if nothing is to be sent, and what is written meanwhile waits until
// it calls back. If the outbox is dropped before, lost is called instead, with the reason. Once
// used, a loan learns from the socket itself.
func (o *Outbox) Lend(use func(back func()), lost func(error)) {
	o.sock.loop.check("Outbox.Lend")
	if err := o.usable(); err != nil {
		lost(err)
		return
	}
	if o.loans == nil {
		o.loans = new([]loan)
	}
	*o.loans = append(*o.loans, loan{use, lost})
	o.chunks = append(o.chunks, nil)
	if len(o.chunks) == 1 && !o.corked {
		o.lend()
	} else {
		o.arm()
	}
}

// lend begins with the loan that is first in line.
func (o *Outbox) lend() {
	o.disarm()
	o.lent = true
	l := (*o.loans)[0]
	*o.loans = (*o.loans)[1:]
	returned := false
	l.use(func() {
		if returned || !o.lent { // or dropped meanwhile
			return
		}
		returned, o.lent = true, false
		o.drop()
		if o.pending() {
			o.arm()
		} else {
			o.emptied()
		}
	})
}

// loseLoans tells those who have not begun yet.
func (o *Outbox) loseLoans() {
	loans := o.loans
	o.loans, o.lent = nil, false
	if loans == nil {
		return
	}
	for _, l := range *loans {
		err := o.err
		switch {
		case err != nil:
		case o.sock.loop.state >= closing:
			err = ErrLoopClosed
		default:
			err = net.ErrClosed
		}
		l.lost(err)
	}
}
