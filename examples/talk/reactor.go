package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

// producer is a protocol that is its connection's producer (Twisted's push producer): it
// writes until its consumer, the connection, pauses it. A pull producer, which is asked for
// each piece in a turn of its own, would have a slice counted between any two pieces.
type producer struct {
	j      *Job
	done   *deferred.Deferred[int] // with the number of bytes
	conn   *transport.Conn
	sent   int
	paused bool
	stop   func() // observing
}

func (p *producer) Opened(c *transport.Conn) {
	p.conn, p.stop = c, p.j.Observe(c.Socket().FD())
	count(c.Socket().Loop(), p.j)
	if err := c.RegisterProducer(p); err != nil {
		c.Abort() // Closed is told
		return
	}
	c.Close() // once the producer is done
	p.Resume()
}

func (p *producer) Pause() { p.paused = true }

func (p *producer) Resume() {
	for p.paused = false; !p.paused && p.sent < len(p.j.Data); {
		piece := p.j.Next(p.sent)
		if err := p.conn.Write(piece); err != nil {
			return // Closed is told why
		}
		p.sent += len(piece)
	}
	p.j.Moved(p.sent - p.conn.Buffered())
	if p.sent == len(p.j.Data) {
		p.conn.UnregisterProducer()
	}
}

func (p *producer) Stop() {}

func (p *producer) Data(*transport.Conn, []byte) {}

func (p *producer) Closed(_ *transport.Conn, err error) {
	if p.stop(); err != nil {
		p.done.Errback(err)
		return
	}
	p.j.Moved(p.sent)
	p.done.Callback(p.sent)
}

// reactor has a factory that builds the protocol, and a Deferred for the end.
func reactor(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	var failed error
	done := deferred.New[int](l)
	done.AddErrback(func(err error) (int, error) { failed = err; return 0, nil })
	done.AddCallback(func(n int) (int, error) { l.Stop(); return n, nil })
	factory := func() *producer { return &producer{j: j, done: done} }
	transport.Dial(l, "tcp", j.Addr, factory()).OnDone(func(c *corolla.Future[*transport.Conn]) {
		if _, err := c.Result(); err != nil {
			done.Errback(err)
		}
	})
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}
