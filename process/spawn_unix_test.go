//go:build unix

package process_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
)

// forgotten waits until the loop holds no more than before.
func forgotten(t *testing.T, task *corolla.Task, before corolla.LoopStats) {
	t.Helper()
	err := task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for held(task).Sockets > before.Sockets || held(task).OnClose > before.OnClose {
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("left on the loop: %+v, before %+v", held(task), before)
	}
}

// A process that nobody waits for any more as it starts does not live on.
func TestCanceledSpawnKillsWhatItHasStarted(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		task.Loop().Workers("process").SetLimit(1)
		cmd := process.Command{Path: "sleep", Args: []string{"1000"}, Stdin: process.Pipe, Stdout: process.Pipe}
		f := process.Spawn(task.Loop(), cmd, &told{})
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		other, err := process.Start(task, process.Command{Path: "true"}) // has a place when the first was started
		if err == nil {
			err = other.Wait(task)
		}
		if err != nil {
			t.Error(err)
		}
		forgotten(t, task, before)
	})
}

// A process whose protocol panics is killed: nobody looks after it any more.
func TestProtocolThatPanicsEndsTheProcess(t *testing.T) {
	var reported []error
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { reported = append(reported, err) }))
	leaktest.NeedLoop(t, err)
	if err := l.Run(func(task *corolla.Task) error {
		r := &told{start: func(*process.Transport) { panic("no good") }}
		if _, err := process.Spawn(l, process.Command{Path: "sleep", Args: []string{"1000"}}, r).Await(task); err != nil {
			return err
		}
		err := task.Timeout(20*time.Second, func(*corolla.Scope) error { return r.over.Wait(task) })
		if err != nil || r.String() != "started exited(sleep: ended by signal: killed) closed" {
			t.Errorf("it was told %q, %v", r, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	if len(reported) != 1 || !strings.Contains(reported[0].Error(), "no good") {
		t.Errorf("reported: %v", reported)
	}
}

// Input that nobody will read does not keep its pipe open.
func TestInputOfAProcessThatHasEndedIsDropped(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		before := held(task)
		cmd := sh("exec 3<&0; sleep 1000 <&3 3<&- >/dev/null 2>&1 & exit 0") // another holds the input
		cmd.Stdin, cmd.Group = process.Pipe, true
		r := &told{start: func(p *process.Transport) { _ = p.Stdin.Write(make([]byte, 1<<20)) }}
		p, err := process.Spawn(task.Loop(), cmd, r).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.over.Wait(task); err != nil {
			t.Error(err)
		}
		if after := held(task); after != before {
			t.Errorf("left on the loop: %+v, before %+v", after, before)
		}
		if err := p.Kill(); err != nil { // the rest of the group
			t.Error(err)
		}
	})
}
