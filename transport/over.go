package transport

import "fmt"

// OnClosed calls f, once, when the connection has ended: right after the protocol's Closed, with the same
// error, and in the next turn if that is past. It is for code that keeps connections and is not their
// protocol. Unlike Closed, f is also called if the connection ends before Opened was called. If OnClosed
// is called several times, all functions are called, in that order. For this a connection has ended if it
// moves to another loop, too: see Move.
func (c *Conn) OnClosed(f func(err error)) {
	if c.is(told) {
		c.loop().Soon(func() { heard(c, f) })
		return
	}
	before := c.over
	c.over = func() {
		if before != nil {
			before()
		}
		heard(c, f)
	}
}

func heard(c *Conn, f func(err error)) {
	defer func() {
		if v := recover(); v != nil {
			c.loop().Recovered(v, fmt.Sprintf("OnClosed callback of %v", c))
		}
	}()
	f(c.err)
}

func tellOver(c *Conn) {
	c.state |= told
	if c.over != nil {
		c.over()
		c.over = nil
	}
}
