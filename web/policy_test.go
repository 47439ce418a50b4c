package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
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

// policed runs test with a server whose listener has options, on a simulated loop, whose time is exact.
func policed(t *testing.T, s *web.Server, test func(t *testing.T, task *corolla.Task, address string), opts ...corolla.SocketOption) {
	t.Helper()
	l := sim.New(1).NewLoop(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", opts...)
		if err != nil {
			return err
		}
		served := l.Go(func(task *corolla.Task) error { return s.Serve(task, ln) })
		test(t, task, ln.Addr().String())
		if err := s.Shutdown(task); err != nil {
			t.Error(err)
		}
		_, _ = served.Await(task)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Bodies of requests and answers obey a limiter. That they wait for it is no stall.
func TestThrottledExchanges(t *testing.T) {
	const conns, size = 60, 300 // so that each has a turn every few seconds
	lim := corolla.NewLimiter(100)
	s := &web.Server{StallTimeout: time.Second, ReadHeaderTimeout: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a body of %d bytes: %v", len(b), err)
		}
		_, _ = w.Write(b) // the client notices
	})}
	policed(t, s, func(t *testing.T, task *corolla.Task, address string) {
		err := task.Group(func(g *corolla.Group) error {
			for range conns {
				g.Go(func(task *corolla.Task) error {
					body := strings.Repeat("x", size)
					answer := exchange(t, task, address, "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 300\r\n\r\n"+body)
					if !strings.HasSuffix(answer, body) {
						t.Errorf("the answer is %q", answer)
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		moved := lim.Stats().Moved
		if moved < conns*2*size {
			t.Errorf("%d bytes were counted", moved)
		}
		if took, least := task.Loop().Now(), time.Duration(moved-10)*time.Second/100; took < least {
			t.Errorf("%d bytes took %v", moved, took)
		}
	}, corolla.ThrottleShared(lim, lim))
}

// A handler whose connection's time is up is canceled, and told why.
func TestLifeOfAConnectionEndsItsHandler(t *testing.T) {
	var cause error
	s := &web.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = web.Task(r).Park("the end")
		cause = web.Task(r).Scope().Canceled()
	})}
	policed(t, s, func(t *testing.T, task *corolla.Task, address string) {
		c, err := aio.Dial(task, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(task, []byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n")); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(c.Bind(task)); len(got) > 0 || err != nil {
			t.Errorf("the client read %q, %v", got, err)
		}
		var late *corolla.TimeoutError
		if !errors.As(cause, &late) || late.After != time.Minute {
			t.Errorf("the handler was canceled with %v", cause)
		}
		_ = c.Close() // it is at its end
	}, corolla.LifeTimeout(time.Minute))
}

// A connection that waits for its next request is idle, and what was said on it is logged.
func TestIdleAndLoggedConnectionOfAServer(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	policed(t, &web.Server{Handler: http.HandlerFunc(hello)}, func(t *testing.T, task *corolla.Task, address string) {
		c, err := aio.Dial(task, "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(task, []byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n")); err != nil {
			t.Error(err)
		}
		before := task.Loop().Now()
		got, err := io.ReadAll(c.Bind(task))
		if took := task.Loop().Now() - before; !strings.HasSuffix(string(got), "hello") || err != nil || took < 3*time.Second || took > 4*time.Second {
			t.Errorf("after %v the client has read %q, %v", took, got, err)
		}
		_ = c.Close() // it is at its end
		for _, want := range []string{"msg=open", `data="GET / HTTP/1.1`, `data="HTTP/1.1 200 OK`, "msg=close", `error="timed out after 3s"`} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, &text)
			}
		}
	}, corolla.IdleTimeout(3*time.Second), corolla.LogTraffic(log, corolla.AsText, 1000))
}
