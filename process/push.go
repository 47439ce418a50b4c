package process

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
)

// Protocol is told what happens to a process. (Twisted's ProcessProtocol.)
type Protocol interface {
	// Started is called once, before anything else.
	Started(p *Transport)
	// Output is called with what the process wrote to descriptor 1 or 2, or to its terminal, which
	// counts as 1: at least one byte, and good only until Output returns.
	Output(p *Transport, fd int, b []byte)
	// Exited is called once, when the process has ended: with nil after exit status 0, and
	// otherwise an *ExitError. Its own children may still hold its outputs open.
	Exited(p *Transport, err error)
	// Closed is called once, when the process and its outputs have ended.
	Closed(p *Transport)
}

// Transport is a process in push style.
type Transport struct {
	*Child

	// The connections to streams that are a Pipe, and to the Terminal; the others are nil. They
	// close by themselves when the process closes its ends. Stdin.Close ends the process's input.
	Stdin, Stdout, Stderr, Terminal *transport.Conn

	proto  Protocol
	open   int // outputs
	exited bool
}

// Spawn starts a process. The future resolves to its Transport, after Started was called, or fails
// as Start does. If it fails, or is canceled first, which kills the process, proto hears nothing.
func Spawn(l *corolla.Loop, cmd Command, proto Protocol) *corolla.Future[*Transport] {
	result := corolla.NewFuture[*Transport](l)
	f := begin(l, cmd)
	f.OnDone(func(f *corolla.Future[*started]) {
		s, err := f.Result()
		switch {
		case err != nil:
			_ = result.Fail(err) // or it was canceled
			return
		case result.Done():
			s.abandon()
			return
		}
		p := &Transport{Child: s.child, proto: proto}
		p.connect(s)
		p.guarded(func() { proto.Started(p) })
		p.OnExit(p.ended)
		_ = result.Resolve(p)
	})
	return result
}

func (p *Transport) connect(s *started) {
	for i, c := range [...]**transport.Conn{&p.Stdin, &p.Stdout, &p.Stderr} {
		if sock := s.socks[i]; sock != nil && i == 0 {
			*c = transport.New(sock, input{})
		} else if sock != nil {
			p.open++
			*c = transport.New(sock, &output{p, i})
		}
	}
	if s.master != nil {
		p.open++
		p.Terminal = transport.New(s.master, &output{p, 1})
	}
}

// guarded calls the protocol. A panic kills the process.
func (p *Transport) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil {
			p.loop.Recovered(v, "a process's protocol")
			_ = p.Kill() // or it has ended
		}
	}()
	f()
}

func (p *Transport) ended(err error) {
	p.exited = true
	p.guarded(func() { p.proto.Exited(p, err) })
	p.closed()
}

// closed tells the protocol once everything has ended.
func (p *Transport) closed() {
	if !p.exited || p.open > 0 {
		return
	}
	if p.Stdin != nil {
		p.Stdin.Abort() // no process reads it any more
	}
	p.guarded(func() { p.proto.Closed(p) })
}

// output is the Protocol of one of a process's outputs.
type output struct {
	p  *Transport
	fd int
}

func (o *output) Opened(*transport.Conn) {}

func (o *output) Data(_ *transport.Conn, b []byte) {
	o.p.guarded(func() { o.p.proto.Output(o.p, o.fd, b) })
}

// EOF drops what is still unsent to a terminal: no process will read it.
func (o *output) EOF(c *transport.Conn) bool { c.Abort(); return true }

func (o *output) Closed(*transport.Conn, error) {
	o.p.open--
	o.p.closed()
}

// input is the Protocol of a process's input.
type input struct{}

func (input) Opened(*transport.Conn)        {}
func (input) Data(*transport.Conn, []byte)  {}
func (input) Closed(*transport.Conn, error) {}
