package transport

import (
	"time"

	"github.com/corolla-go/corolla"
)

// rare is what most connections never have: limits in time, and transfers under way.
type rare struct {
	in, out *corolla.Transfer // of what arrives, to another; of what is sent, from elsewhere

	idle     *corolla.Timer
	limit    time.Duration // of idleness
	last     time.Duration // when something was received or written
	unsent   int           // when that was last looked at
	deadline *corolla.Timer
}

func (y *rare) stop() {
	for _, t := range [...]*corolla.Timer{y.idle, y.deadline} {
		if t != nil {
			t.Stop()
		}
	}
}

// other returns the rest of the connection.
func (c *Conn) other() *rare {
	if c.rare == nil {
		c.rare = &rare{}
	}
	return c.rare
}

// active notes that something was received or written.
func (c *Conn) active() {
	if c.rare != nil {
		c.rare.last = c.sock.Loop().Now()
	}
}

// SetIdleTimeout closes the connection, with a *corolla.TimeoutError, when nothing was
// received, written or taken by the peer for d; 0 is never. What the peer takes is looked at
// each time d is over. After Close it is 30 seconds at the most.
func (c *Conn) SetIdleTimeout(d time.Duration) {
	if c.is(closing) && (d <= 0 || d > maxLinger) {
		d = maxLinger
	}
	y := c.other()
	y.limit = d
	c.active()
	y.idle = c.setTimer(y.idle, d, c.idled)
}

// SetDeadline closes the connection, with a *corolla.TimeoutError, when d is over, whatever
// happens meanwhile; 0 is never. A protocol sets it when it begins to wait for a whole request,
// and anew when it has it, so that a peer that sends a byte now and then cannot hold the
// connection for ever.
func (c *Conn) SetDeadline(d time.Duration) {
	y := c.other()
	y.deadline = c.setTimer(y.deadline, d, func() { c.lose(&corolla.TimeoutError{After: d}) })
}

// maxLinger is how long a connection that was closed waits for a peer that takes nothing.
const maxLinger = 30 * time.Second

// linger sees to it that a connection that was closed does not wait for ever.
func (c *Conn) linger() {
	if c.rare == nil || c.rare.limit <= 0 || c.rare.limit > maxLinger {
		c.SetIdleTimeout(0)
	}
}

// setTimer makes f be called after d, and nothing that was set before.
func (c *Conn) setTimer(old *corolla.Timer, d time.Duration, f func()) *corolla.Timer {
	if old != nil {
		old.Stop()
	}
	if d <= 0 || c.is(lost) {
		return nil
	}
	return c.sock.Loop().After(d, f)
}

// idled looks when something last happened. A timer that is moved for each byte would cost
// more than one that is sometimes early, and is then set again.
func (c *Conn) idled() {
	y := c.rare
	n := c.Buffered()
	for _, x := range [...]*corolla.Transfer{y.in, y.out} {
		if x != nil {
			n += int(x.Moved())
		}
	}
	if n != y.unsent { // the peer takes what was written
		y.unsent = n
		c.active()
	}
	if left := y.last + y.limit - c.sock.Loop().Now(); left > 0 {
		y.idle.Reset(left)
		return
	}
	c.lose(&corolla.TimeoutError{After: y.limit})
}
