package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// telling answers with what was read, and with how reading ended.
func telling(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%d %q %v %v %v", r.ContentLength, b, r.TransferEncoding, r.Trailer["X-Sum"], err)
}

func TestBodies(t *testing.T) {
	const chunked = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
	served(t, handling(telling), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		for _, test := range []struct{ send, want string }{
			{"POST / HTTP/1.1\r\nHost: test\r\n\r\n", `0 "" [] [] <nil>`},
			{"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n", `0 "" [] [] <nil>`},
			{"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello", `5 "hello" [] [] <nil>`},
			{chunked + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n", `-1 "hello world" [chunked] [7] <nil>`},
			{chunked + "0\r\n\r\n", `-1 "" [chunked] [] <nil>`},
		} {
			for _, pause := range []bool{false, true} {
				c := dial(t, task, address)
				for range 2 { // the second behind the first, on the same connection
					if !pause {
						c.send(test.send)
						continue
					}
					for i := range len(test.send) {
						c.send(test.send[i : i+1])
						if err := task.Yield(); err != nil {
							t.Fatal(err)
						}
					}
				}
				c.want(200, test.want)
				c.want(200, test.want)
				c.close()
			}
		}
	})
}

func TestUnreadBodies(t *testing.T) {
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/some":
			_, _ = io.ReadFull(r.Body, make([]byte, 10))
		case "/closed":
			_ = r.Body.Close()
		case "/large":
			_, _ = w.Write(make([]byte, 100<<10)) // sent before the handler has returned
		}
	}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		for _, path := range []string{"/none", "/some", "/closed", "/large"} {
			for _, size := range []int{11, 100 << 10, 1 << 20} {
				c := dial(t, task, address)
				body := strings.Repeat("x", size)
				sending := task.Loop().Go(func(task *corolla.Task) error {
					_, err := c.conn.Write(task, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s%s", path, size, body, get("/next")))
					return err
				})
				r, _ := c.answer("POST")
				if kept := size < 256<<10; r.Close == kept {
					t.Errorf("%s, %d bytes unread: Close = %v", path, size, r.Close)
				} else if kept {
					c.want(200, "")
				}
				c.close()
				_, _ = sending.Await(task) // which may have been cut off
			}
		}
	})
}

func TestExpect(t *testing.T) {
	const head = "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: %s\r\n\r\n"
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			telling(w, r)
		}
	}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send(fmt.Sprintf(head, "/read", "100-Continue"))
		line, err := c.in.ReadString('\n')
		empty, e := c.in.ReadString('\n')
		if line != "HTTP/1.1 100 Continue\r\n" || empty != "\r\n" || err != nil || e != nil {
			t.Errorf("got %q, %q, %v, %v", line, empty, err, e)
		}
		c.send("hello")
		c.want(200, `5 "hello" [] [] <nil>`)
		c.send(fmt.Sprintf(head, "/ignore", "100-continue"))
		if r := c.want(200, ""); !r.Close {
			t.Error("the connection was kept, though nobody can tell whether the body follows")
		}
		c.ends()
		c.close()
		c = dial(t, task, address)
		c.send(fmt.Sprintf(head, "/read", "a miracle"))
		if r, _ := c.answer("POST"); r.StatusCode != http.StatusExpectationFailed {
			t.Errorf("unknown expectation: %d", r.StatusCode)
		}
		c.close()
	})
}

func TestBodyHasOneReader(t *testing.T) {
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		task := web.Task(r)
		first := corolla.Go(task.Loop(), func(*corolla.Task) (string, error) {
			b, err := io.ReadAll(r.Body)
			return string(b), err
		}, corolla.Eager())
		_, busy := r.Body.Read(make([]byte, 1))
		fmt.Fprintf(w, "%v; ", errors.Is(busy, corolla.ErrBusy))
		if r.URL.Path == "/close" {
			_ = r.Body.Close()
		} else {
			w.(http.Flusher).Flush()
		}
		b, err := first.Await(task)
		_, late := r.Body.Read(make([]byte, 1))
		fmt.Fprintf(w, "%q %v; %v", b, err, late)
	}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send("POST /close HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe")
		c.want(200, `true; "he" http: invalid Read on closed Body; http: invalid Read on closed Body`)
		c.close()
	})
}

func TestSlowBody(t *testing.T) {
	for _, limit := range []func(*web.Server){
		func(s *web.Server) { s.ReadTimeout = 50 * time.Millisecond },
		func(s *web.Server) { s.StallTimeout = 50 * time.Millisecond },
	} {
		served(t, func() *web.Server {
			s := &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				fmt.Fprintf(w, "%q %v", b, errors.Is(err, os.ErrDeadlineExceeded))
			})}
			limit(s)
			return s
		}, func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
			c := dial(t, task, address)
			c.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe")
			if r := c.want(200, `"he" true`); !r.Close {
				t.Error("the connection was kept")
			}
			c.close()
		})
	}
}
