package process

import (
	"errors"
	"fmt"
	"io"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Process is a process in the style of tasks.
type Process struct {
	*Child

	// The connections, which are the caller's to close: of the streams that are a Pipe, and the
	// Terminal; others are nil. Stdin.Close ends the process's input.
	Stdin, Stdout, Stderr, Terminal *aio.Conn
}

// Start starts a process, and parks t meanwhile.
func Start(t *corolla.Task, cmd Command) (*Process, error) {
	f := begin(t.Loop(), cmd)
	s, err := f.Await(t)
	if err != nil {
		return nil, err
	}
	p := &Process{Child: s.child}
	for i, c := range [...]**aio.Conn{&p.Stdin, &p.Stdout, &p.Stderr} {
		if s.socks[i] != nil {
			*c = aio.NewConn(s.socks[i])
		}
	}
	if s.master != nil {
		p.Terminal = aio.NewConn(s.master)
	}
	return p, nil
}

// Close closes the connections that are open still. The process goes on.
func (p *Process) Close() {
	for _, c := range [...]*aio.Conn{p.Stdin, p.Stdout, p.Stderr, p.Terminal} {
		if c != nil {
			_ = c.Close() // or it was closed before
		}
	}
}

// DefaultMaxOutput is how many bytes of each output Run takes, unless the Command says
// otherwise: 16 MiB.
const DefaultMaxOutput = 16 << 20

// ErrTooMuchOutput is returned by Run when a process says more than it may.
var ErrTooMuchOutput = errors.New("process: too much output")

// Run starts a process, gives it input, and waits until it has ended and closed its outputs. It
// returns what it said, of the streams that are a Pipe; Stdin is one if there is input, and
// Stdout and Stderr if nothing is said of them. An error after the start comes with what was
// read before. A process that says too much, or for which t does not wait any more because it is
// canceled, is killed; the limit in time is Task.Timeout.
func Run(t *corolla.Task, cmd Command, input []byte) (stdout, stderr []byte, err error) {
	for _, s := range [...]*Stream{&cmd.Stdout, &cmd.Stderr} {
		if s.kind == null && !cmd.Terminal {
			*s = Pipe
		}
	}
	if input != nil && !cmd.Terminal {
		cmd.Stdin = Pipe
	}
	p, err := Start(t, cmd)
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	if p.Terminal != nil {
		p.Stdin, p.Stdout = p.Terminal, p.Terminal
	}
	err = t.Group(func(g *corolla.Group) error {
		if input != nil {
			g.Go(func(t *corolla.Task) error { return p.feed(t, input) })
		}
		g.Go(func(t *corolla.Task) (err error) { stdout, err = p.drain(t, p.Stdout); return err })
		g.Go(func(t *corolla.Task) (err error) { stderr, err = p.drain(t, p.Stderr); return err })
		return nil
	})
	if err != nil { // it has said too much, or t was canceled
		p.end()
		e := t.Shielded(func(*corolla.Scope) error { return p.Wait(t) })
		var exit *ExitError
		if !errors.As(e, &exit) {
			err = errors.Join(err, e)
		}
		return stdout, stderr, err
	}
	return stdout, stderr, p.Wait(t)
}

// feed gives a process its input. One that does not want all of it is no error.
func (p *Process) feed(t *corolla.Task, input []byte) error {
	_, err := p.Stdin.Write(t, input)
	if errors.Is(err, corolla.ErrCanceled) {
		return err
	}
	if p.Stdin != p.Terminal {
		_ = p.Stdin.Close() // sends the rest; what it does not take is no error either
	}
	return nil
}

// drain reads an output to its end.
func (p *Process) drain(t *corolla.Task, c *aio.Conn) (all []byte, err error) {
	if c == nil {
		return nil, nil
	}
	limit := p.cmd.MaxOutput
	if limit <= 0 {
		limit = DefaultMaxOutput
	}
	buf := make([]byte, min(32<<10, limit+1))
	for {
		n, err := c.Read(t, buf)
		if len(all)+n > limit {
			return append(all, buf[:limit-len(all)]...), fmt.Errorf("%s: %w: more than %d bytes", p.cmd.Path, ErrTooMuchOutput, limit)
		}
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}
