package service

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// ClientError says why a Client has no connection: what its last attempt failed with, or what it lost its
// connection with.
type ClientError struct {
	Client string
	Failed int // failures in a row
	Err    error
	Wait   time.Duration // until the next attempt; less than 0 if there is none
}

func (e *ClientError) Error() string {
	next := "giving up"
	if e.Wait >= 0 {
		next = "next attempt in " + e.Wait.Round(time.Millisecond).String()
	}
	return fmt.Sprintf("client %s: failure %d in a row: %v; %s", e.Client, e.Failed, e.Err, next)
}

// Unwrap returns the attempt's or the connection's own error.
func (e *ClientError) Unwrap() error { return e.Err }

// WhenConnected returns a future of the connection: of the present one, or else of the next. It fails with a
// *ClientError when so many attempts after the call have failed, unless failures is 0, and when the client
// gives up; and when the client is stopped, or was and has not been started again, it is canceled, with
// ErrStopped as the cause. Before the first Start it waits. A lost connection does not count as a failed
// attempt.
func (c *Client[C]) WhenConnected(failures int) *corolla.Future[C] {
	f := corolla.NewFuture[C](c.loop)
	switch {
	case c.phase == connected && !c.ending:
		_ = f.Resolve(c.conn) // it is new
	case c.state == started && c.phase == off: // it has given up
		_ = f.Fail(c.last)
	case c.state == idle && c.stops > 0:
		_ = f.Fail(&corolla.CanceledError{Cause: ErrStopped})
	default:
		w := &waiter[C]{f, failures}
		f.OnCancel(func(cause error) {
			if i := slices.Index(c.waiters, w); i >= 0 {
				c.waiters = slices.Delete(c.waiters, i, i+1)
			}
			_ = f.Fail(&corolla.CanceledError{Cause: cause}) // it was pending
		})
		c.waiters = append(c.waiters, w)
	}
	return f
}

// Conn returns the present connection, and reports whether there is one.
func (c *Client[C]) Conn() (C, bool) { return c.conn, c.phase == connected }

// Err returns why there is no connection, as a *ClientError, or nil if there is one, or there was no
// failure since the client was started.
func (c *Client[C]) Err() error { return c.last }

// take removes the waiters that are wanted, and returns them.
func (c *Client[C]) take(wanted func(w *waiter[C]) bool) (taken []*waiter[C]) {
	var rest []*waiter[C]
	for _, w := range c.waiters {
		if wanted(w) {
			taken = append(taken, w)
		} else {
			rest = append(rest, w)
		}
	}
	c.waiters = rest
	return taken
}

// disappoint fails all waiters.
func (c *Client[C]) disappoint(err error) {
	for _, w := range c.take(func(*waiter[C]) bool { return true }) {
		_ = w.result.Fail(err) // it was pending
	}
}

// wait returns how long to wait before the next attempt.
func (c *Client[C]) wait() (d time.Duration) {
	defer func() {
		if v := recover(); v != nil {
			c.loop.Recovered(v, "Backoff of client "+c.name)
			d = -1
		}
	}()
	return c.Backoff(c.failures)
}

func (c *Client[C]) giveUp(err error) {
	c.disappoint(err)
	c.fails(err)
}

// Stop implements Service.
func (c *Client[C]) Stop(t *corolla.Task) error {
	err := c.Unit.Stop(t)
	if c.state == idle { // nobody has started it again; it may never have been
		c.disappoint(&corolla.CanceledError{Cause: ErrStopped})
	}
	return err
}

// ends ends whatever there is.
func (c *Client[C]) ends(t *corolla.Task) error {
	c.ending = true
	c.changed.Clear()
	switch c.phase {
	case waiting:
		c.timer.Stop()
		c.phase = off
	case dialing:
		c.attempt.Cancel(ErrStopped)
	case connected:
		c.close(c.conn)
	}
	err := c.stopped(t)
	if err != nil {
		if c.phase == connected {
			c.abort(c.conn)
		}
		_ = t.Shielded(func(*corolla.Scope) error { return c.stopped(t) })
	}
	if err == nil && c.end != nil && !ordinary(c.end) {
		return c.end
	}
	return err
}

func (c *Client[C]) stopped(t *corolla.Task) error {
	for c.phase != off {
		if err := c.changed.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

// ordinary reports whether a connection that was told to end may end with the error.
func ordinary(err error) bool {
	var p *corolla.PanicError
	var op *net.OpError
	var sys syscall.Errno
	return !errors.As(err, &p) &&
		(corolla.IsOnly(err, corolla.ErrCanceled, io.EOF, net.ErrClosed) || errors.As(err, &op) || errors.As(err, &sys))
}
