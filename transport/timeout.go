package transport

import "time"

// SetIdleTimeout closes the connection, with a *corolla.TimeoutError, when nothing has been
// received, written or taken by the peer for d; 0 means never. What the peer takes is checked once
// every d. After Close, d is at most 30 seconds.
func (c *Conn) SetIdleTimeout(d time.Duration) { c.stream.SetIdleTimeout(d) }

// SetTimeout closes the connection, with a *corolla.TimeoutError, after d, whatever happens
// meanwhile; 0 means never. A protocol sets it when it starts to wait for a whole request, and
// again when it has one, so that a peer that trickles bytes cannot hold the connection forever.
// (Twisted's TimeoutMixin.)
func (c *Conn) SetTimeout(d time.Duration) { c.stream.SetTimeout(d) }
