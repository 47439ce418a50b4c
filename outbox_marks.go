package corolla

import (
	"fmt"
	"net"
)

// Water marks of a new Outbox, in bytes (asyncio's).
const (
	DefaultHighWater = 64 << 10
	DefaultLowWater  = 16 << 10
)

// SetMarks sets the water marks in bytes. A mark less than 0 is derived from the other: high
// is four times low, low is a quarter of high; if both are less than 0 they are the defaults.
// It panics if low is above high.
func (o *Outbox) SetMarks(low, high int) {
	o.sock.loop.check("Outbox.SetMarks")
	switch {
	case low < 0 && high < 0:
		low, high = DefaultLowWater, DefaultHighWater
	case high < 0:
		high = 4 * low
	case low < 0:
		low = high / 4
	}
	if low > high {
		panic(fmt.Sprintf("corolla: water marks: the low one, %d, is above the high one, %d", low, high))
	}
	o.low, o.high = low, high
	o.mark()
}

// Marks returns the water marks.
func (o *Outbox) Marks() (low, high int) {
	o.sock.loop.check("Outbox.Marks")
	return o.low, o.high
}

// OnMarks sets the function that is called when the outbox rises above its high mark, and
// when it falls to its low one. The former happens within the write that causes it.
func (o *Outbox) OnMarks(changed func(above bool)) {
	o.sock.loop.check("Outbox.OnMarks")
	o.onMarks = changed
}

// Above reports whether the outbox has risen above its high mark, and not yet fallen to its
// low one.
func (o *Outbox) Above() bool {
	o.sock.loop.check("Outbox.Above")
	return o.above
}

// OutboxStats describes an Outbox.
type OutboxStats struct {
	Bytes     int  // unsent
	Turns     int  // borrowers' turns that have not ended: see Lend
	Low, High int  // water marks, in bytes
	Above     bool // as Outbox.Above says
	Waiting   int  // tasks, in Wait and WaitEmpty
}

// Stats returns the current state of the outbox. It visits every pending segment.
func (o *Outbox) Stats() OutboxStats {
	o.sock.loop.check("Outbox.Stats")
	s := OutboxStats{Bytes: o.size, Low: o.low, High: o.high, Above: o.above, Waiting: o.waiting.Len()}
	for next := o.first; next != nil; next = next.next {
		if next.turn != nil {
			s.Turns++
		}
	}
	return s
}

// mark calls OnMarks's function when a water mark is crossed.
func (o *Outbox) mark() {
	switch {
	case !o.above && o.size > o.high:
		o.above = true
	case o.above && o.size <= o.low:
		o.above = false
		o.waiting.WakeAll()
	default:
		return
	}
	if o.onMarks != nil {
		o.onMarks(o.above)
	}
}

// Wait parks t while the outbox is above its marks; an unrelated Unpark of t ends the wait too,
// so callers should check again. It returns the error with which sending failed, net.ErrClosed
// if the socket was closed, or t's own.
func (o *Outbox) Wait(t *Task) error {
	o.sock.loop.check("Outbox.Wait")
	return o.wait(t, o.above, "an outbox above its water mark")
}

// WaitEmpty is like Wait, but waits until everything is sent.
func (o *Outbox) WaitEmpty(t *Task) error {
	o.sock.loop.check("Outbox.WaitEmpty")
	return o.wait(t, o.pending(), "an outbox that is not empty")
}

func (o *Outbox) wait(t *Task, must bool, on string) error {
	if must && o.err == nil && !o.sock.closed {
		if err := t.willing("Wait"); err != nil {
			return err
		}
		o.waiting.line.Push(&t.place)
		err := t.Park(on)
		t.place.Leave()
		if err != nil {
			return err
		}
	}
	if o.err != nil {
		return o.err
	}
	if o.sock.closed {
		return net.ErrClosed
	}
	return nil
}
