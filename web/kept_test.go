package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// What handlers keep after they have returned must neither fail in odd ways nor touch the next request.

func TestKeptAfterTheHandler(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		var w http.ResponseWriter
		var r *http.Request
		served(t, handling(func(nw http.ResponseWriter, nr *http.Request) {
			if nr.URL.Path == "/next" {
				return
			}
			w, r = nw, nr
			if duplex {
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Error(err)
				}
			}
			w.Header().Set("X-Kept", "yes")
		}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
			c := dial(t, task, address)
			c.send("POST / HTTP/1.1\r\nHost: test\r\nX-Sent: yes\r\nContent-Length: 5\r\n\r\nhello")
			c.want(200, "")
			if n, err := r.Body.Read(make([]byte, 5)); n != 0 || err == nil {
				t.Errorf("full duplex %v: the body gave %d bytes, %v", duplex, n, err)
			}
			if err := r.Context().Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("the request's context: %v", err)
			}
			if _, err := io.WriteString(w, "late"); err == nil {
				t.Error("a late write succeeded")
			}
			rc := http.NewResponseController(w)
			if _, _, err := rc.Hijack(); err == nil {
				t.Error("a late hijack succeeded")
			}
			if rc.SetReadDeadline(task.Loop().Time()) == nil || rc.SetWriteDeadline(task.Loop().Time()) == nil {
				t.Error("late deadlines were set, on a connection that others use now")
			}
			w.(http.Flusher).Flush()
			for range 3 {
				c.send(get("/next"))
				c.want(200, "")
			}
			if w.Header().Get("X-Kept") != "yes" || r.Header.Get("X-Sent") != "yes" || r.URL.Path != "/" {
				t.Errorf("what was kept has changed: %v, %v, %v", w.Header(), r.Header, r.URL)
			}
			c.close()
		})
	}
}

// A task that still reads when the handler has returned hears that there is no more.
func TestReaderThatOutlivesTheHandler(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		var reader *corolla.Future[string]
		served(t, handling(func(w http.ResponseWriter, r *http.Request) {
			if duplex {
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Error(err)
				}
			}
			reader = corolla.Go(web.Task(r).Loop(), func(task *corolla.Task) (string, error) {
				b, err := io.ReadAll(r.Body)
				_, again := r.Body.Read(make([]byte, 1))
				return fmt.Sprintf("%q %v %v", b, err != nil, again != nil), nil
			}, corolla.Eager())
		}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
			c := dial(t, task, address)
			c.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\n\r\nhello")
			if r := c.want(200, ""); !r.Close {
				t.Error("the connection was kept, though nobody knows where the next request begins")
			}
			c.ends()
			c.close()
			if got, err := reader.Await(task); err != nil || got != `"hello" true true` {
				t.Errorf("full duplex %v: the reader got %s, %v", duplex, got, err)
			}
		})
	}
}

func TestPanicsAtOddPoints(t *testing.T) {
	points := map[string]func(w http.ResponseWriter, r *http.Request){
		"at once":       func(http.ResponseWriter, *http.Request) {},
		"after a write": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some") },
		"after a flush": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"in the body":   func(_ http.ResponseWriter, r *http.Request) { _, _ = r.Body.Read(make([]byte, 2)) },
		"after 1xx":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
		"after a wait":  func(_ http.ResponseWriter, r *http.Request) { _ = web.Task(r).Sleep(time.Millisecond) },
	}
	for name, before := range points {
		t.Run(name, func(t *testing.T) {
			served(t, handling(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/panic" {
					before(w, r)
					panic(http.ErrAbortHandler)
				}
			}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
				for _, sent := range []string{
					get("/panic"), get("/panic") + get("/next"),
					"POST /panic HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello",
				} {
					c := dial(t, task, address)
					c.send(sent)
					rest, _ := io.ReadAll(c.in)
					if strings.Contains(string(rest), "Content-Length: 0") {
						t.Errorf("an answer although the handler gave up: %q", rest)
					}
					c.close()
				}
				c := dial(t, task, address)
				c.send(get("/"))
				c.want(200, "")
				c.close()
			})
		})
	}
}

// The body that a client holds back is never asked for once the handler has returned.
func TestKeptBodyThatWasNeverAskedFor(t *testing.T) {
	var body io.Reader
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		body = r.Body
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
	}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		c.want(200, "")
		c.ends()
		if _, err := body.Read(make([]byte, 5)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("reading: %v", err)
		}
		c.close()
	})
}
