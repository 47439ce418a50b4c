//go:build unix

package process_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/sim"
)

// Descriptors are given back at once, and not when they are collected: a program that starts others
// in vain must not run out of them.
func TestStartThatFailsClosesItsPipes(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		open := func() int {
			entries, err := os.ReadDir("/proc/self/fd")
			if err != nil {
				t.Skip(err)
			}
			return len(entries)
		}
		start := func() {
			for _, terminal := range []bool{false, true} {
				cmd := process.Command{Path: "/no/such/path", Terminal: terminal}
				if !terminal {
					cmd.Stdin, cmd.Stdout = process.Pipe, process.Pipe
				}
				if _, err := process.Start(task, cmd); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("start: %v", err)
				}
			}
		}
		start() // what Go's runtime opens once is open by then
		before := open()
		for range 5 {
			start()
		}
		if after := open(); after > before {
			t.Errorf("%d descriptors, %d before", after, before)
		}
	})
}

// A file that is closed is refused: the process would run without the descriptor.
func TestFileThatIsClosedIsNotGiven(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		f, err := os.Open(os.DevNull)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, cmd := range map[string]process.Command{
			"stdout":       {Path: "true", Stdout: process.File(f)},
			"descriptor 3": {Path: "true", Files: []*os.File{f}},
		} {
			if p, err := process.Start(task, cmd); p != nil || !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
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
