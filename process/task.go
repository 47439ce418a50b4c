package process

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Process is a process in task style.
type Process struct {
	*Child

	// The connections to streams that are a Pipe, and to the Terminal; the others are nil. The
	// caller closes them. Stdin.Close ends the process's input; what was written is still sent for
	// at most 30 seconds, so Flush first if the process may be slow to read.
	Stdin, Stdout, Stderr, Terminal *aio.Conn
}

// Start starts a process, and parks t meanwhile. The error wraps the system's, or exec.ErrNotFound
// if Path is a name that is not found. If t is canceled, Start waits until the process has started,
// which cannot be undone, and kills it.
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

// Close closes the connections that are still open. The process goes on.
func (p *Process) Close() {
	for _, c := range [...]*aio.Conn{p.Stdin, p.Stdout, p.Stderr, p.Terminal} {
		if c != nil {
			_ = c.Close() // or it is already closed
		}
	}
}

// DefaultMaxOutput is how many bytes of each output Run accepts, unless the Command says otherwise:
// 16 MiB.
const DefaultMaxOutput = 16 << 20

// ErrTooMuchOutput is returned by Run when a process writes more than it may.
var ErrTooMuchOutput = errors.New("process: too much output")

// Run starts a process, gives it input, and waits until it has ended and closed its outputs. It
// returns the output of the streams that are a Pipe; Stdin becomes one if input is not nil, and
// Stdout and Stderr do if they are not set. Output from a Terminal is stdout, and two ^D follow the
// input. An error after the start comes with the output so far. If the process writes too much, or
// t is canceled, the process is killed; to limit the time, use Task.Timeout.
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
		defer p.Terminal.Abort() // unsent data will never be read
	}
	var exit error
	err = t.Group(func(g *corolla.Group) error {
		feeder := g.Go(func(t *corolla.Task) error { p.feed(t, input); return nil })
		if err := p.drainAll(t, &stdout, &stderr); err != nil {
			return err
		}
		exit = p.Wait(t)
		feeder.Cancel(nil) // other processes may hold its input open without reading it
		return nil
	})
	if err == nil {
		return stdout, stderr, exit
	}
	p.end() // too much output, or t was canceled
	e := t.Shielded(func(*corolla.Scope) error { return p.Wait(t) })
	var status *ExitError
	if !errors.As(e, &status) {
		err = errors.Join(err, e)
	}
	return stdout, stderr, err
}

// endOfInput is what a terminal takes for the end of its input: ^D as typed. After an unfinished
// line, the first one only ends that line.
const endOfInput = "\x04\x04"

// feed gives a process its input, and ends it. A process that does not read all of it is not an
// error.
func (p *Process) feed(t *corolla.Task, input []byte) {
	switch {
	case p.Stdin == nil:
	case p.Stdin == p.Terminal:
		_, _ = p.Stdin.Write(t, append(slices.Clip(input), endOfInput...))
	default:
		if _, err := p.Stdin.Write(t, input); err == nil {
			_ = p.Stdin.Flush(t)
		}
		_ = p.Stdin.Close() // or it is already closed
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
