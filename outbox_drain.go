package corolla

import "time"

// drain sends the pending data of connections that were closed, or closed for writing: a program
// that writes, closes and exits must not lose the end of what it wrote. No user code runs
// meanwhile.
func (l *Loop) drain() {
	var left []*Outbox
	for _, w := range l.fds {
		if s, ok := w.(*Socket); ok && s.out != nil && s.out.drains() {
			s.out.onMarks = nil
			unthrottle(s) // whose limiters have no timer any more
			left = append(left, s.out)
		}
	}
	until := time.Duration(-1) // no limit
	if l.opt.drain != 0 {
		until = l.host.Now() + max(l.opt.drain, 0)
	}
	for {
		kept := left[:0]
		for _, o := range left {
			if o.sock.w.ready {
				o.corked = false
				o.advance()
			}
			if o.drains() {
				kept = append(kept, o)
			}
		}
		left = kept
		if len(left) == 0 || until >= 0 && l.host.Now() >= until {
			return
		}
		n, err := l.host.Wait(l.events, until)
		if err != nil {
			return // nothing more can be sent
		}
		for _, ev := range l.events[:n] {
			if s, ok := l.fds[ev.FD].(*Socket); ok {
				s.event(ev.Ready)
			}
		}
	}
}

// drains reports whether there are bytes to send before the next borrower's turn, which will not
// come any more.
func (o *Outbox) drains() bool { return o.closing && o.pending() && o.first.turn == nil }
