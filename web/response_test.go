package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// The exact bytes of answers, which are net/http's but for the order of the fields.
func TestAnswers(t *testing.T) {
	const plainText = "Content-Type: text/plain; charset=utf-8\r\n"
	long := strings.Repeat("x", 3000)
	for _, test := range []struct {
		name, request string
		handle        func(w http.ResponseWriter, r *http.Request)
		want          string
	}{
		{"nothing", last("/"), func(http.ResponseWriter, *http.Request) {}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"status", last("/"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); fmt.Fprint(w, "no") }, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n" + plainText + "\r\nno"},
		{"unknown status", last("/"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }, "HTTP/1.1 299 status code 299\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"no content", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"},
		{"not modified", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			w.Header().Set("Etag", "e")
			w.WriteHeader(304)
		}, "HTTP/1.1 304 Not Modified\r\nEtag: e\r\nConnection: close\r\n\r\n"},
		{"chunked", last("/"), func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long); fmt.Fprint(w, "y") }, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" + plainText + "\r\nbb8\r\n" + long + "\r\n1\r\ny\r\n0\r\n\r\n"},
		{"declared", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			fmt.Fprint(w, "ab")
			if _, err := fmt.Fprint(w, "cd"); err != http.ErrContentLength {
				panic(err)
			}
			fmt.Fprint(w, "c")
		}, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n" + plainText + "\r\nab"},
		{"head", "HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n" + plainText + "\r\n"},
		{"old", "GET / HTTP/1.0\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) }, "HTTP/1.0 200 OK\r\n" + plainText + "\r\n" + long},
		{
			"old, kept", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + "GET / HTTP/1.0\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") },
			"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n" + plainText + "\r\nx" + "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n" + plainText + "\r\nx",
		},
		{"trailers", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-A, Content-Length")
			fmt.Fprint(w, "x")
			w.Header().Set("X-A", "1")
			w.Header().Set("X-Lost", "2")
			w.Header().Set(http.TrailerPrefix+"X-B", "3\r\n4")
		}, "HTTP/1.1 200 OK\r\nTrailer: X-A, Content-Length\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n" + plainText + "\r\n1\r\nx\r\n0\r\nX-A: 1\r\nX-B: 3  4\r\n\r\n"},
		{"trailers out of the blue", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "x")
			w.Header().Set(http.TrailerPrefix+"X-B", "3")
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\nX-B: 3\r\n\r\n"},
		{"early hints", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.WriteHeader(200)
		}, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nLink: </a>\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"a line in a value", last("/"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["X-A"] = []string{"1\r\nX-B: 2", "3"}
			w.Header()["bad name"] = []string{"4"}
			w.Header().Set("Content-Type", "a/b")
			fmt.Fprint(w, "x")
		}, "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX-A: 1  X-B: 2\r\nX-A: 3\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"},
		{"options of the server", "OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", func(http.ResponseWriter, *http.Request) { panic("reached the handler") }, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			served(t, handling(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				test.handle(w, r)
			}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
				got := exchange(t, task, address, test.request)
				if i := strings.Index(got, "Date: "); i > 0 { // of one without the handler
					_, after, _ := strings.Cut(got[i:], "\r\n")
					got = got[:i] + after
				}
				if got != test.want {
					t.Errorf("got  %q\nwant %q", got, test.want)
				}
			})
		})
	}
}

func TestFlush(t *testing.T) {
	var step corolla.Event
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		step.Clear()
		fmt.Fprint(w, "one")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		if err := step.Wait(web.Task(r)); err != nil {
			panic(err)
		}
		fmt.Fprint(w, "two")
	}), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		c.send(get("/"))
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 3)
		if _, err := io.ReadFull(r.Body, b); string(b) != "one" || err != nil {
			t.Errorf("flushed: %q, %v", b, err)
		}
		step.Set()
		if rest, err := io.ReadAll(r.Body); string(rest) != "two" || err != nil {
			t.Errorf("rest: %q, %v", rest, err)
		}
		c.close()
	})
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat("0123456789", 30_000)
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(dir))
	served(t, handling(files.ServeHTTP), func(t *testing.T, task *corolla.Task, _ *web.Server, address string) {
		c := dial(t, task, address)
		for range 2 {
			c.send(get("/a.txt"))
			if r, body := c.answer("GET"); r.StatusCode != 200 || body != content {
				t.Errorf("%s, %d bytes", r.Status, len(body))
			}
		}
		c.send("GET /a.txt HTTP/1.1\r\nHost: test\r\nRange: bytes=100001-100003\r\n\r\n")
		c.want(206, "123")
		c.send("HEAD /a.txt HTTP/1.1\r\nHost: test\r\n\r\n")
		if r, _ := c.answer("HEAD"); r.ContentLength != int64(len(content)) {
			t.Errorf("HEAD: %d", r.ContentLength)
		}
		c.send(get("/b.txt"))
		if r, _ := c.answer("GET"); r.StatusCode != 404 {
			t.Error(r.Status)
		}
		c.close()
	})
}

func TestHijack(t *testing.T) {
	served(t, handling(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 2))
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if _, _, err := w.(http.Hijacker).Hijack(); err != http.ErrHijacked {
			panic(err)
		}
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			panic(err)
		}
		ahead := rw.Reader.Buffered()
		line, err := rw.ReadString('\n')
		fmt.Fprintf(conn, "%d %q %v; ", ahead, line, err)
		line, err = rw.ReadString('\n')
		fmt.Fprintf(conn, "%q %v", line, err)
		_ = conn.Close()
	}), func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
		for _, test := range []struct{ head, want string }{
			{"GET / HTTP/1.1\r\nHost: test\r\n\r\nabcd\n", `5 "abcd\n" <nil>; "ef\n" <nil>`},
			{"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nabcd\n", `3 "cd\n" <nil>; "ef\n" <nil>`},
		} {
			c := dial(t, task, address)
			c.send(test.head)
			for s.Stats().Active == 0 {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			c.send("ef\n")
			if all, err := io.ReadAll(c.in); string(all) != test.want || err != nil {
				t.Errorf("got %q, %v", all, err)
			}
			c.close()
		}
	})
}

func TestPeerThatTakesNothing(t *testing.T) {
	for _, set := range []func(*web.Server){
		func(s *web.Server) { s.StallTimeout = 50 * time.Millisecond },
		func(s *web.Server) { s.WriteTimeout = 50 * time.Millisecond },
	} {
		var failed error
		served(t, func() *web.Server {
			failed = nil
			s := &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for failed == nil {
					_, failed = w.Write(make([]byte, 64<<10))
				}
			})}
			set(s)
			return s
		}, func(t *testing.T, task *corolla.Task, s *web.Server, address string) {
			c := dial(t, task, address)
			c.send(get("/"))
			for failed == nil {
				if err := task.Sleep(time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			if !errors.Is(failed, os.ErrDeadlineExceeded) {
				t.Errorf("the handler's Write failed with %v", failed)
			}
			if _, err := io.Copy(io.Discard, c.in); err == nil {
				t.Error("the answer seems whole")
			}
			c.close()
		})
	}
}
