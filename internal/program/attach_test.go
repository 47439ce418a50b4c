package program

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/process"
)

// program is a server with a backdoor, as a process of its own.
func program(t *testing.T, door string) (server *exec.Cmd, addr string) {
	t.Helper()
	needLoop(t)
	cmd, out, stderr := start(t, "serve", "echo", "--addr", "127.0.0.1:0", "--backdoor", door)
	for _, want := range []string{"listening on ", "backdoor on "} {
		line, err := out.ReadString('\n')
		var ok bool
		if addr, ok = strings.CutPrefix(strings.TrimSpace(line), want); err != nil || !ok {
			t.Fatalf("printed %q, %v, stderr %q", line, err, stderr)
		}
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("the server: %v, stderr %q", err, stderr)
			}
		}
	})
	return cmd, addr
}

// ask runs attach within this process, with commands to read.
func ask(commands string, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(append([]string{"attach"}, args...), &console{in: strings.NewReader(commands), out: &out, err: &err})
	return status, out.String(), err.String()
}

func TestAttachUsage(t *testing.T) {
	needLoop(t)
	const address = "neither HOST:PORT nor the path of a Unix socket, with a / in it"
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{nil, 2, "corolla attach: where to? HOST:PORT, or the path of a Unix socket"},
		{[]string{"door"}, 2, "corolla attach: door: " + address},
		{[]string{"127.0.0.1:70000"}, 2, "corolla attach: 127.0.0.1:70000: " + address},
		{[]string{""}, 2, `corolla attach: "": ` + address},
		{[]string{"127.0.0.1:1", "tasks"}, 2, "corolla attach: unexpected argument tasks; commands are read from the standard input"},
		{[]string{"--loud", "127.0.0.1:1"}, 2, "corolla attach: unknown option --loud; options: --json"},
		{[]string{"127.0.0.1:1"}, 1, "corolla attach: dial 127.0.0.1:1: connection refused"},
		{[]string{"/nowhere/door.sock"}, 1, "corolla attach: dial /nowhere/door.sock: no such file or directory"},
	} {
		status, stdout, stderr := ask("", c.args...)
		if status != c.status || stdout != "" || stderr != c.stderr+"\n" {
			t.Errorf("corolla attach %q: status %d, stdout %q, stderr %q\nwant %q", c.args, status, stdout, stderr, c.stderr)
		}
	}
	status, stdout, stderr := call("serve", "echo", "--addr", "127.0.0.1:0", "--backdoor", "door")
	if status != 2 || stdout != "" || stderr != "corolla serve echo: --backdoor door: "+address+"\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	status, _, stderr = call("serve", "echo", "--addr", "127.0.0.1:0", "--backdoor", "0.0.0.0:0")
	if status != 1 || !strings.HasPrefix(stderr, "corolla serve: backdoor: listen 0.0.0.0:0: neither a loopback address nor a Unix socket") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

const unknownDance = `unknown command "dance"; one of: help, tasks, task, stack, timers, sockets, jobs, loop, kill, quit`

func TestAttachAnswersWhatIsPiped(t *testing.T) {
	_, addr := program(t, filepath.Join(t.TempDir(), "door.sock"))
	for _, c := range []struct {
		name, commands, args string
		status               int
		want                 string // a pattern
	}{
		{"one", "tasks Listen\n", "", 0, `TASK +NAME .*\n1 +backdoor +backdoor.Listen.func1 .*\n`},
		{"several", "jobs\n\n \ntimers", "", 0, `no workers: nothing was ever offloaded\n\nno timers\n`},
		{"none", "", "", 0, ``},
		{"quit", "jobs\nquit\ntimers\n", "", 0, `no workers: nothing was ever offloaded\n`},
		{"unknown", "dance\njobs\n", "", 1, regexp.QuoteMeta("error: "+unknownDance) + `\n\nno workers: .*\n`},
		{"too long", strings.Repeat("x", 2000) + "\njobs", "", 1, `error: a line of more than 1024 bytes\n\nno workers: .*\n`},
		{"json", "jobs\ntimers\n", "--json", 0, `{"workers":\[\]}\n{"timers":\[\],"total":0}\n`},
		{"json of one", "jobs --json\ntimers\njobs", "", 0, `{"workers":\[\]}\n\nno timers\n\nno workers: .*\n`},
		{"json of nothing", "dance\njobs\n", "--json", 1, regexp.QuoteMeta(`{"error":`) + `.*\n{"workers":\[\]}\n`},
		{"json of too long", strings.Repeat("x", 2000) + "\njobs", "--json", 1, `{"error":"a line .*\n{"workers":\[\]}\n`},
		{"json and quit", "quit\njobs\n", "--json", 0, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := ask(c.commands, append(strings.Fields(c.args), addr)...)
			if status != c.status || stderr != "" || !regexp.MustCompile("^"+c.want+"$").MatchString(stdout) {
				t.Errorf("status %d, stderr %q, stdout\n%s\nwant %s", status, stderr, stdout, c.want)
			}
		})
	}
}

func TestAttachReadsLinesThatEnd(t *testing.T) {
	_, addr := program(t, "127.0.0.1:0")
	status, stdout, stderr := ask("jobs --json\n"+strings.Repeat("x", 100_000), addr)
	if status != 1 || stdout != "{\"workers\":[]}\n" || stderr != "corolla attach: reading commands: bufio.Scanner: token too long\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// Everything that a program lists of itself, one object for each command.
func TestAttachGivesJSON(t *testing.T) {
	_, addr := program(t, "127.0.0.1:0")
	commands := []string{"help", "tasks", "task 1", "stack 1", "timers", "sockets", "jobs", "loop", "kill 99"}
	keys := []string{"commands", "tasks", "state", "calls", "timers", "sockets", "workers", "clock_ms", "error"}
	status, stdout, stderr := ask(strings.Join(commands, "\n"), "--json", addr)
	if status != 1 || stderr != "" { // there is no task 99
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	d := json.NewDecoder(strings.NewReader(stdout))
	for i, key := range keys {
		var object map[string]any
		if err := d.Decode(&object); err != nil || object[key] == nil {
			t.Errorf("%s: %v, %v", commands[i], object, err)
		}
	}
	if _, err := d.Token(); err != io.EOF {
		t.Error("more than an object for each")
	}
}

func TestAttachEndsWithASignal(t *testing.T) {
	_, addr := program(t, "127.0.0.1:0")
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd, in, out, stderr := attached(t, addr)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 || len(rest) > 0 {
			t.Errorf("after %v: %v, stderr %q, printed %q", sig, err, stderr, rest)
		}
		in.Close()
	}
}

func TestAttachEndsWithTheProgram(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Kill} {
		server, addr := program(t, "127.0.0.1:0")
		cmd, in, _, stderr := attached(t, addr)
		if err := server.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait() // killed
		err := cmd.Wait()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 ||
			stderr.String() != "corolla attach: "+addr+" has ended the connection\n" {
			t.Errorf("after %v: %v, stderr %q", sig, err, stderr)
		}
		in.Close()
	}
}

// attached starts attach as a process, and has it answer something, so that it is well under way.
func attached(t *testing.T, addr string) (cmd *exec.Cmd, in io.WriteCloser, out *bufio.Reader, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self, "attach", "--json", addr)
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	if in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out = bufio.NewReader(pipe)
	if _, err := io.WriteString(in, "jobs\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := out.ReadString('\n'); line != "{\"workers\":[]}\n" || err != nil {
		t.Fatalf("%q, %v, stderr %q", line, err, stderr)
	}
	return cmd, in, out, stderr
}

// What a door says before it closes is passed on.
func TestAttachPassesOnWhyItIsRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "error: no room\n\n")
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	status, stdout, stderr := ask("tasks\ntimers\n", ln.Addr().String())
	if status != 1 || !strings.HasPrefix(stdout, "error: no room\n") || stderr != "corolla attach: "+ln.Addr().String()+" has ended the connection\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestAttachOnATerminal(t *testing.T) {
	_, addr := program(t, "127.0.0.1:0")
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"\x04", "\x03", "quit\n"} { // ^D, ^C
		var screen string
		err = l.Run(func(t *corolla.Task) error {
			p, err := process.Start(t, process.Command{
				Path: self, Args: []string{"attach", addr}, Env: append(os.Environ(), commandEnv+"=1"), Terminal: true,
			})
			if err != nil {
				return err
			}
			defer p.Close()
			for _, say := range []string{"jobx\x7fs\n", "dance\n", end} { // the first with a typing error
				for !strings.HasSuffix(screen, "> ") {
					if err := more(t, p.Terminal, &screen); err != nil {
						return err
					}
				}
				if _, err := p.Terminal.Write(t, []byte(say)); err != nil {
					return err
				}
				screen += "|"
			}
			for err == nil {
				err = more(t, p.Terminal, &screen)
			}
			return p.Wait(t) // an error if its status is not 0
		})
		if err != nil {
			t.Error(err)
		}
		screen = strings.ReplaceAll(screen, "\r\n", "\n")
		want := `^attached to ` + addr + `; help lists the commands\n> \|job.*s\nno workers: .*\n> \|dance\nerror: unknown command .*\n> \|(\^C|quit)?\n$`
		if !regexp.MustCompile(want).MatchString(screen) {
			t.Errorf("on the screen: %q", screen)
		}
	}
}

func more(t *corolla.Task, c *aio.Conn, screen *string) error {
	buf := make([]byte, 1024)
	n, err := c.Read(t, buf)
	*screen += string(buf[:n])
	return err
}
