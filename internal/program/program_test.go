package program

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/talk"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// commandEnv makes the test program be the command itself.
const commandEnv = "COROLLA_TEST_COMMAND"

func TestMain(m *testing.M) {
	talk.Worker()
	if os.Getenv(commandEnv) != "" {
		Main(nil)
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
	const (
		rows    = "blocking, spin, select, threads, processes, goroutines, callbacks, protocol, reactor, tasks, green, generators"
		models  = "callback, transport, task, deferred, green, gen"
		mib     = "not a whole number of MiB from 1 to 16384"
		rate    = "not a number of MiB/s from 0.1 to 100000"
		address = "not HOST:PORT with a port from %d to 65535"
	)
	checkUsage(t, []usage{
		{nil, 2, "corolla: which command? one of: talk, serve, attach (corolla --help says more)"},
		{[]string{"dance"}, 2, "corolla: unknown command dance; one of: talk, serve, attach"},
		{[]string{""}, 2, `corolla: unknown command ""; one of: talk, serve, attach`},
		{[]string{"a b\n"}, 2, `corolla: unknown command "a b\n"; one of: talk, serve, attach`},
		{[]string{"help", "dance"}, 2, "corolla: unknown command dance; one of: talk, serve, attach"},
		{[]string{"--loud"}, 2, "corolla: unknown option --loud; options: --help, and each command has its own, after its name"},

		{[]string{"talk", "--loud"}, 2, "corolla talk: unknown option --loud; options: --mib, --rate, --only, --sink, --json, --html"},
		{[]string{"talk", "-loud=1"}, 2, "corolla talk: unknown option -loud; options: --mib, --rate, --only, --sink, --json, --html"},
		{[]string{"talk", "---mib", "1"}, 2, "corolla talk: unknown option ---mib; options: --mib, --rate, --only, --sink, --json, --html"},
		{[]string{"talk", "--mib", "4x"}, 2, "corolla talk: --mib 4x: " + mib},
		{[]string{"talk", "--mib=4.5"}, 2, "corolla talk: --mib 4.5: " + mib},
		{[]string{"talk", "-mib", "0"}, 2, "corolla talk: --mib 0: " + mib},
		{[]string{"talk", "--mib", "-1"}, 2, "corolla talk: --mib -1: " + mib},
		{[]string{"talk", "--mib", "99999999999999999999"}, 2, "corolla talk: --mib 99999999999999999999: " + mib},
		{[]string{"talk", "--mib="}, 2, `corolla talk: --mib "": ` + mib},
		{[]string{"talk", "--mib"}, 2, "corolla talk: --mib needs a value: --mib N"},
		{[]string{"talk", "--rate", "fast"}, 2, "corolla talk: --rate fast: " + rate},
		{[]string{"talk", "--rate", "0"}, 2, "corolla talk: --rate 0: " + rate},
		{[]string{"talk", "--rate", "NaN"}, 2, "corolla talk: --rate NaN: " + rate},
		{[]string{"talk", "--rate", "1e999"}, 2, "corolla talk: --rate 1e999: " + rate},
		{[]string{"talk", "--only", "select,sing"}, 2, "corolla talk: --only select,sing: unknown row sing; rows: " + rows},
		{[]string{"talk", "--only", "select,"}, 2, `corolla talk: --only select,: unknown row ""; rows: ` + rows},
		{[]string{"talk", "--only", "spin,tasks,spin"}, 2, "corolla talk: --only spin,tasks,spin: spin is listed twice"},
		{[]string{"talk", "--sink", "nowhere"}, 2, "corolla talk: --sink nowhere: " + fmt.Sprintf(address, 1)},
		{[]string{"talk", "--sink", "here:0"}, 2, "corolla talk: --sink here:0: " + fmt.Sprintf(address, 1)},
		{[]string{"talk", "--json=yes"}, 2, "corolla talk: --json takes no value"},
		{[]string{"talk", "--html", ""}, 2, `corolla talk: --html "": not the name of a file`},
		{[]string{"talk", "--html"}, 2, "corolla talk: --html needs a value: --html FILE"},
		{[]string{"talk", "select"}, 2, "corolla talk: unexpected argument select; rows are chosen with --only"},
		{[]string{"talk", "--json", "--", "--mib"}, 2, "corolla talk: unexpected argument --mib; rows are chosen with --only"},
		{[]string{"talk", "--html", "/nowhere/page.html"}, 1, "corolla talk: --html /nowhere/page.html: no such file or directory"},
		{[]string{"talk", "--sink", "127.0.0.1:1"}, 1, "corolla talk: dial 127.0.0.1:1: connection refused"},

		{[]string{"serve", "echo", "twice"}, 2, "corolla serve echo: unexpected argument twice"},
		{[]string{"serve", "echo", "--model", "mime"}, 2, "corolla serve echo: --model mime: unknown model; models: " + models},
		{[]string{"serve", "echo", "--port", "1"}, 2, "corolla serve echo: unknown option --port; options: --addr, --model, --backdoor"},
		{[]string{"serve", "echo", "--addr"}, 2, "corolla serve echo: --addr needs a value: --addr HOST:PORT"},
		{[]string{"serve", "echo", "--addr", "7007"}, 2, "corolla serve echo: --addr 7007: " + fmt.Sprintf(address, 0)},
		{[]string{"serve", "echo", "--addr", "127.0.0.1:65536"}, 2, "corolla serve echo: --addr 127.0.0.1:65536: " + fmt.Sprintf(address, 0)},
		{
			[]string{"serve", "echo", "--addr", taken.Addr().String()},
			1,
			fmt.Sprintf("corolla serve: listen %s: address already in use", taken.Addr()),
		},
	})
}

// usage is a call that fails at once.
type usage struct {
	args   []string
	status int
	stderr string
}

func checkUsage(t *testing.T, cases []usage) {
	t.Helper()
	for _, c := range cases {
		if c.status == 1 {
			needLoop(t)
		}
		status, stdout, stderr := call(c.args...)
		if status != c.status || stdout != "" || stderr != c.stderr+"\n" {
			t.Errorf("corolla %q: status %d, stdout %q, stderr %q\nwant %q", c.args, status, stdout, stderr, c.stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	all := [][]string{{"--help"}, {"help"}, {"-h"}}
	topics := map[string][]option{
		"talk": new(request).options(), "attach": new(attachment).options(), "serve": nil, "serve echo": new(echo).options(),
		"serve files": new(files).options(), "serve proxy": new(proxy).options(), "serve chat": new(chat).options(),
	}
	for name := range topics {
		if server, ok := strings.CutPrefix(name, "serve "); ok {
			all = append(all, []string{"serve", server, "--help"})
			continue
		}
		all = append(all, []string{name, "--help"}, []string{name, "-h"}, []string{"help", name})
	}
	all = append(all, []string{"talk", "--json", "--help"})
	for _, args := range all {
		status, stdout, stderr := call(args...)
		if status != 0 || stderr != "" {
			t.Errorf("corolla %q: status %d, stderr %q", args, status, stderr)
		}
		for _, part := range []string{"Usage: corolla ", "Example", "Exit status: 0 "} {
			if !strings.Contains(stdout, part) {
				t.Errorf("corolla %q does not say %q:\n%s", args, part, stdout)
			}
		}
		for line := range strings.SplitSeq(stdout, "\n") {
			if utf8.RuneCountInString(line) > 100 {
				t.Errorf("corolla %q has a long line: %s", args, line)
			}
		}
		for _, o := range topics[strings.TrimSuffix(strings.TrimPrefix(strings.Join(args, " "), "help "), " --help")] {
			want := "--" + o.name + ".*" + regexp.QuoteMeta(o.what)
			if o.def != "" {
				want += ` \(default ` + o.def + `\)\n`
			}
			if !regexp.MustCompile(want).MatchString(stdout) {
				t.Errorf("corolla %q does not say %q:\n%s", args, want, stdout)
			}
		}
	}
	_, general, _ := call("--help")
	for _, c := range commands {
		if !strings.Contains(general, "\n  "+c.name+" ") {
			t.Errorf("corolla --help does not list %s", c.name)
		}
	}
}

// TestOptionsInBothForms wants one dash or two, and a value behind it or behind "=".
func TestOptionsInBothForms(t *testing.T) {
	for _, args := range []string{"--mib 7 --json", "-mib 7 -json", "--json --mib=7", "-mib=7 -json --"} {
		var r request
		rest, err := parse("talk", r.options(), strings.Fields(args))
		if err != nil || len(rest) > 0 || r.MiB != 7 || !r.json || r.Rate != 200 {
			t.Errorf("%s: %+v, %q, %v", args, r, rest, err)
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
