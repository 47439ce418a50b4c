//go:build unix

package process_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/transport"
)

// talker says something, ends the input, and keeps what it hears.
type talker struct {
	say   string
	heard strings.Builder
	over  corolla.Event
	err   error
}

func (p *talker) Opened(c *transport.Conn) {
	_ = c.Write([]byte(p.say)) // Closed tells of failures
	c.CloseWrite()
}
func (p *talker) Data(_ *transport.Conn, b []byte)    { p.heard.Write(b) }
func (p *talker) EOF(c *transport.Conn) bool          { c.Close(); return true }
func (p *talker) Closed(_ *transport.Conn, err error) { p.err = err; p.over.Set() }

func TestEndpointOfAProcess(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "here"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for _, c := range []struct {
			in, say, want string
			code          int
		}{
			{"process:cat", "hello", "hello", 0},
			{"process:sort:-r", "a\nb\n", "b\na\n", 0},
			{"process:ls:dir=" + transport.Quote(dir), "", "here\n", 0},
			{"process:program=true", "", "", 0},
			{"process:sh:-c:echo oops >&2; exit 3:stderr=merge", "", "oops\n", 3},
		} {
			e, err := transport.ParseEndpoint(c.in)
			if err != nil {
				t.Fatal(err)
			}
			p := &talker{say: c.say}
			if _, err := e.Connect(task.Loop(), p).Await(task); err != nil {
				t.Errorf("%s: %v", c.in, err)
				continue
			}
			if err := p.over.Wait(task); err != nil {
				t.Fatal(err)
			}
			var exit *process.ExitError
			code := 0
			if errors.As(p.err, &exit) {
				code = exit.Code()
			}
			if p.heard.String() != c.want || code != c.code || (p.err == nil) != (c.code == 0) {
				t.Errorf("%s: %q, %v", c.in, p.heard.String(), p.err)
			}
		}
	})
}

func TestDialRefusals(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		for in, want := range map[string]string{
			"process":                "no program",
			"process:cat:stderr=out": `stderr "out": want null, inherit or merge`,
			"process:cat:colour=red": `unknown option "colour"`,
		} {
			e, err := transport.ParseEndpoint(in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Connect(task.Loop(), &talker{}).Await(task); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", in, err)
			}
			if _, err := e.Listen(task.Loop(), nil); err == nil || !strings.Contains(err.Error(), "no kind to listen at") {
				t.Errorf("Listen at %s: %v", in, err)
			}
		}
		if _, err := process.Dial(task.Loop(), process.Command{Path: "/no/such/program"}, &talker{}).Await(task); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such program: %v", err)
		}
		if _, err := process.Dial(task.Loop(), process.Command{Path: "cat", Stderr: process.Pipe}, &talker{}).Await(task); err == nil {
			t.Error("a pipe that nobody reads is accepted")
		}
	})
}

// TestDialAbortKills: the process does not outlive its connection.
func TestDialAbortKills(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task) {
		p := &talker{}
		c, err := process.Dial(task.Loop(), process.Command{Path: "sleep", Args: []string{"1000"}}, p).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		c.Abort()
		if err := p.over.Wait(task); err != nil || p.err != transport.ErrAborted {
			t.Errorf("Closed got %v; %v", p.err, err)
		}
	})
}
