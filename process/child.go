package process

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/corolla-go/corolla"
)

// Child is what both styles know of a process.
type Child struct {
	loop  *corolla.Loop
	cmd   Command
	p     *os.Process
	state *os.ProcessState
	exit  *corolla.Future[*os.ProcessState]
	off   func() // takes back what is to happen when the loop is closed
	kill  *corolla.Timer

	ending bool // because who waited was canceled
}

// ExitError says how a process has ended other than with status 0.
type ExitError struct {
	Path  string
	State *os.ProcessState
}

func (e *ExitError) Error() string {
	if sig, core, ok := ended(e.State); ok {
		text := fmt.Sprintf("%s: ended by signal: %v", e.Path, sig)
		if core {
			text += " (core dumped)"
		}
		return text
	}
	return e.Path + ": exit status " + strconv.Itoa(e.State.ExitCode())
}

// Code returns the exit status, or -1 if a signal has ended the process.
func (e *ExitError) Code() int { return e.State.ExitCode() }

// Signal returns the signal that has ended the process. It reports false if none has.
func (e *ExitError) Signal() (os.Signal, bool) {
	sig, _, ok := ended(e.State)
	return sig, ok
}

// started is what comes of starting a process.
type started struct {
	child  *Child
	socks  [3]*corolla.Socket // nil is no pipe
	master *corolla.Socket    // of a terminal
}

// begin starts a process, and has it watched.
func begin(l *corolla.Loop, cmd Command) *corolla.Future[*started] {
	result := corolla.NewFuture[*started](l)
	fail := func(err error) { _ = result.Fail(fmt.Errorf("start %s: %w", cmd.Path, err)) }
	if err := cmd.check(l); err != nil {
		fail(err)
		return result
	}
	s := &started{}
	var other *os.File
	if cmd.Terminal {
		var err error
		if s.master, other, err = openTerminal(l, cmd); err != nil {
			fail(err)
			return result
		}
	}
	j := &launch{}
	forget := l.OnClose(j.abandon)
	corolla.OffloadTo(l.Workers("process"), func(context.Context) (struct{}, error) {
		p, parent, err := cmd.start(other)
		if other != nil {
			_ = other.Close() // the process has it, or nobody needs it
		}
		if err == nil {
			j.started(p, parent)
		}
		return struct{}{}, err
	}).OnDone(func(f *corolla.Future[struct{}]) {
		forget()
		_, err := f.Result()
		if err == nil {
			j.phase.Store(taken)
			s.child = &Child{loop: l, cmd: cmd, p: j.p, exit: corolla.NewFuture[*os.ProcessState](l)}
			s.child.watch()
			err = s.adopt(j.parent)
		}
		if err != nil {
			s.abandon()
			fail(err)
			return
		}
		_ = result.Resolve(s) // nobody else settles it
	})
	return result
}

// launch is a start under way. Whoever comes last, the goroutine that starts or the loop that is
// closed, undoes it.
type launch struct {
	phase  atomic.Int32
	p      *os.Process
	parent [3]*os.File
}

const (
	starting int32 = iota
	running
	taken
	abandoned
)

// started is told, on the goroutine that starts, of the process.
func (j *launch) started(p *os.Process, parent [3]*os.File) {
	j.p, j.parent = p, parent
	if !j.phase.CompareAndSwap(starting, running) {
		j.undo()
	}
}

// abandon is called when the loop is closed: nobody will take what was started.
func (j *launch) abandon() {
	if !j.phase.CompareAndSwap(starting, abandoned) && j.phase.CompareAndSwap(running, abandoned) {
		j.undo()
	}
}

func (j *launch) undo() {
	e := ends{parent: j.parent}
	e.closeAll()
	end(j.p)
}

// end kills a process and waits for it. One that may not be killed lives on.
func end(p *os.Process) {
	if err := p.Kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		_, _ = p.Wait() // so that nothing of it is left
	}
}

func openTerminal(l *corolla.Loop, cmd Command) (*corolla.Socket, *os.File, error) {
	s, other, err := l.Terminal()
	if err != nil {
		return nil, nil, err
	}
	rows, columns := cmd.Rows, cmd.Columns
	if rows == 0 {
		rows = 24
	}
	if columns == 0 {
		columns = 80
	}
	if err := s.Resize(rows, columns); err != nil {
		return nil, nil, errors.Join(err, s.Close(), other.Close())
	}
	return s, other, nil
}

// adopt makes sockets of our ends of the pipes.
func (s *started) adopt(parent [3]*os.File) (err error) {
	for i, f := range parent {
		if f == nil {
			continue
		}
		if err == nil {
			s.socks[i], err = s.child.loop.Adopt(f)
		}
		_ = f.Close() // it was duplicated
	}
	return err
}

// abandon undoes it all.
func (s *started) abandon() {
	for _, sock := range append(s.socks[:], s.master) {
		if sock != nil {
			_ = sock.Close()
		}
	}
	if s.child != nil {
		_ = s.child.Kill()
	}
}

// watch waits for the end of the process.
func (c *Child) watch() {
	c.off = c.loop.OnClose(c.orphan)
	if _, err := c.loop.OnExit(c.p, func() {
		if c.cmd.Group && c.ending {
			_ = signalGroup(c.p.Pid, os.Kill) // the rest of it
		}
		c.reaped(c.p.Wait())
	}); err == nil {
		return
	}
	// A system without descriptors of processes: a goroutine waits for it, however many there are.
	waits := c.loop.Workers("process wait")
	waits.SetLimit(math.MaxInt)
	wait := func(context.Context) (*os.ProcessState, error) { return c.p.Wait() }
	corolla.OffloadTo(waits, wait).OnDone(func(f *corolla.Future[*os.ProcessState]) { c.reaped(f.Result()) })
}

func (c *Child) reaped(state *os.ProcessState, err error) {
	c.state = state
	c.off()
	if c.kill != nil {
		c.kill.Stop()
	}
	if err != nil {
		_ = c.exit.Fail(fmt.Errorf("wait for %s: %w", c.cmd.Path, err))
		return
	}
	_ = c.exit.Resolve(state) // nobody else settles it
}

// orphan kills the process when the loop is closed.
func (c *Child) orphan() {
	if c.cmd.Group {
		_ = signalGroup(c.p.Pid, os.Kill)
	}
	end(c.p)
}

// end makes the process end, gently if it has time.
func (c *Child) end() {
	c.ending = true
	if c.cmd.Grace <= 0 || c.Signal(syscall.SIGTERM) != nil {
		_ = c.Kill() // or it has ended
		return
	}
	if c.kill == nil {
		c.kill = c.loop.After(c.cmd.Grace, func() { _ = c.Kill() })
	}
}

// PID returns the number of the process.
func (c *Child) PID() int { return c.p.Pid }

// State returns how the process has ended, or nil while it runs.
func (c *Child) State() *os.ProcessState { return c.state }

// Signal sends the process a signal, and with Command.Group its whole group. The error is
// os.ErrProcessDone if it has ended, with Group if all have.
func (c *Child) Signal(sig os.Signal) error {
	switch {
	case c.cmd.Group:
		err := signalGroup(c.p.Pid, sig)
		if errors.Is(err, syscall.ESRCH) {
			err = os.ErrProcessDone
		}
		if err != nil {
			return fmt.Errorf("signal the group of %s: %w", c.cmd.Path, err)
		}
		return nil
	case c.state != nil:
		return fmt.Errorf("signal %s: %w", c.cmd.Path, os.ErrProcessDone)
	}
	if err := c.p.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", c.cmd.Path, err)
	}
	return nil
}

// Kill is Signal(os.Kill).
func (c *Child) Kill() error { return c.Signal(os.Kill) }

// result makes an error of how the process has ended.
func (c *Child) result(state *os.ProcessState, err error) error {
	if err == nil && !state.Success() {
		err = &ExitError{c.cmd.Path, state}
	}
	return err
}

// Wait parks t until the process has ended. It returns nil after exit status 0, and otherwise an
// *ExitError. If t is canceled, the process is killed, with Command.Group its whole group,
// within Command.Grace, and waited for; the error is then t's own. corolla.Shield, or waiting in
// another task, keeps it alive.
func (c *Child) Wait(t *corolla.Task) error {
	over := corolla.NewFuture[error](c.loop)
	var canceled error
	over.OnCancel(func(cause error) {
		canceled = &corolla.CanceledError{Cause: cause}
		c.end()
	})
	c.OnExit(func(err error) {
		if canceled != nil {
			_ = over.Fail(canceled) // which makes Await return t's own
		} else {
			_ = over.Resolve(err)
		}
	})
	result, err := over.Await(t)
	if err != nil {
		return err
	}
	return result
}

// OnExit calls f once the process has ended, with what Wait returns.
func (c *Child) OnExit(f func(error)) {
	c.exit.OnDone(func(done *corolla.Future[*os.ProcessState]) { f(c.result(done.Result())) })
}
