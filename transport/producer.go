package transport

import "errors"

// A producer is a source of data to write, which the connection tells when to go on (Twisted's two
// kinds).

// PushProducer writes on its own until it is told to pause.
type PushProducer interface {
	// Pause is called when more is buffered than the high water mark.
	Pause()
	// Resume is called when the buffer is down to the low water mark.
	Resume()
	// Stop is called when the connection is lost, or closed because the peer has ended its stream:
	// nothing more can be written.
	Stop()
}

// PullProducer writes once each time it is asked.
type PullProducer interface {
	// Resume is called whenever the connection has room: write some, or unregister.
	Resume()
	// Stop is called when the connection is lost: nothing more can be written.
	Stop()
}

// ErrProducing is returned by RegisterProducer and RegisterPullProducer when there already is a
// producer.
var ErrProducing = errors.New("transport: the connection already has a producer; unregister it first")

// production is a producer at work.
type production struct {
	push PushProducer
	pull PullProducer
	next func() // called when it is unregistered
}

// RegisterProducer makes a PushProducer the source of what is written. Close then waits until it is
// unregistered. If there is more than the high water mark already, it is paused within this call; if the
// connection is already closing, it is stopped.
func (c *Conn) RegisterProducer(p PushProducer) error {
	err := register(c, &production{push: p}, p.Stop)
	if err == nil && c.prod != nil && c.stream.Above() {
		defer c.guard()
		p.Pause()
	}
	return err
}

// RegisterPullProducer makes a PullProducer the source of what is written: it is asked within this call, and
// again whenever everything it wrote is sent. Otherwise it is as RegisterProducer.
func (c *Conn) RegisterPullProducer(p PullProducer) error {
	err := register(c, &production{pull: p}, p.Stop)
	if err == nil {
		pull(c)
	}
	return err
}

func register(c *Conn, p *production, stop func()) error {
	switch {
	case c.prod != nil:
		return ErrProducing
	case c.is(closing | shut | lost):
		stop()
		return nil
	}
	c.prod = p
	return nil
}

// UnregisterProducer says that the producer is done. A Close that was waiting for it goes on.
func (c *Conn) UnregisterProducer() {
	if p := c.prod; p != nil {
		c.prod = nil
		if p.next != nil {
			p.next()
		}
	}
}

// pull asks a pull producer for more, and again once that is sent.
func pull(c *Conn) {
	p := c.prod
	if p == nil || p.pull == nil || c.is(lost) {
		return
	}
	defer c.guard()
	p.pull.Resume()
	if c.prod == p {
		c.stream.WhenSent(func() { pullSoon(c, p) })
	}
}

// pullSoon asks in the next turn, unless there is another producer then, which waits for its own writes.
func pullSoon(c *Conn, p *production) {
	c.loop().Soon(func() {
		if c.prod == p {
			pull(c)
		}
	})
}

// mark tells a push producer that a water mark was crossed.
func (p *production) mark(above bool) {
	switch {
	case p == nil || p.push == nil:
	case above:
		p.push.Pause()
	default:
		p.push.Resume()
	}
}

// afterProduction calls do once there is no producer.
func afterProduction(c *Conn, do func()) {
	if c.prod == nil {
		do()
		return
	}
	c.prod.next = do
}

// stopProduction tells the producer that the connection is lost.
func stopProduction(c *Conn) {
	if p := c.prod; p != nil {
		c.prod = nil
		if p.push != nil {
			p.push.Stop()
		} else {
			p.pull.Stop()
		}
	}
}
