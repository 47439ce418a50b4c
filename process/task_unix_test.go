//go:build unix

package process_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
)

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

// What a process does not read any more must not keep its terminal for as long as a connection
// lingers.
func TestTerminalIsGivenBackWhenRunReturns(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		input := []byte(strings.Repeat("not read\n", 100_000))
		cmd := sh("stty -echo; sleep 0.1; exit 0")
		cmd.Terminal = true
		if _, _, err := process.Run(task, cmd, input); err != nil {
			t.Error(err)
		}
		if after := held(task); after != before {
			t.Errorf("left on the loop: %+v, before %+v", after, before)
		}
	})
}

func TestNothingIsLeftOfRunOrOfAStartThatFails(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		for name, cmd := range map[string]process.Command{
			"ends":                    {Path: "true", Stdin: process.Pipe},
			"fails":                   {Path: "false"},
			"ends on a terminal":      {Path: "true", Terminal: true},
			"no such program":         {Path: "/no/such/path", Stdin: process.Pipe},
			"none on a terminal":      {Path: "/no/such/path", Terminal: true},
			"a terminal out of range": {Path: "true", Terminal: true, Columns: 1 << 20},
			"merged, and none":        {Path: "/no/such/path", Stderr: process.Merge},
		} {
			_, _, err := process.Run(task, cmd, nil)
			if fails := name[:4] != "ends"; fails != (err != nil) {
				t.Errorf("%s: %v", name, err)
			}
			if after := held(task); after != before {
				t.Errorf("%s: left on the loop: %+v, before %+v", name, after, before)
			}
		}
		canceled := task.Timeout(0, func(*corolla.Scope) error {
			_, err := process.Start(task, process.Command{Path: "cat", Stdin: process.Pipe, Stdout: process.Pipe})
			return err
		})
		if !errors.Is(canceled, os.ErrDeadlineExceeded) {
			t.Errorf("canceled: %v", canceled)
		}
		if after := held(task); after.Sockets > before.Sockets+1 { // but for what tells of its end
			t.Errorf("canceled as it starts: left on the loop: %+v, before %+v", after, before)
		}
	})
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
