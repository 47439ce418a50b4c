package cluster

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// Drain ends the Conn in order: nothing new is subscribed to; what subscriptions and readers have received is
// still given to callbacks and tasks, which may publish; requests get their answers, and publications their
// acknowledgements; what waits is sent; and then it closes. When patience is over it closes anyway, and
// the error is a *corolla.TimeoutError. Canceling the future ends the patience.
func (c *Conn) Drain(patience time.Duration) *corolla.Future[struct{}] {
	c.loop.Check("cluster.Conn.Drain")
	c.draining = true
	for p := range c.parts {
		p.drain()
	}
	return c.loop.Go(func(t *corolla.Task) error {
		err := t.Timeout(patience, func(*corolla.Scope) error {
			for !c.quiet() {
				if _, err := c.idle.Wait(t, "a cluster connection to drain"); err != nil {
					return err
				}
			}
			if c.status == Closed {
				return nil
			}
			_, err := c.Flush().Await(t)
			return err
		})
		return errors.Join(err, t.Shielded(func(*corolla.Scope) error {
			_, err := c.Close().Await(t)
			return err
		}))
	}, corolla.Name("drain a cluster connection"), corolla.Eager())
}

// quiet reports whether nothing is in progress.
func (c *Conn) quiet() bool {
	if c.status == Closed {
		return true
	}
	for p := range c.parts {
		if !p.drained() {
			return false
		}
	}
	return len(c.calls.open) == 0 && c.lanes == 0
}

// remove forgets a part that has ended.
func (c *Conn) remove(p part) {
	delete(c.parts, p)
	c.idle.WakeAll()
}

// Close ends the Conn, and its embedded server, at once. What waits to be sent is lost, and counted; requests and
// tasks that wait get ErrClosed. The future is settled when every goroutine has ended; canceling it does
// nothing. A second Close returns the same future. Closing the loop closes the Conn too, and waits for it.
func (c *Conn) Close() *corolla.Future[struct{}] {
	c.loop.Check("cluster.Conn.Close")
	if c.closing != nil {
		return c.closing
	}
	c.closing = corolla.NewFuture[struct{}](c.loop)
	c.closing.OnCancel(func(error) {}) // it is settled all the same
	c.draining = true
	c.become(Closed)
	c.out.close()
	for p := range c.parts {
		p.shut(ErrClosed)
	}
	c.calls.failAll(ErrClosed)
	c.idle.WakeAll()
	apart(func() {
		c.nc.Close()
		c.crew.Wait()
		if c.server != nil {
			stopServer(c.server)
		}
		close(c.gone)
		_ = c.loop.Post(func() { // on a closed loop nobody waits
			c.unclose()
			_ = c.closing.Resolve(struct{}{}) // it is not settled
		})
	})
	return c.closing
}

// closeNow is called when the loop is closed.
func (c *Conn) closeNow() {
	c.Close()
	<-c.gone
}
