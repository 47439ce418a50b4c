package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web"
)

// onLoopServers runs test with a server of net/http for each of its protocols, whose handler, which the
// test sets first, is called on a loop that runs meanwhile.
func onLoopServers(t *testing.T, test func(t *testing.T, s *onLoopServer)) {
	t.Helper()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) { test(t, onLoopNew(t, proto)) })
	}
}

type onLoopServer struct {
	*httptest.Server
	t      *testing.T
	loop   *corolla.Loop
	outer  func(http.Handler) http.Handler // on net/http's side
	log    bytes.Buffer                    // of net/http
	client *http.Client
	ran    chan error
}

func onLoopNew(t *testing.T, proto string) *onLoopServer {
	t.Helper()
	s := &onLoopServer{t: t, ran: make(chan error, 1), outer: func(h http.Handler) http.Handler { return h }}
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	s.loop = l
	s.Server = httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = log.New(&s.log, "", 0)
	s.EnableHTTP2 = proto == "HTTP/2.0"
	return s
}

// serve starts the server and the loop.
func (s *onLoopServer) serve(handler http.HandlerFunc) {
	s.Config.Handler = s.outer(web.OnLoop(s.loop, handler))
	go func() { s.ran <- s.loop.RunForever() }()
	if s.EnableHTTP2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	s.client = s.Client()
	s.t.Cleanup(func() {
		s.Close()
		s.stop()
	})
}

// stop ends the loop, which must be idle.
func (s *onLoopServer) stop() {
	s.loop.Stop()
	if err := <-s.ran; err != nil {
		s.t.Errorf("the loop: %v", err)
	}
	s.ran <- nil
	if n := s.loop.Stats(); !n.Closed && (n.Tasks > 0 || n.Contexts > 0 || n.Timers > 0) {
		s.t.Errorf("left behind on the loop: %+v", n)
	}
	if err := s.loop.Close(); err != nil && !errors.Is(err, corolla.ErrLoopClosed) {
		s.t.Error(err)
	}
}

// get asks, and returns the answer and its whole body.
func (s *onLoopServer) get(path string) (*http.Response, string, error) {
	resp, err := s.client.Get(s.URL + path)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func TestOnLoopAnswers(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.outer = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Outer", "kept")
				w.Header().Set("X-Gone", "deleted by the handler")
				h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), onLoopKey{}, "value")))
			})
		}
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			task := web.Task(r)
			if task == nil || task != s.loop.Current() {
				t.Errorf("task %v, running %v", task, s.loop.Current())
			}
			if r.Context().Value(http.ServerContextKey) != s.Config || r.Context().Value(onLoopKey{}) != "value" {
				t.Error("the context has not the values of net/http's")
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.Header().Del("X-Gone")
			w.Header().Set("X-Inner", "set")
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "too late")
			fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Method, r.URL.Path, body)
		})
		resp, err := s.client.Post(s.URL+"/path", "text/plain", strings.NewReader("the body"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if want := resp.Proto + " POST /path the body"; string(got) != want || err != nil || resp.StatusCode != http.StatusTeapot {
			t.Errorf("%s: %q, %v, want %q", resp.Status, got, err, want)
		}
		for name, want := range map[string]string{
			"X-Outer": "kept", "X-Gone": "", "X-Inner": "set", "X-Late": "",
			"Content-Length": fmt.Sprint(len(got)), "Content-Type": "text/plain; charset=utf-8",
		} {
			if h := resp.Header.Get(name); h != want {
				t.Errorf("%s: %q, want %q", name, h, want)
			}
		}
	})
}

type onLoopKey struct{}

// Handlers that share a map without a lock, which the race detector would not allow on goroutines.
func TestOnLoopHandlersShareState(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		visits, all := map[string]int{}, 0
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			before := all
			visits[r.URL.Path]++
			all++
			if all != before+1 {
				t.Error("another handler ran in between")
			}
			if err := web.Task(r).Yield(); err != nil {
				t.Error(err)
			}
			fmt.Fprint(w, visits[r.URL.Path])
		})
		const clients, rounds = 200, 5
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				for range rounds {
					if _, text, err := s.get(fmt.Sprintf("/%d", i%10)); err != nil || text == "" {
						t.Errorf("%q, %v", text, err)
					}
				}
			})
		}
		wg.Wait()
		s.Close()
		s.stop()
		if len(visits) != 10 || all != clients*rounds || visits["/3"] != clients*rounds/10 {
			t.Errorf("%d visits: %v", all, visits)
		}
	})
}

// Both ways at once, and more than any buffer holds. HTTP/1.1 of net/http has to be asked for that.
func TestOnLoopStreamsBothWays(t *testing.T) {
	size := 64 << 20
	if testing.Short() {
		size = 4 << 20
	}
	data := make([]byte, size)
	_, _ = rand.New(rand.NewSource(1)).Read(data) // never fails
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
				t.Error(err)
			}
			if n, err := io.Copy(w, r.Body); n != int64(size) || err != nil {
				t.Errorf("copied %d, %v", n, err)
			}
		})
		resp, err := s.client.Post(s.URL, "", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back, the same: %v, %v", len(got), bytes.Equal(got, data), err)
		}
	})
}

// A task that waits for the body does not hold up one that writes: each says something only when it has
// heard the other.
func TestOnLoopReadsAndWritesInTwoTasks(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := c.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
				t.Error(err)
			}
			heard := corolla.NewQueue[string](0)
			err := web.Task(r).Group(func(g *corolla.Group) error {
				g.Go(func(task *corolla.Task) error {
					defer heard.Shutdown(false)
					for buf := make([]byte, 1); ; {
						n, err := r.Body.Read(buf)
						if n > 0 {
							err = errors.Join(err, heard.Put(task, string(buf[:n])))
						}
						if err != nil {
							return onLoopUnless(err, io.EOF)
						}
					}
				})
				g.Go(func(task *corolla.Task) error {
					for i := 0; ; i++ {
						fmt.Fprint(w, i)
						if err := c.Flush(); err != nil {
							return err
						}
						if _, err := heard.Get(task); err != nil {
							return onLoopUnless(err, corolla.ErrQueueShutdown)
						}
					}
				})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		up, say := io.Pipe()
		resp, err := s.client.Post(s.URL, "", up)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for i := range 10 {
			got := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != fmt.Sprint(i) {
				t.Fatalf("round %d: %q, %v", i, got, err)
			}
			if i < 9 {
				fmt.Fprint(say, "x")
			}
		}
		say.Close()
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

func onLoopUnless(err, end error) error {
	if errors.Is(err, end) {
		return nil
	}
	return err
}

// What is flushed arrives before what comes later; what is only written waits.
func TestOnLoopFlushesInOrder(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		more := make(chan struct{})
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			for _, part := range []string{"one ", "two ", "three "} {
				io.WriteString(w, part)
				w.(http.Flusher).Flush()
				wait := corolla.Offload(s.loop, func() (bool, error) { <-more; return true, nil })
				if _, err := wait.Await(web.Task(r)); err != nil {
					t.Error(err)
				}
			}
			io.WriteString(w, "end")
		})
		resp, err := s.client.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for _, want := range []string{"one ", "two ", "three "} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
				t.Fatalf("%q, %v, want %q", got, err, want)
			}
			more <- struct{}{}
		}
		if rest, err := io.ReadAll(resp.Body); string(rest) != "end" || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

func TestOnLoopPassesOnTrailers(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			if _, announced := r.Trailer["X-Asked"]; !announced {
				t.Errorf("announced %v", r.Trailer)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != "body" || r.Trailer.Get("X-Asked") != "for this" {
				t.Errorf("body %q, %v, trailers %v", body, err, r.Trailer)
			}
			w.Header().Set("Trailer", "X-Announced")
			fmt.Fprint(w, strings.Repeat("x", 100_000))
			w.Header().Set("X-Announced", "one")
			w.Header().Set(http.TrailerPrefix+"X-Sudden", "two")
		})
		req, err := http.NewRequest("POST", s.URL, io.NopCloser(strings.NewReader("body")))
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-Asked": {"for this"}}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); n != 100_000 || err != nil {
			t.Error(n, err)
		}
		if a, b := resp.Trailer.Get("X-Announced"), resp.Trailer.Get("X-Sudden"); a != "one" || b != "two" {
			t.Errorf("trailers %v", resp.Trailer)
		}
	})
}

// The loop serves others while a client takes nothing.
func TestOnLoopIsNotHeldUpBySlowClients(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		const size = 32 << 20
		wrote := 0
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wrote" {
				fmt.Fprint(w, wrote)
				return
			}
			for piece := make([]byte, 10_000); wrote < size; {
				n, err := w.Write(piece)
				if wrote += n; err != nil {
					t.Error(err)
					return
				}
			}
		})
		resp, err := s.client.Get(s.URL + "/big")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		before, text := "", ""
		for i := 0; i < 3 || text != before; i++ { // until it writes no more
			before = text
			if _, text, err = s.get("/wrote"); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if fmt.Sscan(text, &n); n == 0 || n >= size {
			t.Errorf("%d of %d bytes were written for a client that reads nothing", n, size)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n < size || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestOnLoopCancelsForAClientThatGoes(t *testing.T) {
	for _, while := range []string{"sleeping", "reading", "writing"} {
		onLoopServers(t, func(t *testing.T, s *onLoopServer) {
			ended := make(chan error, 1)
			s.serve(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).EnableFullDuplex() // not for HTTP/2
				w.(http.Flusher).Flush()
				var err error
				switch while {
				case "sleeping":
					err = web.Task(r).Sleep(time.Hour)
				case "reading":
					_, err = io.Copy(io.Discard, r.Body)
				case "writing":
					_, err = io.Copy(w, onLoopEndless{})
				}
				if task := web.Task(r); err == nil || while == "sleeping" && (task.Err() == nil || r.Context().Err() == nil) {
					t.Errorf("%s: %v, the task's %v", while, err, task.Err())
				}
				ended <- err
			})
			body, w := io.Pipe()
			defer w.Close()
			ctx, cancel := context.WithCancel(context.Background())
			req, err := http.NewRequestWithContext(ctx, "POST", s.URL, body)
			if while == "sleeping" {
				req, err = http.NewRequestWithContext(ctx, "GET", s.URL, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			resp.Body.Close() // a client of HTTP/2 that still writes goes only then
			<-ended
		})
	}
}

type onLoopEndless struct{}

func (onLoopEndless) Read(p []byte) (int, error) { return len(p), nil }
