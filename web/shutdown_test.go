package web_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web"
)

// sleeping answers after the time in the path has passed, or with why it did not.
func sleeping(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(strings.Trim(r.URL.Path, "/"))
	if r.URL.RawQuery == "flush" {
		w.(http.Flusher).Flush()
	}
	if err == nil {
		err = web.Task(r).Sleep(d)
	}
	fmt.Fprint(w, err)
}

func TestShutdown(t *testing.T) {
	told := 0
	served(t, func() *web.Server {
		s := &web.Server{Handler: http.HandlerFunc(sleeping)}
		s.RegisterOnShutdown(func() { told++ })
		return s
	}, func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
		idle, busy, half, fresh := dial(t, task, address), dial(t, task, address), dial(t, task, address), dial(t, task, address)
		begun := dial(t, task, address)
		idle.send(get("/0s"))
		idle.want(200, "<nil>")
		busy.send(get("/20ms"))
		begun.send(get("/20ms?flush"))
		half.send(get("/0s")[:10])
		for s.Stats() != (web.ServerStats{Conns: 5, Idle: 1, Active: 2, Partial: 10}) {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		before := told
		stopping := task.Loop().Go(func(task *corolla.Task) error { return s.Shutdown(task) })
		idle.ends()
		fresh.ends()
		if r := busy.want(200, "<nil>"); !r.Close {
			t.Error("the connection of a request under way was not closed")
		}
		busy.ends()
		begun.want(200, "<nil>") // whose head said nothing of a close
		begun.ends()
		half.send(get("/0s")[10:])
		half.want(200, "<nil>")
		half.ends()
		if _, err := stopping.Await(task); err != nil {
			t.Error(err)
		}
		if told != before+1 {
			t.Errorf("told %d times", told-before)
		}
		if _, err := aio.Dial(task, "tcp", address); err == nil {
			t.Error("it still listens")
		}
		for _, c := range []*client{idle, busy, half, fresh, begun} {
			c.close()
		}
	})
}

func TestShutdownThatCannotWait(t *testing.T) {
	for _, stop := range []func(*corolla.Task, *web.Server) error{
		func(task *corolla.Task, s *web.Server) error {
			err := task.Timeout(10*time.Millisecond, func(*corolla.Scope) error { return s.Shutdown(task) })
			if !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("Shutdown: %w", err)
			}
			return nil
		},
		func(_ *corolla.Task, s *web.Server) error { return s.Close() },
	} {
		var seen error
		served(t, handling(func(w http.ResponseWriter, r *http.Request) {
			seen = web.Task(r).Sleep(time.Hour)
		}), func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
			seen = nil
			c := dial(t, task, address)
			c.send(get("/"))
			for s.Stats().Active == 0 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			if err := stop(task, s); err != nil {
				t.Error(err)
			}
			c.ends()
			for s.Stats().Conns > 0 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			if !errors.Is(seen, http.ErrServerClosed) {
				t.Errorf("the handler saw %v", seen)
			}
			c.close()
		})
	}
}

func TestServeThatIsCanceled(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var seen error
		s := &web.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = web.Task(r).Sleep(time.Hour) })}
		serving := task.Loop().Go(func(task *corolla.Task) error { return s.Serve(task, ln) })
		c := dial(t, task, ln.Addr().String())
		c.send(get("/"))
		for s.Stats().Active == 0 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		why := errors.New("enough")
		serving.Cancel(why)
		if _, err := serving.Await(task); !errors.Is(err, why) || !errors.Is(seen, why) {
			t.Errorf("Serve: %v; the handler saw %v", err, seen)
		}
		c.ends()
		c.close()
		if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestClientThatGoes(t *testing.T) {
	for _, go_ := range []func(*aio.Conn) error{(*aio.Conn).Close, (*aio.Conn).Abort, (*aio.Conn).CloseWrite} {
		var seen, cause error
		served(t, handling(func(w http.ResponseWriter, r *http.Request) {
			seen = web.Task(r).Sleep(time.Hour)
			cause = context.Cause(r.Context())
			fmt.Fprint(w, "late")
		}), func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
			c := dial(t, task, address)
			c.send(get("/"))
			for s.Stats().Active == 0 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			if err := go_(c.conn); err != nil {
				t.Fatal(err)
			}
			for s.Stats().Active > 0 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			if !errors.Is(seen, web.ErrClientGone) || !errors.Is(cause, web.ErrClientGone) {
				t.Errorf("the handler saw %v, and the context says %v", seen, cause)
			}
			if !c.conn.Socket().Closed() { // only its own half: it can still hear the answer
				c.want(200, "late")
			}
			c.close()
		})
	}
}

func TestPanics(t *testing.T) {
	for _, test := range []struct {
		value any
		told  int
	}{{"oops", 1}, {http.ErrAbortHandler, 0}} {
		var reports []string
		served(t, func() *web.Server {
			return &web.Server{
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/part" {
						fmt.Fprint(w, strings.Repeat("x", 5000))
					}
					panic(test.value)
				}),
				ErrorLog: logTo(&reports),
			}
		}, func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
			for _, path := range []string{"/none", "/part"} {
				reports = nil
				c := dial(t, task, address)
				c.send(get(path))
				if r, err := http.ReadResponse(c.in, nil); err == nil {
					if n, err := r.Body.Read(make([]byte, 10_000)); err == nil {
						_, err = r.Body.Read(make([]byte, 10_000))
						if err == nil {
							t.Errorf("%s: the answer goes on after %d bytes", path, n)
						}
					}
				} else if path == "/part" && !strings.Contains(err.Error(), "reset") {
					t.Error(err)
				}
				c.close()
				if len(reports) != test.told || test.told > 0 && !strings.Contains(reports[0], "handler of GET \""+path) {
					t.Errorf("%s: reports %q", path, reports)
				}
			}
		})
	}
}

func TestTimeoutHandler(t *testing.T) {
	served(t, handling(web.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		if r.URL.Path == "/green" {
			green.NewHub(web.Task(r).Loop()).Sleep(time.Hour)
		}
		sleeping(w, r)
		if r.Context().Err() == nil {
			w.WriteHeader(201)
		}
	}), 30*time.Millisecond, "too late").ServeHTTP), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send(get("/1ms"))
		if r := c.want(200, "<nil>"); r.Header.Get("X-A") != "1" {
			t.Error("the header was lost")
		}
		for _, path := range []string{"/1h", "/green"} {
			c.send(get(path))
			c.want(503, "too late")
		}
		c.close()
	})
}
