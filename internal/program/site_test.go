package program

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestServeUsage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const (
		servers  = "echo, files, proxy, chat"
		upstream = "neither a URL with http or https and a host, nor HOST:PORT"
	)
	checkUsage(t, []usage{
		{[]string{"serve"}, 2, "corolla serve: which server? one of: " + servers + "; its name comes before the options"},
		{[]string{"serve", "--model", "task"}, 2, "corolla serve: which server? one of: " + servers + "; its name comes before the options"},
		{[]string{"serve", "tea"}, 2, "corolla serve: unknown server tea; one of: " + servers},
		{[]string{"serve", "files"}, 2, "corolla serve files: which directory? corolla serve files DIR"},
		{[]string{"serve", "files", "a", "b"}, 2, "corolla serve files: unexpected argument b"},
		{[]string{"serve", "files", "--port", "1"}, 2, "corolla serve files: unknown option --port; options: --addr, --backdoor"},
		{[]string{"serve", "files", "/nowhere"}, 1, "corolla serve: open /nowhere: no such file or directory"},
		{
			[]string{"serve", "files", ".", "--addr", taken.Addr().String()},
			1,
			fmt.Sprintf("corolla serve: listen %s: address already in use", taken.Addr()),
		},
		{[]string{"serve", "proxy"}, 2, "corolla serve proxy: to where? corolla serve proxy UPSTREAM"},
		{[]string{"serve", "proxy", "a:1", "b"}, 2, "corolla serve proxy: unexpected argument b"},
		{[]string{"serve", "proxy", "here"}, 2, "corolla serve proxy: here: " + upstream},
		{[]string{"serve", "proxy", "ftp://here"}, 2, "corolla serve proxy: ftp://here: " + upstream},
		{[]string{"serve", "proxy", "http://:80"}, 2, "corolla serve proxy: http://:80: " + upstream},
		{[]string{"serve", "proxy", "http://a/?b"}, 2, "corolla serve proxy: http://a/?b: an upstream has no query, fragment or user"},
		{[]string{"serve", "chat", "room"}, 2, "corolla serve chat: unexpected argument room"},
		{[]string{"serve", "chat", "--queue", "3"}, 2, "corolla serve chat: --queue 3: not a whole number of KiB from 4 to 16384"},
		{[]string{"serve", "chat", "--shards", "0"}, 2, "corolla serve chat: --shards 0: not a whole number of loops from 1 to 256"},
		{[]string{"serve", "chat", "--workers", "0"}, 2, "corolla serve chat: --workers 0: not a whole number of processes from 1 to 256"},
		{
			[]string{"serve", "chat", "--workers", "2"},
			2, "corolla serve chat: --workers 2: rooms do not span processes without --cluster; --shards uses more cores",
		},
		{
			[]string{"serve", "chat", "--workers", "2", "--cluster", "embed"},
			2, "corolla serve chat: --cluster is in the program of another module, of the same name; " +
				"to install it, in a clone of the repository: cd cluster && go install ./cmd/corolla",
		},
		{[]string{"serve", "chat", "--join", "a:1"}, 2, "corolla serve chat: --join is for --cluster embed"},
		{[]string{"serve", "chat", "--cluster", ""}, 2, `corolla serve chat: --cluster "": it must not be empty`},
		{
			[]string{"serve", "chat", "--workers", "1", "--backdoor", "127.0.0.1:0"},
			2, "corolla serve chat: --backdoor is one address, and --workers are processes of their own",
		},
		{[]string{"serve", "chat", "--max-conns", "0"}, 2, "corolla serve chat: --max-conns 0: not a whole number of connections from 1 to 1000000"},
	})
}

// siteProcess is a server of HTTP as a process of its own.
type siteProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	stderr *bytes.Buffer
	client *http.Client
}

// startSite starts a server of HTTP, which must be stopped.
func startSite(t *testing.T, args ...string) *siteProcess {
	t.Helper()
	needLoop(t)
	cmd, out, stderr := start(t, append([]string{"serve"}, append(args, "--addr", "127.0.0.1:0")...)...)
	line, err := out.ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("printed %q, %v, stderr %q", line, err, stderr)
	}
	s := &siteProcess{t, cmd, addr, stderr, &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		_ = cmd.Process.Kill() // unless it has stopped
	})
	return s
}

// stop sends signals, the second when the first is being dealt with, and returns what was logged.
func (s *siteProcess) stop(sigs ...os.Signal) string {
	s.t.Helper()
	for _, sig := range sigs {
		if err := s.cmd.Process.Signal(sig); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("after %v: %v", sigs, err)
	}
	return s.stderr.String()
}

// ask makes a request, and returns the answer with its body read.
func (s *siteProcess) ask(method, path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(b)
}

// raw sends text on a connection of its own, and returns the first line that comes back.
func (s *siteProcess) raw(text string) string {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, text)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// publish makes a directory of files to serve.
func publish(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "public")
	for name, text := range map[string]string{
		"public/hello.txt": "hello, world\n", "public/.hidden": "seen", "public/site/index.html": "<p>index",
		"public/a b/<x>": "odd", "secret": "out of it",
	} {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out": "../secret", "up": "..", "in": "hello.txt", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("mkfifo", filepath.Join(dir, "pipe")).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v, %s", err, out)
	}
	return dir
}

func TestServeFiles(t *testing.T) {
	needLoop(t)
	s := startSite(t, "files", publish(t))
	for _, c := range []struct {
		method, path string
		status       int
		body         string // a pattern
	}{
		{"GET", "/hello.txt", 200, "hello, world\n"},
		{"HEAD", "/hello.txt", 200, ""},
		{"GET", "/.hidden", 200, "seen"},
		{"GET", "/in", 200, "hello, world\n"},
		{"GET", "/site/", 200, "<p>index"},
		{"GET", "/site/index.html", 301, ""},
		{"GET", "/site", 301, ""},
		{"GET", "/", 200, `(?s)<a href=".hidden">.*<a href="a%20b/">a b/</a>.*<a href="hello.txt">hello.txt</a>.*`},
		{"GET", "/a%20b/", 200, `(?s).*<a href="%3Cx%3E">&lt;x&gt;</a>.*`},
		{"GET", "/a%20b/%3Cx%3E", 200, "odd"},
		{"GET", "/nothing", 404, ".*\n"},
		{"GET", "/hello.txt/more", 404, ".*\n"},
		{"GET", "/" + strings.Repeat("x", 1000), 404, ".*\n"},
		{"GET", "/loop", 404, ".*\n"},
		{"GET", "/out", 404, ".*\n"},
		{"GET", "/up/secret", 404, ".*\n"},
		{"GET", "/up/", 404, ".*\n"},
		{"GET", "/%2e%2e/secret", 404, ".*\n"},
		{"GET", "/pipe", 403, ".*\n"},
	} {
		resp, body := s.ask(c.method, c.path)
		if resp.StatusCode != c.status || !regexp.MustCompile("^"+c.body+"$").MatchString(strings.TrimPrefix(body, preface)) {
			t.Errorf("%s %.50s: %s\n%s", c.method, c.path, resp.Status, body)
		}
	}
	if line := s.raw("GET /../secret HTTP/1.0\r\n\r\n"); !strings.HasSuffix(line, " 404 Not Found") {
		t.Errorf("a path out of the directory: %s", line)
	}
	resp, body := s.ask("GET", "/hello.txt", "Range", "bytes=7-11")
	if resp.StatusCode != 206 || body != "world" {
		t.Errorf("a range: %s, %q", resp.Status, body)
	}
	if resp, _ := s.ask("GET", "/hello.txt", "If-Modified-Since", resp.Header.Get("Last-Modified")); resp.StatusCode != 304 {
		t.Errorf("what is known: %s", resp.Status)
	}
	log := s.stop(os.Interrupt)
	for _, want := range []string{
		"level=INFO msg=request method=GET path=/hello.txt status=200 bytes=13 duration=", "method=HEAD path=/hello.txt status=200 bytes=0 ",
		`path="/a b/<x>" status=200 bytes=3 `, "path=/hello.txt status=206 bytes=5 ", "path=/hello.txt status=304 bytes=0 ", " peer=127.0.0.1:",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if n := strings.Count(log, "\n"); n != 22 {
		t.Errorf("%d lines in the log:\n%s", n, log)
	}
}

const preface = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n"

// A large file that is being sent when the signal comes is sent to its end; a second signal ends that too.
func TestServeStopsGently(t *testing.T) {
	dir := t.TempDir()
	const size = 64 << 20
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, sigs := range map[string][]os.Signal{"one": {syscall.SIGTERM}, "two": {syscall.SIGTERM, os.Interrupt}} {
		t.Run(name, func(t *testing.T) {
			s := startSite(t, "files", dir)
			resp, err := s.client.Get("http://" + s.addr + "/big")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if len(sigs) > 1 {
				if log := s.stop(sigs...); !strings.Contains(log, "path=/big status=200") {
					t.Errorf("logged %q", log)
				}
				return
			}
			if err := s.cmd.Process.Signal(sigs[0]); err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if n != size || err != nil {
				t.Errorf("got %d of %d bytes, %v", n, size, err)
			}
			if log := s.stop(); !strings.Contains(log, fmt.Sprintf("path=/big status=200 bytes=%d ", size)) {
				t.Errorf("logged %q", log)
			}
		})
	}
}
