// Package turns is what the comparisons share: processes pinned to one core, their CPU time,
// servers that take turns, and how the outcome is shown.
//
// A machine drifts from minute to minute, so competitors are not measured one after the other: each
// has a short turn in every round, in fresh processes, and medians are compared.
package turns

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Core says where a child runs.
type Core int

// The measured server has one core, and its load another if there are two.
const (
	ServerCore Core = iota
	LoadCore
	// AllCores leaves a child where the system likes.
	AllCores Core = -1
)

// roleEnv tells a process that it is a child, and which.
const roleEnv = "COROLLA_BENCH_ROLE"

// Child is a process that was started for one turn. It speaks in lines.
type Child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// StartRole runs this program again as one of its roles.
func StartRole(ctx context.Context, core Core, role ...string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return start(core, exec.CommandContext(ctx, self), roleEnv+"="+strings.Join(role, " "))
}

// Start runs another program.
func Start(ctx context.Context, core Core, program string) (*Child, error) {
	return start(core, exec.CommandContext(ctx, program))
}

// StartLoad runs this program again as the load of a server, whose next line must be its address:
// the role's last argument. It returns once the load is ready.
func StartLoad(ctx context.Context, srv *Child, role ...string) (*Child, error) {
	addr, err := srv.Line()
	if err != nil {
		return nil, fmt.Errorf("the server's address: %w", err)
	}
	load, err := StartRole(ctx, LoadCore, append(role, addr)...)
	if err != nil {
		return nil, err
	}
	if err := load.Expect("ready"); err != nil {
		load.Kill()
		return nil, fmt.Errorf("the load: %w", err)
	}
	return load, nil
}

func start(core Core, cmd *exec.Cmd, env ...string) (*Child, error) {
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	// A child must not outlive the program that measures it. The kernel sends the signal when the
	// thread that started the child ends, and Main never leaves its own.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if err := onCore(core, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return &Child{cmd, in, bufio.NewReader(out)}, nil
}

// onCore calls f on a thread that is pinned to a core. A child inherits that, so even the threads
// that its runtime starts before main run there.
func onCore(core Core, f func() error) error {
	if core == AllCores {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("ask for the cores: %w", err)
	}
	var cores []int
	for cpu := 0; len(cores) < all.Count(); cpu++ {
		if all.IsSet(cpu) {
			cores = append(cores, cpu)
		}
	}
	one.Set(cores[int(core)%len(cores)])
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("keep to one core: %w", err)
	}
	return errors.Join(f(), unix.SchedSetaffinity(0, &all))
}

// Pid returns the child's process number.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Line waits for the child's next line.
func (c *Child) Line() (string, error) {
	line, err := c.out.ReadString('\n')
	if err == io.EOF {
		err = errors.New("it ended before it was done")
	}
	return strings.TrimSpace(line), err
}

// Expect waits for the child's next line, which must be this one.
func (c *Child) Expect(want string) error {
	line, err := c.Line()
	if err != nil {
		return fmt.Errorf("wait for %q: %w", want, err)
	}
	if line != want {
		return fmt.Errorf("wait for %q: it said %q", want, line)
	}
	return nil
}

// Say sends the child a line.
func (c *Child) Say(line string) error {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		return fmt.Errorf("say %q: %w", line, err)
	}
	return nil
}

// Kill ends the child.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	_ = c.cmd.Wait()         // killed, which is no failure
}

// Heard waits, in a child, for the next line from its parent.
func Heard(want string) error {
	var got string
	if _, err := fmt.Scanln(&got); err != nil {
		return fmt.Errorf("wait for %q: %w", want, err)
	}
	if got != want {
		return fmt.Errorf("wait for %q: heard %q", want, got)
	}
	return nil
}
