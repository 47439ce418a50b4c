package corolla

import "time"

// maxFlush is how long Close goes on sending what belongs to connections that were closed.
const maxFlush = 5 * time.Second

// flush sends what connections that were closed, or whose writing side was, still have to
// send: a program that writes, closes and ends must not lose the end of what it wrote. No code
// of others runs meanwhile.
func (l *Loop) flush() {
	var left []*Outbox
	for _, w := range l.fds {
		if s, ok := w.(*Socket); ok && s.out != nil && s.out.closing && s.out.sendable() {
			s.out.onMarks = nil
			left = append(left, s.out)
		}
	}
	until := l.host.Now() + maxFlush
	for len(left) > 0 && l.host.Now() < until {
		kept := left[:0]
		for _, o := range left {
			if o.flushNow(); o.sendable() {
				kept = append(kept, o)
			}
		}
		if left = kept; len(left) == 0 {
			return
		}
		n, err := l.host.Wait(l.events, until)
		if err != nil {
			return // nothing will ever take it
		}
		for _, ev := range l.events[:n] {
			if s, ok := l.fds[ev.FD].(*Socket); ok {
				s.event(ev.Ready)
			}
		}
	}
}

// flushNow is flush, if the socket takes anything.
func (o *Outbox) flushNow() {
	if o.sock.w.ready {
		o.corked = false
		o.flush()
	}
}

// sendable reports whether there are bytes to send before it is somebody else's turn, which does
// not come any more.
func (o *Outbox) sendable() bool { return len(o.chunks) > 0 && o.chunks[0] != nil }
