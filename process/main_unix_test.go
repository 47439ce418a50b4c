//go:build unix

package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
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

// line waits until a process has written a line to a file, and returns it.
func line(t *testing.T, task *corolla.Task, name string) (text string) {
	t.Helper()
	err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for !strings.HasSuffix(text, "\n") {
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
			b, err := os.ReadFile(name)
			if text = string(b); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s has %q, %v", name, text, err)
	}
	return text
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

// folderWith makes a folder with a program.
func folderWith(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// held is what the loop holds besides the task that asks.
func held(task *corolla.Task) corolla.LoopStats {
	s := task.Loop().Stats()
	s.Tasks--
	s.Jobs = 0 // they end by themselves
	return s
}
