package process

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Process is a process in the style of tasks.
type Process struct {
	*Child

	// The connections, which are the caller's to close: of the streams that are a Pipe, and the
	// Terminal; others are nil. Stdin.Close ends the process's input; what was written is still
	// sent for at most 30 seconds, so Flush first to a process that may be slow to read.
	Stdin, Stdout, Stderr, Terminal *aio.Conn
}

// Start starts a process, and parks t meanwhile. The error wraps the system's, and exec.ErrNotFound
// if Path is a name that is not found. If t is canceled, it waits until the process has
// started, for that cannot be taken back, and kills it.
func Start(t *corolla.Task, cmd Command) (*Process, error) {
	var s *started
	err := t.Shielded(func(*corolla.Scope) (err error) {
		s, err = begin(t.Loop(), cmd).Await(t)
		return err
	})
	if canceled := t.Scope().Canceled(); err == nil && canceled != nil {
		s.abandon()
		err = canceled
	}
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
// Stdout and Stderr if nothing is said of them. What comes from a Terminal is stdout, and two ^D
// come behind the input. An error after the start comes with what was read before. A process that
// says too much, or for which t does not wait any more because it is canceled, is killed; the limit
// in time is Task.Timeout.
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
		defer p.Terminal.Abort() // what is left to send will never be taken
	}
	var exit error
	err = t.Group(func(g *corolla.Group) error {
		feeder := g.Go(func(t *corolla.Task) error { p.feed(t, input); return nil })
		if err := p.drainAll(t, &stdout, &stderr); err != nil {
			return err
		}
		exit = p.Wait(t)
		feeder.Cancel(nil) // others may hold its input open, and not read it
		return nil
	})
	if err == nil {
		return stdout, stderr, exit
	}
	p.end() // it has said too much, or t was canceled
	e := t.Shielded(func(*corolla.Scope) error { return p.Wait(t) })
	var status *ExitError
	if !errors.As(e, &status) {
		err = errors.Join(err, e)
	}
	return stdout, stderr, err
}

// endOfInput is what a terminal takes for the end of its input: what is typed as ^D. Behind a line
// that has not ended, the first only ends that.
const endOfInput = "\x04\x04"

// feed gives a process its input, and its end. One that does not want all of it is no error.
func (p *Process) feed(t *corolla.Task, input []byte) {
	switch {
	case p.Stdin == nil:
	case p.Stdin == p.Terminal:
		_, _ = p.Stdin.Write(t, append(slices.Clip(input), endOfInput...))
	default:
		if _, err := p.Stdin.Write(t, input); err == nil {
			_ = p.Stdin.Flush(t)
		}
		_ = p.Stdin.Close() // or it is closed
	}
}

// drainAll reads both outputs to their ends.
func (p *Process) drainAll(t *corolla.Task, stdout, stderr *[]byte) error {
	return t.Group(func(g *corolla.Group) error {
		g.Go(func(t *corolla.Task) (err error) { *stdout, err = p.drain(t, p.Stdout); return err })
		g.Go(func(t *corolla.Task) (err error) { *stderr, err = p.drain(t, p.Stderr); return err })
		return nil
	})
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
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Read(t, buf)
		if n > limit-len(all) {
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
