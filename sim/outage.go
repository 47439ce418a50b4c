package sim

import (
	"slices"
	"syscall"
	"time"
)

// A connection whose packets get lost does not notice at once. What is sent waits, and is sent again
// when the network is whole again; so nothing is lost but time. If it does not become whole, an end
// that has sent something gives up after retransmit, and one that has not when its keep-alive probes
// have not been answered.
const (
	retransmit = 924600 * time.Millisecond // Linux: tcp_retries2
	probes     = 9                         // unanswered, besides the time until the first (TCP_KEEPCNT)
	keepAlive  = 15 * time.Second          // the time until the first probe, and between two
	longest    = 120 * time.Second         // between two attempts to send something again
)

// outage is what a connection's end has noticed of the network.
type outage struct {
	muted  bool   // by a fault: nothing of it gets through
	count  uint64 // outages so far
	cutOff bool
	since  time.Duration // of this outage, or of its first unanswered byte
}

func (d *desc) clock() time.Duration {
	if w := d.host.world; d.by == nil || w.holder != waiter(d.by) {
		return w.now
	}
	return d.by.local()
}

// tooLate reports whether something that was to be sent at a time was not, since the host crashed
// before.
func (d *desc) tooLate(sent time.Duration) bool {
	return d.by != nil && d.by.dead && d.by.died < sent
}

func (d *desc) otherHost() *Host {
	if d.other == nil {
		return nil
	}
	return d.other.host
}

// maxData is how much of what is sent an event has.
const maxData = 40

// notify makes an event of something that a connection or a datagram has to do with.
func (d *desc) notify(kind EventKind, at time.Duration, peer *Host, text string, data ...byte) {
	w := d.host.world
	if !w.observed() || d.host.name == "" || text == "" && kind != WasReset {
		return
	}
	e := Event{Time: at, Host: d.host.name, Kind: kind, Conn: d.id, Text: text, Data: string(data[:min(len(data), maxData)])}
	if peer != nil {
		e.Peer = peer.name
	}
	if kind == Arrived && peer != nil {
		e.Host, e.Peer = e.Peer, e.Host
	}
	w.emit(e)
}

// send schedules something to reach the other end, after everything sent before.
func (d *desc) send(what string, data []byte, act func(to *desc)) {
	w, to := d.host.world, d.other
	l := w.link(d.host, to.host)
	now := d.clock()
	if w.observed() && len(data) > 0 {
		what = sizeOf(len(data))
	}
	d.notify(Sent, now, to.host, what, data...)
	deliver := func() { d.deliver(to, what, act) }
	if l.cut || d.muted {
		l.held = append(l.held, letter{d, d.host.boots, deliver})
		d.watchOutage()
		return
	}
	d.arrives = max(d.arrives, l.arrival(now, len(data)))
	if now == w.now {
		w.atFor(d.tie, d.arrives, deliver)
		return
	}
	w.atFor(d.tie, d.arrives, func() {
		if !d.tooLate(now) {
			deliver()
		}
	})
}

// deliver is called when something arrives.
func (d *desc) deliver(to *desc, what string, act func(to *desc)) {
	w := d.host.world
	if to.lost() {
		d.notify(Lost, w.now, to.host, what)
		if to.host.dark {
			d.watchOutage()
		} else if !d.closed && !d.broken && to.end == 0 {
			to.reset()
		}
		return
	}
	d.notify(Arrived, w.now, to.host, what)
	act(to)
}

// whole reports whether a connection's packets get through, both ways.
func (d *desc) whole() bool {
	o := d.other
	w := d.host.world
	return !d.muted && !o.muted && !o.lost() && !w.link(d.host, o.host).cut && !w.link(o.host, d.host).cut
}

// watchOutage gives an end up in the end, if the network does not become whole.
func (d *desc) watchOutage() {
	if d.cutOff || d.closed || d.broken || d.lost() || d.end != 0 || d.other == nil {
		return
	}
	d.cutOff, d.since = true, d.host.world.now
	d.count++
	d.lookAgain(d.count)
}

// lookAgain schedules the next look at an outage.
func (d *desc) lookAgain(count uint64) {
	w := d.host.world
	idle := d.keepAlive()
	limit := d.since + retransmit
	if d.other.under == 0 {
		if idle < 0 {
			d.cutOff = false // until something is sent
			return
		}
		limit = d.since + (probes+1)*idle
	}
	w.atFor(d.tie, max(limit, w.now), func() {
		switch {
		case d.count != count || !d.cutOff || d.closed || d.broken || d.lost():
		case d.other.under > 0 && w.now < d.since+retransmit:
			d.lookAgain(count)
		default:
			d.fail(syscall.ETIMEDOUT)
		}
	})
}

// keepAlive is the time between probes; less than 0 is none.
func (d *desc) keepAlive() time.Duration {
	if d.set.KeepAlive != 0 {
		return d.set.KeepAlive
	}
	return keepAlive
}

// probe has an end that is not told of the other's failure find out by its next keep-alive probe that gets
// through.
func (d *desc) probe() {
	w := d.host.world
	if after := d.keepAlive(); after > 0 {
		w.atFor(d.tie, w.now+after, func() {
			o := d.other
			switch {
			case d.closed || d.broken || d.lost():
			case d.muted || o.muted || o.host.dark || w.link(d.host, o.host).cut || w.link(o.host, d.host).cut:
				d.watchOutage()
				d.probe()
			default: // the other's machine knows nothing of the connection, whatever became of it
				o.reset()
			}
		})
	}
}

// release sends what was held on a link, after the time that it takes to try again.
func (l *link) release() {
	held := l.held
	l.held = nil
	for _, one := range held {
		d := one.d
		switch {
		case one.boot != d.host.boots: // it was in the memory of a host that has lost its power
		case l.cut || d.muted:
			l.held = append(l.held, one)
		default:
			w := d.host.world
			d.arrives = max(d.arrives, l.arrival(w.now+l.again(d), 0))
			w.atFor(d.tie, d.arrives, one.act)
		}
	}
}

// again draws how long it takes until something is sent again, which depends on how long nothing got
// through.
func (l *link) again(d *desc) time.Duration {
	gone := min(d.host.world.now-d.since, longest)
	if gone <= 0 {
		return 0
	}
	return time.Duration(l.chaos.Int64N(int64(gone)))
}

// connections returns the ends of streams that a host has, in the order of their numbers: sockets
// first, and then those that wait to be accepted.
func (h *Host) connections() (all []*desc) {
	var queued []*desc
	for _, d := range h.fds {
		switch {
		case d == nil || d.datagram || d.end != 0:
		case d.listening:
			queued = append(queued, d.queue...)
		case d.other != nil:
			all = append(all, d)
		}
	}
	return slices.Concat(all, queued)
}

// between calls f with every end of every connection between hosts that match.
func (w *World) between(match func(from, to *Host) bool, f func(d *desc)) {
	done := map[*desc]bool{}
	once := func(d *desc) {
		if !done[d] {
			done[d] = true
			f(d)
		}
	}
	for _, h := range w.hosts {
		for _, d := range h.connections() {
			if match(h, d.other.host) || match(d.other.host, h) {
				once(d)
				once(d.other)
			}
		}
	}
}
