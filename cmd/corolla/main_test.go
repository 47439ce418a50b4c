package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
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
	"github.com/corolla-go/corolla/examples/talk"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// commandEnv makes the test program be the command itself.
const commandEnv = "COROLLA_TEST_COMMAND"

func TestMain(m *testing.M) {
	talk.Worker()
	if os.Getenv(commandEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the command within this process.
func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, &console{out: &out, err: &err})
	return status, out.String(), err.String()
}

func needLoop(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		args   string
		status int
		stdout string // regular expressions
		stderr string
	}{
		{"", 2, `^$`, `^corolla: which command\? one of: talk, serve .*\n$`},
		{"--help", 0, `(?s)^Usage: .*talk.*serve.*Exit status`, `^$`},
		{"dance", 2, `^$`, `^corolla: unknown command "dance"; one of: talk, serve\n$`},
		{"talk --help", 0, `(?s)^Usage: corolla talk.*Rows: blocking, .*--html FILE.*--sink HOST:PORT`, `^$`},
		{"talk --only select,sing", 2, `^$`, `^corolla talk: unknown row "sing"; rows: blocking, .*generators\n$`},
		{"talk --loud", 2, `^$`, `^corolla talk: unknown option --loud; options: --html, .*--sink\n$`},
		{"talk --mib nine", 2, `^$`, `^corolla talk: invalid value "nine".*\n$`},
		{"talk --mib 0", 2, `^$`, `^corolla talk: --mib 0: from 1 to 16384\n$`},
		{"talk --rate 0", 2, `^$`, `^corolla talk: --rate 0: more than 0\n$`},
		{"talk --sink nowhere", 2, `^$`, `^corolla talk: --sink: .*HOST:PORT\n$`},
		{"talk select", 2, `^$`, `^corolla talk: unexpected argument "select".*\n$`},
		{"talk --sink 127.0.0.1:1", 1, `^$`, `^dial 127.0.0.1:1: connection refused\n$`},
		{"serve", 2, `^$`, `^corolla serve: which server\? one of: echo\n$`},
		{"serve tea", 2, `^$`, `^corolla serve: unknown server "tea"; one of: echo\n$`},
		{"serve echo --help", 0, `(?s)^Usage: corolla serve echo.*--addr HOST:PORT.*--model NAME.*callback, transport`, `^$`},
		{"serve echo --model mime", 2, `^$`, `^corolla serve echo: unknown model "mime"; one of: callback, transport, task, deferred, green, gen\n$`},
		{"serve echo --port 1", 2, `^$`, `^corolla serve echo: unknown option --port; options: --addr, --model\n$`},
		{"serve echo --addr " + taken.Addr().String(), 1, `^$`, `^corolla serve: listen 127.0.0.1:\d+: address already in use\n$`},
	} {
		if strings.HasPrefix(c.args, "serve echo --addr") {
			needLoop(t)
		}
		status, stdout, stderr := call(strings.Fields(c.args)...)
		if status != c.status || !regexp.MustCompile(c.stdout).MatchString(stdout) || !regexp.MustCompile(c.stderr).MatchString(stderr) {
			t.Errorf("corolla %s: status %d, stdout %q, stderr %q", c.args, status, stdout, stderr)
		}
	}
}

type talkJSON struct {
	Rows []map[string]any `json:"rows"`
}

func TestTalkInEveryRow(t *testing.T) {
	needLoop(t)
	page := filepath.Join(t.TempDir(), "talk.html")
	status, stdout, stderr := call("talk", "--mib", "24", "--json", "--html", page)
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q, stdout %s", status, stderr, stdout)
	}
	var got talkJSON
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != len(talk.Rows) {
		t.Fatalf("%d rows, want %d", len(got.Rows), len(talk.Rows))
	}
	for i, r := range got.Rows {
		for _, key := range []string{
			"row", "ok", "bytes", "verified", "seconds", "mib_per_s", "slices",
			"longest_idle_io_ms", "longest_idle_work_ms", "error",
		} {
			if _, ok := r[key]; !ok {
				t.Errorf("%v has no %s", r["row"], key)
			}
		}
		if r["row"] != talk.Rows[i].Name || r["ok"] != true || r["verified"] != true ||
			r["bytes"] != float64(24<<20) || r["error"] != "" {
			t.Errorf("%v", r)
		}
		if blocking := r["row"] == "blocking"; blocking != (r["slices"] == 0.0) {
			t.Errorf("%v counted %v slices while it sent", r["row"], r["slices"])
		}
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(html, []byte("<svg")); n != len(talk.Rows) || bytes.Contains(html, []byte("http")) {
		t.Errorf("a page with %d timelines, or with links to elsewhere", n)
	}
}

// TestTalkToASinkThatDies has a sink that resets every second connection.
func TestTalkToASinkThatDies(t *testing.T) {
	needLoop(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for n := 0; ; n++ { // the first connection is the probe
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if n%2 == 1 {
				_, _ = io.CopyN(io.Discard, c, 1<<20)
				_ = c.(*net.TCPConn).SetLinger(0)
			} else {
				_, _ = io.Copy(io.Discard, c)
			}
			c.Close()
		}
	}()
	status, stdout, stderr := call("talk", "--mib", "32", "--sink", ln.Addr().String())
	if status != 1 || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	for i, r := range talk.Rows {
		failed := regexp.MustCompile(`(?m)^` + r.Name + ` failed: .*(reset|broken pipe)`).MatchString(stdout)
		if failed != (i%2 == 0) {
			t.Errorf("%s: failed is %v\n%s", r.Name, failed, stdout)
		}
	}
}

// start runs the command as a process of its own.
func start(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out), stderr
}

func TestServeEchoUntilASignal(t *testing.T) {
	needLoop(t)
	for i, m := range echoModels {
		cmd, out, stderr := start(t, "serve", "echo", "--model", m.name, "--addr", "127.0.0.1:0")
		line, err := out.ReadString('\n')
		addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
		if err != nil || !ok {
			t.Fatalf("%s: printed %q, %v, stderr %q", m.name, line, err, stderr)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "hello")
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); string(got) != "hello" {
			t.Errorf("%s: echo %q, %v", m.name, got, err)
		}
		sig := []os.Signal{os.Interrupt, syscall.SIGTERM}[i%2]
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("%s: after %v: %v, stderr %q", m.name, sig, err, stderr)
		}
		c.Close()
	}
}

// TestEchoAnswersOtherClients asks with programs that are not ours, where they are
// installed; continuous integration installs them.
func TestEchoAnswersOtherClients(t *testing.T) {
	needLoop(t)
	python := `import socket,sys
s=socket.create_connection(sys.argv[1].split(":"))
s.sendall(b"hello\n"); s.shutdown(socket.SHUT_WR)
b=b""
while True:
    d=s.recv(100)
    if not d: break
    b+=d
sys.stdout.write(b.decode())`
	clients := map[string]func(addr string) []string{
		"nc": func(a string) []string {
			h, p, _ := net.SplitHostPort(a)
			return []string{"nc", "-N", h, p}
		},
		"socat":   func(a string) []string { return []string{"socat", "-", "TCP:" + a} },
		"python3": func(a string) []string { return []string{"python3", "-c", python, a} },
	}
	asked := 0
	for _, m := range echoModels {
		cmd, out, _ := start(t, "serve", "echo", "--model", m.name, "--addr", "127.0.0.1:0")
		line, _ := out.ReadString('\n')
		addr := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
		for name, args := range clients {
			if _, err := exec.LookPath(name); err != nil {
				if os.Getenv("CI") != "" {
					t.Errorf("continuous integration must install %s", name)
				}
				continue
			}
			a := args(addr)
			client := exec.Command(a[0], a[1:]...)
			client.Stdin = strings.NewReader("hello\n")
			got, err := client.CombinedOutput()
			if err != nil || string(got) != "hello\n" {
				t.Errorf("%s, asked by %s: %q, %v", m.name, name, got, err)
			}
			asked++
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}
	if asked == 0 {
		t.Skip("none of nc, socat and python3 is installed, which fails above where CI is set")
	}
}

func TestTalkIsInterrupted(t *testing.T) {
	needLoop(t)
	// A sink that takes nothing: the row would last for ever.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	cmd, _, stderr := start(t, "talk", "--sink", ln.Addr().String(), "--only", "tasks,green")
	for range 2 { // the probe, and the first row
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "interrupted after 0 of 2 rows") {
		t.Errorf("after SIGINT: %v, stderr %q", err, stderr)
	}
}
