package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
			if err := l.Run(func(task *corolla.Task) error { test(t, task); return nil }); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
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
	return dated.Replace(string(all))
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

var dated = strings.NewReplacer()
