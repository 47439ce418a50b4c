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

// Child is the part of a process that both styles share.
type Child struct {
	loop  *corolla.Loop
	cmd   Command
	p     *os.Process
	state *os.ProcessState
	exit  *corolla.Future[*os.ProcessState]
	off   func() // undoes the loop's OnClose
	kill  *corolla.Timer

	ending bool // because the waiting task was canceled
}

// ExitError says how a process ended, if not with status 0.
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

// Code returns the exit status, or -1 if a signal ended the process.
func (e *ExitError) Code() int { return e.State.ExitCode() }

// Signal returns the signal that ended the process. It reports false if none did.
func (e *ExitError) Signal() (os.Signal, bool) {
	sig, _, ok := ended(e.State)
	return sig, ok
}

// started is the result of starting a process.
type started struct {
	child  *Child
	socks  [3]*corolla.Socket // nil if not a pipe
	master *corolla.Socket    // of a terminal
}

// begin starts a process, and watches it.
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
			_ = other.Close() // the process has it, or it is not needed
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
		_ = result.Resolve(s) // nothing else settles it
	})
	return result
}

// launch is a start under way. If the loop is closed meanwhile, whichever comes last undoes the
// start: the starting goroutine or the loop's closing.
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

// started is called with the process, on the goroutine that started it.
func (j *launch) started(p *os.Process, parent [3]*os.File) {
	j.p, j.parent = p, parent
	if !j.phase.CompareAndSwap(starting, running) {
		j.undo()
	}
}

// abandon is called when the loop is closed: nothing will take the process over.
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

// end kills a process and waits for it. One that we are not allowed to kill lives on.
func end(p *os.Process) {
	if err := p.Kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		_, _ = p.Wait() // so that no zombie is left
		forget(p)
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

// adopt turns our ends of the pipes into sockets.
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

// abandon closes the sockets and kills the process.
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

// watch arranges for reaped to be called when the process has ended.
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
	// A system without pidfds: each process has a goroutine that waits for it.
	waits := c.loop.Workers("process wait")
	waits.SetLimit(math.MaxInt)
	wait := func(context.Context) (*os.ProcessState, error) { return c.p.Wait() }
	corolla.OffloadTo(waits, wait).OnDone(func(f *corolla.Future[*os.ProcessState]) { c.reaped(f.Result()) })
}

func (c *Child) reaped(state *os.ProcessState, err error) {
	forget(c.p)
	c.state = state
	c.off()
	if c.kill != nil {
		c.kill.Stop()
	}
	if err != nil {
		_ = c.exit.Fail(fmt.Errorf("wait for %s: %w", c.cmd.Path, err))
		return
	}
	_ = c.exit.Resolve(state) // nothing else settles it
}

// orphan kills the process when the loop is closed.
func (c *Child) orphan() {
	if c.cmd.Group {
		_ = signalGroup(c.p.Pid, os.Kill)
	}
	end(c.p)
}

// end makes the process end, gently if it has a grace period.
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

// PID returns the process ID.
func (c *Child) PID() int { return c.p.Pid }

// State returns how the process ended, or nil while it runs.
func (c *Child) State() *os.ProcessState { return c.state }

// Signal sends the process a signal, and with Command.Group its whole group. The error wraps
// os.ErrProcessDone if it has ended, or, with Group, if all have.
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

// result returns how the process ended, as an error.
func (c *Child) result(state *os.ProcessState, err error) error {
	if err == nil && !state.Success() {
		err = &ExitError{c.cmd.Path, state}
	}
	return err
}

// Wait parks t until the process has ended. It returns nil after exit status 0, and otherwise an
// *ExitError. If t is canceled, the process is killed, with Command.Group its whole group, within
// Command.Grace, and waited for; the error is then t's own. To keep it alive, use corolla.Shield or
// wait in another task.
func (c *Child) Wait(t *corolla.Task) error {
	over := corolla.NewFuture[error](c.loop)
	var canceled error
	over.OnCancel(func(cause error) {
		canceled = &corolla.CanceledError{Cause: cause}
		c.end()
	})
	c.OnExit(func(err error) {
		if canceled != nil {
			_ = over.Fail(canceled) // makes Await return t's own error
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
