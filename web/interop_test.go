package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Other people's clients, and a proxy, against the server on the real host.

// need skips the test if a program is not installed, which fails where CI is set.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path = "/usr/sbin/" + program; exec.Command(path, "-v").Run() == nil {
			return path
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("continuous integration must install %s", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

// run runs a program to its end, and returns what it said.
func run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%.2000s", args[0], err, out)
	}
	return string(out)
}

func TestCurl(t *testing.T) {
	curl := need(t, "curl")
	big := strings.Repeat("curl sends this ", 200_000)
	of := func(s string) string { return sum(strings.NewReader(s)) }
	onRealHost(t, http.HandlerFunc(behave), func(s *serving, _ func(func())) {
		url := "http://" + s.addr
		for _, c := range []struct {
			name, stdin string
			args        []string
			want        []string // in this order
		}{
			{"GET", "", []string{url + "/x?y"}, []string{`GET "/x?y"`, "length=0", of("")}},
			{"HEAD", "", []string{"-I", url + "/length"}, []string{"HTTP/1.1 200 OK", "Content-Length: 5"}},
			{"POST", "", []string{"-d", "a=1", url + "/form"}, []string{`[a:["1"]]`}},
			{"a big body, which it expects to send", big, []string{"-H", "Expect: 100-continue", "-v", "--data-binary", "@-", url}, []string{"HTTP/1.1 100 Continue", "HTTP/1.1 200 OK", fmt.Sprintf("length=%d", len(big)), of(big)}},
			{"chunks", big, []string{"-H", "Transfer-Encoding: chunked", "--data-binary", "@-", url}, []string{"length=-1", `coded=["chunked"]`, of(big)}},
			{"PUT", big, []string{"-T", "-", url + "/put"}, []string{`PUT "/put"`, of(big)}},
			{"HTTP/1.0", "", []string{"-0", url + "/big"}, []string{"0123456789abcdef"}},
			{"two on one connection", "", []string{"-v", url + "/big", url + "/two"}, []string{"0123456789abcdef", "Re-us", `GET "/two"`}},
			{"trailers", "", []string{"-i", url + "/trailers"}, []string{"Transfer-Encoding: chunked", "X-More: unannounced", "X-Sum: " + of("")}},
			{"early hints", "", []string{"-i", url + "/hints"}, []string{"HTTP/1.1 103 Early Hints", "HTTP/1.1 200 OK"}},
			{"204", "", []string{"-i", url + "/204", url + "/two"}, []string{"HTTP/1.1 204 No Content", `GET "/two"`}},
			{"304", "", []string{"-i", url + "/304", url + "/two"}, []string{"HTTP/1.1 304 Not Modified", `GET "/two"`}},
			{"flushes", "", []string{url + "/flush"}, []string{"0 GET\n1 GET\n2 GET\n"}},
			{"asking for HTTP/2", "", []string{"--http2", url}, []string{"Http2-Settings", of("")}},
			{"asterisk", "", []string{"-i", "-X", "OPTIONS", "--request-target", "*", url}, []string{"HTTP/1.1 200 OK"}},
		} {
			rest := run(t, c.stdin, append([]string{curl, "-sS", "--max-time", "20"}, c.args...)...)
			for _, want := range c.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("%s: no %q in %.1000q", c.name, want, rest)
					break
				}
				rest = after
			}
		}
	})
}

const pythonClient = `
import http.client, sys, zlib
c = http.client.HTTPConnection(sys.argv[1])
def ask(method, path, body=None, headers={}, **more):
    c.request(method, path, body, headers, **more)
    r = c.getresponse()
    return r, r.read()
def must(ok, *about):
    if not ok: sys.exit(repr(about))
c.connect(); first = c.sock
r, b = ask("GET", "/x"); must(r.status == 200 and b'GET "/x"' in b, b)
for n in (0, 1, 5000, 3000000):
    data = bytes(i % 251 for i in range(n))
    want = ("body=%d/%08x failed=false" % (n, zlib.crc32(data))).encode()
    r, b = ask("POST", "/", data); must(want in b, n, b)
    pieces = (data[i:i+70000] for i in range(0, n, 70000))
    r, b = ask("POST", "/", pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True); must(want in b, n, b)
r, b = ask("GET", "/big"); must(b == b"0123456789abcdef" * 256 * 40, len(b))
r, b = ask("HEAD", "/length"); must(r.getheader("Content-Length") == "5" and b == b"", r.headers)
r, b = ask("GET", "/204"); must(r.status == 204 and b == b"", b)
r, b = ask("GET", "/304"); must(r.status == 304 and b == b"", b)
r, b = ask("GET", "/trailers"); must(b.startswith(b"body=0/"), b)
must(c.sock is first, "the connection was not kept")
r, b = ask("GET", "/close"); must(r.will_close, r.headers)
r, b = ask("GET", "/after"); must(b'GET "/after"' in b, b)
`

func TestPythonsClient(t *testing.T) {
	python := need(t, "python3")
	onRealHost(t, http.HandlerFunc(behave), func(s *serving, _ func(func())) {
		if out := run(t, pythonClient, python, "-", s.addr); out != "" {
			t.Errorf("it said %q", out)
		}
	})
}

func TestH2load(t *testing.T) {
	h2load := need(t, "h2load")
	onRealHost(t, http.HandlerFunc(behave), func(s *serving, _ func(func())) {
		for _, args := range [][]string{
			{"-n", "3000", "-c", "30", "-m", "1"},
			{"-n", "3000", "-c", "10", "-m", "20"}, // which pipelines
			{"-n", "500", "-c", "5", "-d", "interop_test.go"},
		} {
			out := run(t, "", append(append([]string{h2load, "--h1"}, args...), "http://"+s.addr+"/middle")...)
			if want := fmt.Sprintf("%s succeeded, 0 failed, 0 errored, 0 timeout", args[1]); !strings.Contains(out, want) {
				t.Errorf("h2load %v: no %q in\n%s", args, want, out)
			}
		}
	})
}

// wrk has no number of requests, so it runs for the shortest time that it can.
func TestWrk(t *testing.T) {
	wrk := need(t, "wrk")
	onRealHost(t, http.HandlerFunc(behave), func(s *serving, _ func(func())) {
		out := run(t, "", wrk, "-t1", "-c20", "-d1s", "http://"+s.addr+"/middle")
		if !strings.Contains(out, "Requests/sec") || strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
			t.Errorf("wrk: %s", out)
		}
	})
}

const nginxConf = `
daemon off; pid nginx.pid; error_log stderr warn;
events { worker_connections 512; }
http {
  access_log off; client_max_body_size 0; client_body_buffer_size 8m; proxy_max_temp_file_size 0; proxy_set_header Host $http_host; proxy_http_version 1.1;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream ours { server %s; keepalive 8; }
  server {
    listen %s;
    location / { proxy_pass http://ours; proxy_set_header Connection ""; proxy_set_header Host $http_host; }
    location /streamed/ { proxy_pass http://ours; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off; }
    location /old/ { proxy_set_header Host $http_host; proxy_pass http://%[1]s; proxy_http_version 1.0; }
  }
}
`

// nginx runs nginx in front of a server while test runs, on a listener that it inherits, so that it is
// there from the beginning.
func nginx(t *testing.T, upstream string, test func(url string)) {
	t.Helper()
	program := need(t, "nginx")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, upstream, ln.Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-c", conf, "-e", "stderr")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = append(os.Environ(), "NGINX=3;")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	ln.Close()
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt) // or it has ended, which Wait says
		if err := cmd.Wait(); err != nil || strings.Contains(said.String(), "upstream") {
			t.Errorf("nginx: %v\n%s", err, &said)
		}
	}()
	test("http://" + ln.Addr().String())
}

func TestBehindNginx(t *testing.T) {
	onRealHost(t, http.HandlerFunc(behave), func(s *serving, _ func(func())) {
		nginx(t, s.addr, func(url string) {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
			defer client.CloseIdleConnections()
			for _, where := range []string{"/", "/streamed/", "/old/"} {
				for _, size := range []int64{0, 1, 5000, 3 << 20} {
					for _, length := range []int64{size, -1} {
						req, err := http.NewRequest("POST", url+where, &pattern{n: size})
						if err != nil {
							t.Fatal(err)
						}
						req.ContentLength = length
						r, err := client.Do(req)
						if err != nil {
							t.Errorf("%d bytes to %s: %v", size, where, err)
							continue
						}
						text, err := io.ReadAll(r.Body)
						r.Body.Close()
						if want := sum(&pattern{n: size}); !strings.Contains(string(text), want) || err != nil {
							t.Errorf("%d bytes to %s: %q, %v; want %s", size, where, text, err, want)
						}
					}
				}
			}
			for _, path := range []string{"/big", "/flush", "/trailers", "/204", "/304", "/404", "/close", "/middle", "/html"} {
				direct, proxied := fetch(t, client, "http://"+s.addr+path), fetch(t, client, url+path)
				if direct != proxied {
					t.Errorf("%s: %.200q by nginx, %.200q directly", path, proxied, direct)
				}
			}
		})
	})
}

func fetch(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	r, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("%s: %v", url, err)
	}
	return fmt.Sprintf("%d %s %s", r.StatusCode, r.Header.Get("Content-Type"), strings.ReplaceAll(string(text), r.Request.URL.Host, ""))
}
