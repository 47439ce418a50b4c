package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// sender writes everything as soon as it is connected: its transport waits for it.
type sender struct {
	j    *Job
	conn *transport.Conn
	stop func() // observing
	end  func(error)
}

func (p *sender) Opened(c *transport.Conn) {
	p.conn, p.stop = c, p.j.Observe(c.Socket().FD())
	if err := c.Write(p.j.Data); err == nil {
		c.Close() // once all is sent
	}
}

func (p *sender) Data(*transport.Conn, []byte) {}

func (p *sender) Closed(_ *transport.Conn, err error) {
	if p.conn = nil; err == nil {
		p.j.Moved(len(p.j.Data))
	}
	p.stop()
	p.end(err)
}

// progress asks the transport how far it has come.
func (p *sender) progress() {
	if p.conn != nil && p.conn.Buffered() > 0 {
		p.j.Moved(len(p.j.Data) - p.conn.Buffered())
	}
}

// protocol has a protocol and its transport: the end of the connection ends the loop.
func protocol(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	var failed error
	p := &sender{j: j, end: func(err error) { failed = err; l.Stop() }}
	transport.Dial(l, "tcp", j.Addr, p).OnDone(func(f *corolla.Future[*transport.Conn]) {
		if _, err := f.Result(); err != nil {
			p.end(err)
		}
	})
	countAndWatch(l, j, p.progress)
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}

// countAndWatch counts a slice in every turn, and then looks how far the sending has come.
func countAndWatch(l *corolla.Loop, j *Job, progress func()) {
	var count func()
	count = func() {
		j.Slice()
		progress()
		l.Soon(count)
	}
	l.Soon(count)
}
