package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// sender is a protocol with flow control (asyncio's): it writes until it is told to pause,
// and goes on when it is told to resume.
type sender struct {
	j       *Job
	conn    *transport.Conn
	written int
	paused  bool
	stop    func() // observing
	end     func(error)
}

func (p *sender) Opened(c *transport.Conn) {
	p.conn, p.stop = c, p.j.Observe(c.Socket().FD())
	count(c.Socket().Loop(), p.j)
	p.write()
}

func (p *sender) PauseWriting(*transport.Conn) { p.paused = true }

func (p *sender) ResumeWriting(*transport.Conn) {
	p.paused = false
	p.write()
}

func (p *sender) write() {
	for !p.paused && p.written < len(p.j.Data) {
		piece := p.j.Next(p.written)
		if err := p.conn.Write(piece); err != nil {
			return // Closed is told why
		}
		p.written += len(piece)
	}
	p.j.Moved(p.written - p.conn.Buffered())
	if p.written == len(p.j.Data) {
		p.conn.Close() // once all is sent
	}
}

func (p *sender) Data(*transport.Conn, []byte) {}

func (p *sender) Closed(_ *transport.Conn, err error) {
	if err == nil {
		p.j.Moved(p.written)
	}
	p.stop()
	p.end(err)
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
	if err := l.RunForever(); err != nil {
		return err
	}
	return failed
}
