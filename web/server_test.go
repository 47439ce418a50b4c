package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
)

// onHosts runs test in a task of a real loop and of a simulated one.
func onHosts(t *testing.T, test func(t *testing.T, task *corolla.Task)) {
	t.Helper()
	for _, name := range []string{"real", "sim"} {
		t.Run(name, func(t *testing.T) {
			opts := []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) })}
			l, err := corolla.New(opts...)
			if name == "sim" {
				if err == nil {
					err = l.Close()
				}
				l = sim.New(1, sim.Begin(time.Now())).NewLoop(opts...)
			}
			leaktest.NeedLoop(t, err)
			if err := l.Run(func(task *corolla.Task) error { test(t, task); return quiet(task) }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

// quiet waits until connections that were closed are gone, and jobs that nothing can stop.
func quiet(task *corolla.Task) error {
	return task.Timeout(10*time.Second, func(*corolla.Scope) error {
		for s := task.Loop().Stats(); s.Sockets > 0 || s.Jobs > 0; s = task.Loop().Stats() {
			if err := task.Sleep(time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
}

// served runs test with a server, on both hosts, and then shuts it down.
func served(t *testing.T, srv func() *web.Server, test func(t *testing.T, task *corolla.Task, s *web.Server, address string)) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := srv()
		serving := task.Loop().Go(func(task *corolla.Task) error { return s.Serve(task, ln) })
		test(t, task, s, ln.Addr().String())
		if err := task.Timeout(5*time.Second, func(*corolla.Scope) error { return s.Shutdown(task) }); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if _, err := serving.Await(task); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		if st := s.Stats(); st != (web.ServerStats{}) {
			t.Errorf("left behind: %+v", st)
		}
	})
}

func handling(h http.HandlerFunc) func() *web.Server {
	return func() *web.Server { return &web.Server{Handler: h} }
}

// exchange sends text on a connection of its own, ends the stream, and returns all that comes back.
func exchange(t *testing.T, task *corolla.Task, address, text string) string {
	t.Helper()
	c, err := aio.Dial(task, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(task, []byte(text)); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c.Bind(task))
	if err != nil {
		t.Fatalf("after %q: %v", all, err)
	}
	return string(all)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n" }
func last(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
}

func TestSmallAnswers(t *testing.T) {
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		fmt.Fprintf(w, "%s %s of %s", r.Method, r.URL.Path, r.Host)
	}), func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
		got := exchange(t, task, address, get("/a")+get("/b")+last("/c"))
		want := "HTTP/1.1 200 OK\r\nContent-Length: 14\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGET /a of test" +
			"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGET /b of test" +
			"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGET /c of test"
		if got != want {
			t.Errorf("got %q", got)
		}
	})
}

// client is one end of a connection to a server.
type client struct {
	t    *testing.T
	task *corolla.Task
	conn *aio.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, task *corolla.Task, address string) *client {
	t.Helper()
	c, err := aio.Dial(task, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, task, c, bufio.NewReader(c.Bind(task))}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write(c.task, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer to a request of the method, and its body.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatalf("answer %s with %q: %v", r.Status, body, err)
	}
	return r, string(body)
}

// want reads an answer and compares it.
func (c *client) want(status int, body string) *http.Response {
	c.t.Helper()
	r, got := c.answer("GET")
	if r.StatusCode != status || got != body {
		c.t.Errorf("got %d with %q, want %d with %q", r.StatusCode, got, status, body)
	}
	return r
}

// ends expects the end of the stream.
func (c *client) ends() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Errorf("instead of the end: %q, %v", rest, err)
	}
}

func (c *client) close() { _ = c.conn.Close() } // the server may have done so before
