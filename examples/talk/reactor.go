package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
)

// pulled is a protocol that is its connection's producer: asked for more whenever all that
// it wrote is sent, it writes the next piece (Twisted's pull producer).
type pulled struct {
	j    *Job
	done *deferred.Deferred
	conn *transport.Conn
	sent int
	stop func() // observing
}

func (p *pulled) Opened(c *transport.Conn) {
	p.conn, p.stop = c, p.j.Observe(c.Socket().FD())
	if err := c.RegisterPullProducer(p); err == nil {
		c.Close() // once the producer is done
	}
}

func (p *pulled) Resume() {
	piece := p.j.Data[p.sent:min(p.sent+16*block, len(p.j.Data))]
	if err := p.conn.Write(piece); err == nil {
		p.sent += len(piece)
	}
	p.progress()
	if p.sent == len(p.j.Data) {
		p.conn.UnregisterProducer()
	}
}

func (p *pulled) Stop() {}

func (p *pulled) Data(*transport.Conn, []byte) {}

func (p *pulled) Closed(_ *transport.Conn, err error) {
	p.stop()
	if p.conn = nil; err != nil {
		p.done.Errback(err)
		return
	}
	p.j.Moved(p.sent)
	p.done.Callback(nil)
}

func (p *pulled) progress() {
	if p.conn != nil {
		p.j.Moved(p.sent - p.conn.Buffered())
	}
}

// reactor has a factory that builds the protocol, and a Deferred for the end.
func reactor(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	var failed error
	done := deferred.New(l)
	done.AddErrback(func(err error) (any, error) { failed = err; return nil, nil })
	done.AddCallback(func(any) (any, error) { l.Stop(); return nil, nil })
	factory := func() *pulled { return &pulled{j: j, done: done} }
	p := factory()
	transport.Dial(l, "tcp", j.Addr, p).OnDone(func(c *corolla.Future[*transport.Conn]) {
		if _, err := c.Result(); err != nil {
			done.Errback(err)
		}
	})
	countAndWatch(l, j, p.progress)
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}
