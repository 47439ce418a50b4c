package service

import (
	"fmt"
	"io"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// A client is in one of four phases. What happens moves it from one to the next, and each of them can be
// left by a stop, which is over when the phase is off:
//
//	off → dialing → connected → waiting → dialing → …
//	             ↘ waiting
//
// It needs no task: a connection is kept by callbacks. An attempt is a future, which a stop cancels. That
// may come too late, so an attempt that succeeds while the client stops gets its connection closed.

type phase uint8

const (
	off phase = iota
	dialing
	connected
	waiting
)

// Client is a service that keeps a connection: it connects when it is started, and again when it has lost
// its connection or an attempt has failed, after a while that grows with the number of failures in a row.
// A connection that was made ends the row. C is *transport.Conn for the client that NewClient returns, and
// *aio.Conn for that of NewTaskClient. (Twisted's ClientService.)
//
// Start does not wait for a connection, and Stop ends an attempt or the connection, whatever there is. The
// fields are set before Start.
type Client[C any] struct {
	Unit

	// Backoff says how long to wait after so many failures in a row, of which a lost connection is the
	// first. Less than 0 gives up: the service has then failed. If it is nil, it is Backoff's default.
	Backoff func(failed int) time.Duration

	// Retrying is told of each failure: how many there were in a row, why, and how long the client now
	// waits, less than 0 if it gives up. If it is nil, the loop's error handler is told.
	Retrying func(failed int, err error, wait time.Duration)

	loop  *corolla.Loop
	dial  func() *corolla.Future[C]
	begin func(c C, over func(err error)) // over is to be called when the connection has ended
	close func(c C)
	abort func(c C)

	phase    phase
	ending   bool
	attempt  *corolla.Future[C]
	timer    *corolla.Timer
	conn     C
	failures int   // in a row
	last     error // of them; nil if there are none
	end      error // of the connection that a stop has ended
	waiters  []*waiter[C]
	changed  corolla.Event
}

// waiter is somebody who wants to know of a connection.
type waiter[C any] struct {
	result *corolla.Future[C]
	left   int // failures until it gives up; 0 is never
}

// NewClient returns a client with a connection in push style. connect begins one attempt, with a new
// Protocol: transport.Dial, transport.DialTLS, process.Dial, or Connect of an Endpoint. What must be done
// with each connection before it counts as made belongs to the attempt. (Twisted's prepareConnection.)
func NewClient(l *corolla.Loop, name string, connect func() *corolla.Future[*transport.Conn]) *Client[*transport.Conn] {
	return newClient(&Client[*transport.Conn]{
		loop:  l,
		dial:  connect,
		begin: func(c *transport.Conn, over func(error)) { c.OnClosed(over) },
		close: (*transport.Conn).Close,
		abort: (*transport.Conn).Abort,
	}, name)
}

// NewTaskClient returns a client with a connection for tasks. Each attempt calls connect, and each
// connection then gets a task of its own that runs body, and is closed when that returns. When the client is
// stopped, that task is canceled, with ErrStopped as the cause.
func NewTaskClient(l *corolla.Loop, name string, connect func(t *corolla.Task) (*aio.Conn, error),
	body func(t *corolla.Task, c *aio.Conn) error,
) *Client[*aio.Conn] {
	var run *corolla.Future[struct{}]
	client := &Client[*aio.Conn]{
		loop: l,
		dial: func() *corolla.Future[*aio.Conn] { return corolla.Go(l, connect, corolla.Name(name+": connect")) },
		begin: func(c *aio.Conn, over func(error)) {
			run = l.Go(func(t *corolla.Task) error { return body(t, c) }, corolla.Describe(body, c))
			run.OnDone(func(f *corolla.Future[struct{}]) {
				_ = c.Close() // or body has
				_, err := f.Result()
				over(err)
			})
		},
		close: func(*aio.Conn) { run.Cancel(ErrStopped) },
		abort: func(c *aio.Conn) { _ = c.Abort() }, // or it has just been closed
	}
	return newClient(client, name)
}

func newClient[C any](c *Client[C], name string) *Client[C] {
	c.loop.Check("service.NewClient")
	c.Unit = *New(name, c.begins, c.ends)
	return c
}

func (c *Client[C]) begins(*corolla.Task) error {
	if c.Backoff == nil {
		c.Backoff = Backoff(time.Second, time.Minute, 1.5, Jitter(c.loop, time.Second))
	}
	c.ending, c.failures, c.last, c.end = false, 0, nil, nil
	c.connect()
	return nil
}

// connect begins an attempt.
func (c *Client[C]) connect() {
	c.phase = dialing
	c.attempt = c.try()
	c.attempt.OnDone(func(f *corolla.Future[C]) {
		c.attempt = nil
		if conn, err := f.Result(); err != nil {
			c.missed(err)
		} else {
			c.made(conn)
		}
	})
}

// try calls dial, whose panic is a failure like another.
func (c *Client[C]) try() (f *corolla.Future[C]) {
	defer func() {
		if v := recover(); v != nil {
			f = corolla.NewFuture[C](c.loop)
			_ = f.Fail(c.loop.Recovered(v, "an attempt of client "+c.name))
		}
	}()
	if f = c.dial(); f == nil {
		panic("service: an attempt of client " + c.name + " has no future: return what transport.Dial returns")
	}
	return f
}

func (c *Client[C]) made(conn C) {
	c.phase, c.conn, c.failures, c.last = connected, conn, 0, nil
	c.begin(conn, c.lost)
	if c.ending {
		c.close(conn)
		return
	}
	for _, w := range c.take(func(*waiter[C]) bool { return true }) {
		_ = w.result.Resolve(conn) // it was pending
	}
}

// lost is called when the connection has ended.
func (c *Client[C]) lost(err error) {
	var none C
	if c.conn = none; err == nil {
		err = io.EOF
	}
	if c.ending {
		c.end = err
	}
	c.missed(fmt.Errorf("connection lost: %w", err))
}

// missed is called when there is no connection any more, or no attempt.
func (c *Client[C]) missed(err error) {
	c.phase = off
	if c.ending {
		c.changed.Set()
		return
	}
	c.failures++
	why := &ClientError{Client: c.name, Failed: c.failures, Err: err, Wait: c.wait()}
	if c.last = why; why.Wait < 0 {
		c.giveUp(why)
	} else {
		c.phase = waiting
		c.timer = c.loop.After(why.Wait, c.connect)
		for _, w := range c.take(func(w *waiter[C]) bool { w.left--; return w.left == 0 }) {
			_ = w.result.Fail(why) // it was pending
		}
	}
	if c.Retrying == nil {
		c.loop.Report(why)
	} else {
		c.Retrying(c.failures, err, why.Wait)
	}
}
