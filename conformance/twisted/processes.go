package twisted

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/process"
)

// program is the protocol of a process.
type program struct {
	r      *scenario.Run
	output []byte
	how    error
	over   corolla.Event

	started, wrote, exited, ended func()
}

func call(f func()) {
	if f != nil {
		f()
	}
}

func (p *program) Started(*process.Transport) { call(p.started) }

func (p *program) Output(_ *process.Transport, fd int, b []byte) {
	if fd == 2 {
		p.output = append(p.output, "error "...)
	}
	p.output = append(p.output, b...)
	call(p.wrote)
}

func (p *program) Exited(_ *process.Transport, err error) {
	p.how = err
	call(p.exited)
}

func (p *program) Closed(*process.Transport) {
	call(p.ended)
	p.over.Set()
}

func (p *program) said() string { return strings.TrimSpace(string(p.output)) }

func spawn(t *corolla.Task, p *program, stdin process.Stream, path string, args ...string) *process.Transport {
	cmd := process.Command{Path: path, Args: args, Stdin: stdin, Stdout: process.Pipe, Stderr: process.Pipe}
	spawned, err := process.Spawn(t.Loop(), cmd, p).Await(t)
	if err != nil {
		panic(err)
	}
	return spawned
}

func processExits(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		for _, command := range []string{"echo hello", "echo no >&2; exit 3", "kill -9 $$"} {
			p := &program{r: r, started: func() { r.Say("started") }}
			p.exited = func() { r.Say("exited: %s", word(p.how)) }
			p.ended = func() { r.Say("ended, output: %s", p.said()) }
			spawned := spawn(t, p, process.Null, "/bin/sh", "-c", command)
			_ = p.over.Wait(t)
			attempt(r, "signal", func() error { return spawned.Signal(syscall.SIGTERM) })
		}
		return nil
	})
}

func processInput(r *scenario.Run) {
	newProgram := func() *program {
		p := &program{r: r, started: func() { r.Say("started") }}
		p.ended = func() {
			r.Say("output: %s", p.said())
			r.Say("ended: %s", word(p.how))
		}
		return p
	}
	r.Main(func(t *corolla.Task) error {
		p := newProgram()
		cat := spawn(t, p, process.Pipe, "/bin/cat")
		_ = cat.Stdin.Write([]byte("some "))
		_ = cat.Stdin.Write([]byte("input"))
		cat.Stdin.Close()
		_ = p.over.Wait(t)

		p = newProgram()
		var ready corolla.Event
		p.wrote = ready.Set
		sleeper := spawn(t, p, process.Null, "/bin/sh", "-c", "echo ready; exec sleep 60")
		_ = ready.Wait(t)
		_ = sleeper.Signal(syscall.SIGTERM)
		return p.over.Wait(t)
	})
}

func processOutputs(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		leave := filepath.Join(dir, "go")
		p := &program{r: r}
		p.wrote = func() { r.Say("output: %s", p.said()) }
		p.exited = func() {
			r.Say("exited: %s", word(p.how))
			_ = os.WriteFile(leave, nil, 0o600)
		}
		p.ended = func() { r.Say("ended") }
		late := "(while ! test -e " + leave + "; do sleep 0.01; done; echo from the child) & exit 0"
		spawn(t, p, process.Null, "/bin/sh", "-c", late)
		return p.over.Wait(t)
	})
}
