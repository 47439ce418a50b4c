//go:build unix

package process_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
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
