//go:build unix

package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// onLoop runs test in a task of a real loop: no other has processes.
func onLoop(t *testing.T, test func(t *testing.T, task *corolla.Task)) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	if err := l.Run(func(task *corolla.Task) error { test(t, task); return nil }); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func sh(script string) process.Command {
	return process.Command{Path: "sh", Args: []string{"-c", script}}
}

func TestRun(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("all of it ", 100_000)
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for name, c := range map[string]struct {
			cmd         process.Command
			input       string
			out, errOut string
			fails       string
		}{
			"both outputs":      {sh("echo out; echo err >&2"), "", "out\n", "err\n", ""},
			"input":             {process.Command{Path: "cat"}, large, large, "", ""},
			"input not wanted":  {process.Command{Path: "true"}, large, "", "", ""},
			"exit status":       {sh("echo said; exit 3"), "", "said\n", "", "sh: exit status 3"},
			"signal":            {sh("kill -TERM $$"), "", "", "", "sh: ended by signal: terminated"},
			"environment":       {process.Command{Path: "sh", Args: []string{"-c", `echo "$A-$HOME"`}, Env: []string{"A=b"}}, "", "b-\n", "", ""},
			"folder":            {process.Command{Path: "pwd", Dir: dir}, "", dir + "\n", "", ""},
			"merged":            {process.Command{Path: "sh", Args: []string{"-c", "echo out; echo err >&2"}, Stderr: process.Merge}, "", "out\nerr\n", "", ""},
			"no input is /null": {process.Command{Path: "cat"}, "", "", "", ""},
			"a terminal":        {process.Command{Path: "sh", Args: []string{"-c", "stty size; tty >/dev/null && echo yes"}, Terminal: true, Rows: 30}, "", "30 80\r\nyes\r\n", "", ""},
		} {
			var input []byte
			if c.input != "" {
				input = []byte(c.input)
			}
			out, errOut, err := process.Run(task, c.cmd, input)
			if string(out) != c.out || string(errOut) != c.errOut {
				t.Errorf("%s: %d bytes %.60q and %.60q", name, len(out), out, errOut)
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || err.Error() != c.fails) {
				t.Errorf("%s: %v, want %s", name, err, c.fails)
			}
		}
	})
}

func TestExitStatusAndSignalAreToldApart(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		var exit *process.ExitError
		_, _, err := process.Run(task, sh("exit 143"), nil)
		if !errors.As(err, &exit) || exit.Code() != 143 {
			t.Errorf("exit status: %v", err)
		}
		if sig, ok := exit.Signal(); ok {
			t.Errorf("exit status 143 is no signal, got %v", sig)
		}
		_, _, err = process.Run(task, sh("kill -TERM $$"), nil)
		if !errors.As(err, &exit) || exit.Code() != -1 {
			t.Errorf("signal: %v", err)
		}
		if sig, ok := exit.Signal(); !ok || sig != syscall.SIGTERM {
			t.Errorf("signal: %v", sig)
		}
	})
}

func TestStartRefusals(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for name, c := range map[string]struct {
			cmd  process.Command
			is   error
			text string
		}{
			"no such program":     {process.Command{Path: "no-such-program-at-all"}, exec.ErrNotFound, ""},
			"no such path":        {process.Command{Path: "/no/such/path"}, fs.ErrNotExist, "start /no/such/path: no such file or directory"},
			"no path":             {process.Command{}, nil, "start : no Path"},
			"no such folder":      {process.Command{Path: "true", Dir: "/no/such/folder"}, fs.ErrNotExist, "start true: chdir /no/such/folder: no such file or directory"},
			"no folder":           {process.Command{Path: "true", Dir: "/etc/passwd"}, syscall.ENOTDIR, "start true: chdir /etc/passwd: not a directory"},
			"a path in no folder": {process.Command{Path: "./prog", Dir: "/no/such/folder"}, fs.ErrNotExist, "start ./prog: chdir /no/such/folder: no such file or directory"},
			"no path in a folder": {process.Command{Path: "./prog", Dir: "/"}, fs.ErrNotExist, "start ./prog: no such file or directory"},
			"no such user":        {process.Command{Path: "true", User: "nobody-of-that-name"}, nil, ""},
			"merged output":       {process.Command{Path: "true", Stdout: process.Merge}, nil, "start true: only Stderr can be Merge"},
			"no file":             {process.Command{Path: "true", Stdout: process.File(nil)}, nil, "start true: a file is nil"},
			"not executable":      {process.Command{Path: "/etc/passwd"}, fs.ErrPermission, ""},
			"both":                {process.Command{Path: "true", Terminal: true, Stdin: process.Pipe}, nil, "start true: with a Terminal, leave Stdin, Stdout and Stderr unset"},
		} {
			p, err := process.Start(task, c.cmd)
			if p != nil || err == nil || c.is != nil && !errors.Is(err, c.is) || c.text != "" && err.Error() != c.text || !strings.HasPrefix(err.Error(), "start "+c.cmd.Path+": ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	l := sim.New(1).NewLoop()
	defer l.Close()
	if err := l.Run(func(task *corolla.Task) error {
		_, err := process.Start(task, sh("true"))
		return err
	}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("on a simulated machine: %v", err)
	}
}

func TestConversation(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		cmd := sh("while read line; do echo \"you said $line\"; done; echo bye >&2")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = process.Pipe, process.Pipe, process.Pipe
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.PID() <= 0 || p.State() != nil {
			t.Errorf("process %d, %v", p.PID(), p.State())
		}
		for _, word := range []string{"hello", "again"} {
			if _, err := p.Stdin.Write(task, []byte(word+"\n")); err != nil {
				t.Error(err)
			}
			if line, err := p.Stdout.ReadUntil(task, []byte("\n")); string(line) != "you said "+word+"\n" || err != nil {
				t.Errorf("read %q, %v", line, err)
			}
		}
		if err := p.Stdin.Close(); err != nil {
			t.Error(err)
		}
		for line, err := range p.Stderr.Lines(task) {
			if string(line) != "bye" || err != nil {
				t.Errorf("on stderr %q, %v", line, err)
			}
		}
		if err := p.Wait(task); err != nil || !p.State().Success() {
			t.Errorf("Wait: %v", err)
		}
		if err := p.Wait(task); err != nil {
			t.Errorf("Wait again: %v", err)
		}
		if err := p.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) { // twisted rule 32
			t.Errorf("signal after the end: %v", err)
		}
	})
}

func TestGivenDescriptors(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		third, err := os.Create(filepath.Join(t.TempDir(), "third"))
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		cmd := sh("echo one; echo two >&2; echo three >&3")
		cmd.Stdout, cmd.Stderr, cmd.Files = process.File(out), process.Merge, []*os.File{third}
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(task); err != nil {
			t.Error(err)
		}
		for f, want := range map[*os.File]string{out: "one\ntwo\n", third: "three\n"} {
			if got, err := os.ReadFile(f.Name()); string(got) != want || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
		if p.Stdin != nil || p.Stdout != nil || p.Stderr != nil {
			t.Error("connections of what is no pipe")
		}
	})
}

func TestUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	name := me.Username
	if me.Uid == "0" {
		name = "nobody"
	}
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		cmd := process.Command{Path: "id", Args: []string{"-un"}, User: name, Dir: "/"}
		if out, _, err := process.Run(task, cmd, nil); string(out) != name+"\n" || err != nil {
			t.Errorf("as %s: %q, %v", name, out, err)
		}
	})
}

// alive reports whether a process is there, be it as a zombie.
func alive(t *testing.T, pid int) bool {
	t.Helper()
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}

// lives reports whether it is no zombie.
func lives(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(rest, []byte("Z"))
}

// gone waits until a process is.
func gone(t *testing.T, task *corolla.Task, pid int) {
	t.Helper()
	err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for lives(t, pid) { // its parent may be another
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("process %d lives on", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// family starts a shell and a process of its, and returns the latter's number.
func family(t *testing.T, task *corolla.Task, cmd process.Command) (*process.Process, int) {
	t.Helper()
	cmd.Path, cmd.Args = "sh", []string{"-c", "sleep 1000 & echo $!; wait"}
	cmd.Stdout = process.Pipe
	p, err := process.Start(task, cmd)
	if err != nil {
		t.Fatal(err)
	}
	line, err := p.Stdout.ReadUntil(task, []byte("\n"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		t.Fatal(err)
	}
	return p, pid
}

func TestCancelKillsTheWholeGroup(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		p, grandchild := family(t, task, process.Command{Group: true})
		defer p.Close()
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		if p.State() == nil {
			t.Error("Wait did not wait for what it killed")
		}
		gone(t, task, grandchild)
	})
}

func TestGroupIsKilledWhenItsLeaderHasGone(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		// The one that was started ends at once; what it has started keeps the output open.
		cmd := process.Command{Path: "sh", Args: []string{"-c", "sleep 1000 & echo $!; exit 0"}, Group: true}
		var out []byte
		err := task.Timeout(100*time.Millisecond, func(*corolla.Scope) (err error) {
			out, _, err = process.Run(task, cmd, nil)
			return err
		})
		pid, e := strconv.Atoi(strings.TrimSpace(string(out)))
		if !errors.Is(err, os.ErrDeadlineExceeded) || e != nil {
			t.Fatalf("%q, %v", out, err)
		}
		gone(t, task, pid)
		// One that ignores SIGTERM is killed when the leader, which does not, has ended.
		cmd = process.Command{Path: "sh", Args: []string{
			"-c", "(trap '' TERM; echo x; exec sleep 1000) & echo $!; wait",
		}, Group: true, Grace: time.Minute, Stdout: process.Pipe}
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		pid = 0
		for range 2 {
			line, err := p.Stdout.ReadUntil(task, []byte("\n"))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := strconv.Atoi(strings.TrimSpace(string(line))); err == nil {
				pid = n
			}
		}
		err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		gone(t, task, pid)
	})
}

func TestRunOfOddProcesses(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		large := []byte(strings.Repeat("x", 1<<20))
		for name, c := range map[string]struct {
			cmd   process.Command
			input []byte
			want  string
		}{
			"reads late":                 {sh("sleep 0.1; wc -c"), large, "1048576\n"},
			"a pipe and no input":        {process.Command{Path: "cat", Stdin: process.Pipe}, nil, ""},
			"a terminal that has gone":   {process.Command{Path: "true", Terminal: true}, large, ""},
			"input that a child holds":   {sh("exec 3<&0; sleep 1000 <&3 3<&- >/dev/null 2>&1 & echo $!"), large, ""},
			"as much as may be said":     {process.Command{Path: "echo", Args: []string{"x"}, MaxOutput: 2}, nil, "x\n"},
			"all that there is of limit": {process.Command{Path: "echo", Args: []string{"x"}, MaxOutput: math.MaxInt}, nil, "x\n"},
			"a path from its folder":     {process.Command{Path: "./prog", Dir: folderWith(t, "prog", "#!/bin/sh\necho here\n")}, nil, "here\n"},
		} {
			var out []byte
			err := task.Timeout(20*time.Second, func(s *corolla.Scope) (err error) {
				out, _, err = process.Run(task, c.cmd, c.input)
				return errors.Join(err, s.Canceled()) // also if that is what has ended it
			})
			if err != nil || c.want != "" && string(out) != c.want {
				t.Errorf("%s: %.40q, %v", name, out, err)
			}
			if name == "input that a child holds" {
				pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
				if err == nil {
					err = syscall.Kill(pid, syscall.SIGKILL)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}
		out, _, err := process.Run(task, process.Command{Path: "cat", Terminal: true}, []byte("line\n"))
		if !strings.HasSuffix(string(out), "line\r\n") || err != nil {
			t.Errorf("cat on a terminal: %q, %v", out, err)
		}
	})
}

// folderWith makes a folder with a program.
func folderWith(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestClosingTheLoopWhileProcessesStart(t *testing.T) {
	for i := range 20 {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		mark := filepath.Join(t.TempDir(), "pid")
		if err := l.Run(func(task *corolla.Task) error {
			cmd := sh("echo $$ >" + mark + "; exec sleep 1000")
			cmd.Stdin, cmd.Stdout = process.Pipe, process.Pipe
			l.Go(func(task *corolla.Task) error { _, err := process.Start(task, cmd); return err })
			for range i {
				if err := task.Yield(); err != nil {
					return err
				}
			}
			l.Stop()
			return task.Yield()
		}); err != nil && !errors.Is(err, corolla.ErrLoopStopped) {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		onLoop(t, func(t *testing.T, task *corolla.Task) {
			slept := task.Sleep(10 * time.Millisecond)
			text, err := os.ReadFile(mark)
			if slept != nil || err != nil || len(text) == 0 {
				return // it was killed before it could say its number
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, task, pid)
		})
	}
}

func TestSpawnCanceled(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for i := range 50 {
			r := &told{}
			f := process.Spawn(task.Loop(), process.Command{Path: "sleep", Args: []string{"1000"}}, r)
			f.OnDone(func(f *corolla.Future[*process.Transport]) { _, _ = f.Result() })
			for range i {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			canceled := f.Cancel(nil)
			if err := task.Sleep(5 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if canceled && r.String() != "" {
				t.Errorf("after %d turns: canceled, yet it was told %q", i, r)
			}
			if p, err := f.Result(); err == nil {
				_ = p.Kill()
				if err := r.over.Wait(task); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestCancelKillsTheProcessAlone(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		p, grandchild := family(t, task, process.Command{})
		defer p.Close()
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		if !alive(t, grandchild) {
			t.Error("what it had started is gone too")
		}
		if err := syscall.Kill(grandchild, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
}

func TestGrace(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for script, want := range map[string]string{
			"trap 'echo tidy; exit 7' TERM; echo ready; while :; do sleep 0.01; done": "sh: exit status 7",
			"trap '' TERM; echo ready; while :; do sleep 0.01; done":                  "sh: ended by signal: killed",
		} {
			cmd := sh(script)
			cmd.Stdout, cmd.Grace = process.Pipe, 300*time.Millisecond
			p, err := process.Start(task, cmd)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Stdout.ReadUntil(task, []byte("\n")); err != nil {
				t.Error(err)
			}
			err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return p.Wait(task) })
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Wait: %v", err)
			}
			if err := p.Wait(task); err == nil || err.Error() != want {
				t.Errorf("ended with %v, want %s", err, want)
			}
			p.Close()
		}
	})
}

func TestTooMuchOutput(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		cmd := process.Command{Path: "yes", MaxOutput: 1000}
		out, _, err := process.Run(task, cmd, nil)
		if !errors.Is(err, process.ErrTooMuchOutput) || len(out) != 1000 || !strings.HasPrefix(err.Error(), "yes: ") {
			t.Errorf("%d bytes, %v", len(out), err)
		}
		// In time, too.
		var got []byte
		err = task.Timeout(50*time.Millisecond, func(*corolla.Scope) (err error) {
			cmd := sh("echo said; sleep 1000")
			cmd.Group = true // or what it has started lives on
			got, _, err = process.Run(task, cmd, nil)
			return err
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || len(got) > 0 && string(got) != "said\n" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestClosingTheLoopKills(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	pid := 0
	if err := l.Run(func(task *corolla.Task) error {
		p, err := process.Start(task, process.Command{Path: "sleep", Args: []string{"1000"}})
		if err == nil {
			pid = p.PID()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !alive(t, pid) {
		t.Error("it is gone before")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if alive(t, pid) {
		t.Error("something of it is left")
	}
}

func TestCancelWhileItStarts(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		mark := filepath.Join(t.TempDir(), "pid")
		cmd := sh("echo $$ >" + mark + "; exec sleep 1000")
		starter := task.Loop().Go(func(task *corolla.Task) error {
			_, err := process.Start(task, cmd)
			return err
		})
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
		starter.Cancel(nil)
		if _, err := starter.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Start: %v", err)
		}
		// It is started, and then killed; or it was killed before it could say its number.
		if err := task.Sleep(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(mark); err == nil && len(text) > 0 {
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, task, pid)
		}
	})
}

// told is a Protocol that writes down what happens.
type told struct {
	said  []string
	out   [3]string
	start func(*process.Transport)
	heard func(p *process.Transport, fd int, b []byte)
	over  corolla.Event
}

func (r *told) String() string { return strings.Join(r.said, " ") }

func (r *told) Started(p *process.Transport) {
	r.said = append(r.said, "started")
	if r.start != nil {
		r.start(p)
	}
}

func (r *told) Output(p *process.Transport, fd int, b []byte) {
	r.out[fd] += string(b)
	if r.heard != nil {
		r.heard(p, fd, b)
	}
}

func (r *told) Exited(_ *process.Transport, err error) {
	r.said = append(r.said, fmt.Sprintf("exited(%v)", err))
}

func (r *told) Closed(*process.Transport) {
	r.said = append(r.said, "closed")
	r.over.Set()
}

func TestSpawn(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		cmd := sh("cat; echo err >&2; exit 4")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = process.Pipe, process.Pipe, process.Pipe
		large := strings.Repeat("push ", 100_000)
		r := &told{start: func(p *process.Transport) {
			_ = p.Stdin.Write([]byte(large))
			p.Stdin.Close()
		}}
		p, err := process.Spawn(l, cmd, r).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.over.Wait(task); err != nil {
			t.Error(err)
		}
		if r.out[1] != large || r.out[2] != "err\n" || r.String() != "started exited(sh: exit status 4) closed" {
			t.Errorf("said %d bytes and %q, was told %q", len(r.out[1]), r.out[2], r)
		}
		if err := p.Stdin.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("to one that has ended: %v", err)
		}
		if _, err := process.Spawn(l, process.Command{Path: "/no/such/path"}, r).Await(task); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such program: %v", err)
		}
	})
}

func TestSpawnOnATerminal(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		r := &told{}
		r.heard = func(p *process.Transport, fd int, b []byte) {
			if strings.Contains(r.out[1], "name? ") && !strings.Contains(r.out[1], "Ada") {
				_ = p.Terminal.Write([]byte("Ada\n"))
			}
		}
		cmd := sh("printf 'name? '; read name; echo \"hello $name\"")
		cmd.Terminal = true
		if _, err := process.Spawn(task.Loop(), cmd, r).Await(task); err != nil {
			t.Fatal(err)
		}
		if err := r.over.Wait(task); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(r.out[1], "hello Ada\r\n") || r.String() != "started exited(<nil>) closed" {
			t.Errorf("said %q, was told %q", r.out[1], r)
		}
	})
}
