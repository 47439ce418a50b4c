//go:build unix

package process_test

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
)

// held is what the loop holds besides the task that asks.
func held(task *corolla.Task) corolla.LoopStats {
	s := task.Loop().Stats()
	s.Tasks--
	s.Jobs = 0 // they end by themselves
	return s
}

// A process that has ended is forgotten: a signal later, from a timer or when the loop is closed,
// could be for another that has its number by then.
func TestNothingIsLeftOfAProcessThatHasEnded(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		cmd := sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
		cmd.Stdout, cmd.Grace = process.Pipe, time.Hour
		p, err := process.Start(task, cmd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Stdout.ReadUntil(task, []byte("\n")); err != nil {
			t.Error(err)
		}
		l := task.Loop()
		var waiting []*corolla.Future[struct{}]
		for range 2 {
			waiting = append(waiting, l.Go(p.Wait, corolla.Eager()))
		}
		for _, f := range waiting { // each makes the process end
			f.Cancel(nil)
		}
		for _, f := range waiting {
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("Wait: %v", err)
			}
		}
		if code := p.State().ExitCode(); code != 7 {
			t.Errorf("exit status %d", code)
		}
		p.Close()
		if after := held(task); after != before {
			t.Errorf("left on the loop: %+v, before %+v", after, before)
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

func TestSignalOfAProcessThatHasEnded(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for _, group := range []bool{false, true} {
			cmd := process.Command{Path: "true", Group: group}
			p, err := process.Start(task, cmd)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(task); err != nil {
				t.Error(err)
			}
			for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill} {
				if err := p.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("group %v: %v: %v", group, sig, err)
				}
			}
		}
	})
}

// Closing the loop ends all of a group, not only the process that was started.
func TestClosingTheLoopKillsTheWholeGroup(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	grandchild := 0
	if err := l.Run(func(task *corolla.Task) error {
		var p *process.Process
		p, grandchild = family(t, task, process.Command{Group: true})
		p.Close()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	onLoop(t, func(t *testing.T, task *corolla.Task) { gone(t, task, grandchild) })
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
