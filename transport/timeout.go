package transport

import (
	"time"

	"github.com/corolla-go/corolla"
)

// SetIdleTimeout closes the connection, with a *corolla.TimeoutError, when nothing was
// received, written or taken by the peer for d; 0 is never. What the peer takes is looked at
// each time d is over. After Close it is 30 seconds at the most.
func (c *Conn) SetIdleTimeout(d time.Duration) { c.stream.SetIdleTimeout(d) }

// SetTimeout closes the connection, with a *corolla.TimeoutError, when d is over, whatever
// happens meanwhile; 0 is never. A protocol sets it when it begins to wait for a whole request,
// and anew when it has it, so that a peer that sends a byte now and then cannot hold the
// connection for ever. (Twisted's TimeoutMixin.)
func (c *Conn) SetTimeout(d time.Duration) {
	if c.limit != nil {
		c.limit.Stop()
	}
	if d > 0 && !c.is(lost) {
		c.limit = c.loop().After(d, func() { c.end(&corolla.TimeoutError{After: d}, false) })
	}
}
