package web_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// clientEnv is what a test of the Transport has, which runs in a task.
type clientEnv struct {
	*testing.T
	task   *corolla.Task
	loop   *corolla.Loop
	tr     *web.Transport
	client *http.Client
	sim    bool
	spend  func(time.Duration) // lets time pass within a callback, on a simulated machine
}

// clientEach runs test on both hosts.
func clientEach(t *testing.T, test func(e *clientEnv)) {
	t.Helper()
	for _, host := range []string{"real", "sim"} {
		t.Run(host, func(t *testing.T) { clientOn(t, host, 1, test) })
	}
}

// clientOn runs test on one host, and looks for what it leaves behind.
func clientOn(t *testing.T, host string, seed uint64, test func(e *clientEnv)) {
	t.Helper()
	opts := []corolla.Option{
		corolla.SlowLimit(0),
		corolla.ErrorHandler(func(err error) {
			if !strings.HasPrefix(t.Name(), "TestTransportUnwound") || !errors.As(err, new(*corolla.UnwoundError)) {
				t.Errorf("error handler: %v", err)
			}
		}),
	}
	l, err := corolla.New(opts...)
	spend := func(time.Duration) {}
	if host == "sim" {
		if err == nil {
			err = l.Close()
		}
		w := sim.New(seed, sim.Begin(time.Now()))
		l, spend = w.NewLoop(opts...), w.Spend
	}
	leaktest.NeedLoop(t, err)
	if err := l.Run(func(task *corolla.Task) error {
		e := &clientEnv{T: t, task: task, loop: l, tr: &web.Transport{Loop: l}, sim: host == "sim", spend: spend}
		e.client = &http.Client{Transport: e.tr}
		test(e)
		e.tr.CloseIdleConnections()
		e.settle(func() bool { s := l.Stats(); return s.Sockets+s.Jobs == 0 })
		if s := e.tr.Stats(); s != (web.TransportStats{}) {
			t.Errorf("left behind in the transport: %+v", s)
		}
		return nil
	}); err != nil {
		t.Error(err)
		if p := (*corolla.PanicError)(nil); errors.As(err, &p) {
			t.Logf("%s", p.Stack)
		}
	}
	leaktest.Close(t, l)
}

// settle waits until something is so, which must come by itself.
func (e *clientEnv) settle(so func() bool) {
	e.Helper()
	if err := e.task.Timeout(20*time.Second, func(*corolla.Scope) error {
		for !so() {
			if err := e.task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		e.Errorf("not settled: %v; %+v, %+v", err, e.loop.Stats(), e.tr.Stats())
	}
}

// clientPeer is a connection of a test's server.
type clientPeer struct {
	conn *aio.Conn
	task *corolla.Task
	in   *bufio.Reader
	n    int // requests before this one
}

func (p *clientPeer) say(format string, args ...any) error {
	_, err := p.conn.Write(p.task, fmt.Appendf(nil, format, args...))
	return err
}

// serve answers the requests of all connections until stop is called. An error of answer closes the
// connection.
func (e *clientEnv) serve(answer func(p *clientPeer, r *http.Request) error) (url string, stop func()) {
	e.Helper()
	return e.accept(func(p *clientPeer) error {
		for ; ; p.n++ {
			r, err := http.ReadRequest(p.in)
			if err != nil {
				return nil
			}
			if err := answer(p, r); err != nil {
				return nil
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
}

// accept calls handle for each connection.
func (e *clientEnv) accept(handle func(p *clientPeer) error) (url string, stop func()) {
	e.Helper()
	return e.acceptOn(e.listen(), handle)
}

func (e *clientEnv) acceptOn(ln *aio.Listener, handle func(p *clientPeer) error) (url string, stop func()) {
	serving := e.loop.Go(func(task *corolla.Task) error {
		return aio.NewServer(ln, func(task *corolla.Task, c *aio.Conn) error {
			return handle(&clientPeer{conn: c, task: task, in: bufio.NewReader(c.Bind(task))})
		}).Serve(task)
	})
	return "http://" + ln.Addr().String(), func() {
		serving.Cancel(nil)
		_, _ = serving.Await(e.task)
	}
}

func (e *clientEnv) listen() *aio.Listener {
	e.Helper()
	ln, err := aio.Listen(e.loop, "tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
	}
	return ln
}

// get requests a URL, and returns what the body is.
func (e *clientEnv) get(url string) (string, error) {
	resp, err := e.client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}

func (e *clientEnv) wantGet(url, want string) {
	e.Helper()
	if got, err := e.get(url); got != want || err != nil {
		e.Errorf("GET %s: %.80q, %v; want %.80q", url, got, err, want)
	}
}

func (e *clientEnv) wantStats(want web.TransportStats) {
	e.Helper()
	if got := e.tr.Stats(); got != want {
		e.Errorf("stats: %+v, want %+v", got, want)
	}
}

// clientWhole is an answer of a known length.
func clientWhole(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// clientChunks is an answer in chunks of n bytes, with a trailer.
func clientChunks(text string, n int) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
	for piece := range slices.Chunk([]byte(text), n) {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
	}
	b.WriteString("0\r\nX-Sum: 7\r\n\r\n")
	return b.String()
}

// clientUnsized hides what a reader is, so that its length is not known.
type clientUnsized struct{ io.Reader }

func TestTransportBodies(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		sizes := []int{0, 1, 100, 4 << 10, 32<<10 + 1, 8 << 20}
		if e.sim {
			sizes = sizes[:5]
			sizes[4] = 300 << 10
		}
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error { // echo
			all, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			if r.URL.Path == "/chunked" {
				return p.say("%s", clientChunks(string(all), 3000))
			}
			return p.say("HTTP/1.1 200 OK\r\nX-Length: %d\r\nX-Sum: %s\r\nContent-Length: %d\r\n\r\n%s",
				r.ContentLength, r.Trailer.Get("X-Sum"), len(all), all)
		})
		defer stop()
		for _, n := range sizes {
			text := strings.Repeat("petal ", n/6+1)[:n]
			for name, body := range map[string]io.Reader{"known": strings.NewReader(text), "unknown": clientUnsized{strings.NewReader(text)}} {
				for _, path := range []string{"/", "/chunked"} {
					e.echoes(url+path, fmt.Sprint(n, " bytes of ", name, " length"), body, text)
					body = clientUnsized{strings.NewReader(text)}
				}
			}
		}
		e.wantStats(web.TransportStats{Idle: 1})
	})
}

// echoes posts a body, and wants it back.
func (e *clientEnv) echoes(url, what string, body io.Reader, text string) {
	e.Helper()
	resp, err := e.client.Post(url, "text/plain", body)
	if err != nil {
		e.Errorf("%s: %v", what, err)
		return
	}
	all, err := io.ReadAll(resp.Body)
	if string(all) != text || err != nil {
		e.Errorf("%s: %d bytes came back, %v", what, len(all), err)
	}
	if got := resp.Trailer.Get("X-Sum"); strings.HasSuffix(url, "/chunked") && got != "7" {
		e.Errorf("%s: the trailer has %q", what, got)
	}
	if err := resp.Body.Close(); err != nil {
		e.Errorf("%s: Close: %v", what, err)
	}
}

func TestTransportSendsTrailers(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			announced := fmt.Sprint(r.Trailer)
			all, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			return p.say("%s", clientWhole(fmt.Sprint(announced, string(all), r.Trailer["X-Sum"])))
		})
		defer stop()
		req, err := http.NewRequest("POST", url, clientUnsized{strings.NewReader("body")})
		if err != nil {
			e.Fatal(err)
		}
		req.Trailer = http.Header{"X-Sum": nil}
		req.Body = io.NopCloser(io.MultiReader(req.Body, clientAtEnd(func() { req.Trailer.Set("X-Sum", "9") })))
		resp, err := e.client.Do(req)
		if err != nil {
			e.Fatal(err)
		}
		if all, err := io.ReadAll(resp.Body); string(all) != "map[X-Sum:[]]body[9]" || err != nil {
			e.Errorf("the server saw %q, %v", all, err)
		}
	})
}

// clientAtEnd is an empty reader that calls f.
func clientAtEnd(f func()) io.Reader {
	return clientReader(func([]byte) (int, error) { f(); return 0, io.EOF })
}

type clientReader func([]byte) (int, error)

func (f clientReader) Read(p []byte) (int, error) { return f(p) }

func TestTransportAnswersWithoutBody(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch {
			case r.Method == "HEAD":
				return p.say("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
			case r.URL.Path == "/204":
				return p.say("HTTP/1.1 204 No Content\r\n\r\n")
			case r.URL.Path == "/304":
				return p.say("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n")
			}
			return p.say("%s", clientWhole(""))
		})
		defer stop()
		for _, c := range []struct {
			method, path string
			status       int
			length       int64
		}{{"HEAD", "/", 200, 500}, {"GET", "/204", 204, 0}, {"GET", "/304", 304, 0}, {"GET", "/", 200, 0}} {
			req, err := http.NewRequest(c.method, url+c.path, nil)
			if err != nil {
				e.Fatal(err)
			}
			resp, err := e.client.Do(req)
			if err != nil {
				e.Fatal(err)
			}
			all, err := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status || resp.ContentLength != c.length || len(all) > 0 || err != nil {
				e.Errorf("%s %s: %v, length %d, %q, %v", c.method, c.path, resp.StatusCode, resp.ContentLength, all, err)
			}
			e.wantStats(web.TransportStats{Idle: 1})
		}
	})
}

func TestTransportGzip(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	text := strings.Repeat("corolla ", 10_000)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				return p.say("%s", clientWhole("plain"))
			}
			body := zipped.String()
			if r.URL.Path == "/broken" {
				body = body[:len(body)/2]
			}
			return p.say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		})
		defer stop()
		for range 2 {
			resp, err := e.client.Get(url)
			if err != nil {
				e.Fatal(err)
			}
			all, err := io.ReadAll(resp.Body)
			if string(all) != text || err != nil || !resp.Uncompressed || resp.ContentLength != -1 || resp.Header["Content-Encoding"] != nil {
				e.Errorf("%d bytes, %v; %+v", len(all), err, resp)
			}
			e.wantStats(web.TransportStats{Idle: 1})
		}
		if _, err := e.get(url + "/broken"); !errors.Is(err, io.ErrUnexpectedEOF) {
			e.Errorf("a broken body: %v", err)
		}
		for _, field := range []string{"Range", "Accept-Encoding"} {
			req, err := http.NewRequest("GET", url, nil)
			if err != nil {
				e.Fatal(err)
			}
			req.Header.Set(field, "identity")
			resp, err := e.client.Do(req)
			if err != nil {
				e.Fatal(err)
			}
			if all, err := io.ReadAll(resp.Body); string(all) != "plain" || err != nil {
				e.Errorf("with %s: %q, %v", field, all, err)
			}
		}
		e.tr.DisableCompression = true
		e.wantGet(url, "plain")
	})
}

func TestTransportRedirectsAndCookies(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			switch r.URL.Path {
			case "/login":
				return p.say("HTTP/1.1 307 Go\r\nLocation: /home\r\nSet-Cookie: who=me\r\nContent-Length: 0\r\n\r\n")
			default:
				all, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				return p.say("%s", clientWhole(fmt.Sprint(r.Method, r.URL, r.Header["Cookie"], string(all), r.Header["Authorization"])))
			}
		})
		defer stop()
		jar, err := cookiejar.New(nil)
		if err != nil {
			e.Fatal(err)
		}
		e.client.Jar = jar
		resp, err := e.client.Post(strings.Replace(url, "//", "//me:secret@", 1)+"/login", "text/plain", strings.NewReader("text"))
		if err != nil {
			e.Fatal(err)
		}
		all, err := io.ReadAll(resp.Body)
		if want := "POST/home [who=me]text[Basic bWU6c2VjcmV0]"; string(all) != want || err != nil {
			e.Errorf("%q, %v; want %q", all, err, want)
		}
		e.wantStats(web.TransportStats{Idle: 1})
	})
}

type clientCloser struct {
	io.Reader
	f func()
}

func (c clientCloser) Close() error { c.f(); return nil }
