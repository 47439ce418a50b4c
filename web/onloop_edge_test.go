package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web"
)

func TestOnLoopPassesOnPanics(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		var caught []any // by the outer handler
		var mu sync.Mutex
		s.outer = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					v := recover()
					mu.Lock()
					caught = append(caught, v)
					mu.Unlock()
					if v != nil {
						panic(v)
					}
				}()
				h.ServeHTTP(w, r)
			})
		}
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				fmt.Fprint(w, strings.Repeat("part", 20_000))
				panic(http.ErrAbortHandler)
			}
			panic("a bug at " + r.URL.Path)
		})
		for _, path := range []string{"/abort", "/here"} {
			if resp, text, err := s.get(path); err == nil {
				t.Errorf("%s: %s, %d bytes, and no error", path, resp.Status, len(text))
			}
		}
		s.Close()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(caught, any(http.ErrAbortHandler)) {
			t.Errorf("caught %v", caught)
		}
		for _, v := range caught {
			var p *corolla.PanicError
			if err, ok := v.(error); !ok || err != http.ErrAbortHandler && (!errors.As(err, &p) || p.Value != "a bug at /here") {
				t.Errorf("caught %v", v)
			}
		}
		if said := s.log.String(); !strings.Contains(said, ": panic serving") || !strings.Contains(said, "TestOnLoopPassesOnPanics") {
			t.Errorf("net/http logged %q", said)
		}
	})
}

// A body that is given up on is not waited for: the answer comes although the client says nothing more.
func TestOnLoopAnswersInTheMiddleOfABody(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			first := make([]byte, 5)
			if _, err := io.ReadFull(r.Body, first); err != nil || string(first) != "hello" {
				t.Errorf("%q, %v", first, err)
			}
			err := web.Task(r).Timeout(time.Millisecond, func(*corolla.Scope) error {
				_, err := r.Body.Read(first)
				return err
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			http.Error(w, "too slow", http.StatusRequestTimeout)
		})
		body, w := io.Pipe()
		defer w.Close()
		go func() { _, _ = io.WriteString(w, "hello") }() // an error if the request failed
		resp, err := s.client.Post(s.URL, "", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text := make([]byte, 8)
		if _, err := io.ReadFull(resp.Body, text); err != nil || string(text) != "too slow" || resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %q, %v", resp.Status, text, err)
		}
	})
}

// What a canceled read would have got is not lost.
func TestOnLoopCanceledReadLosesNothing(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		w := make(chan io.Writer, 1)
		s.serve(func(rw http.ResponseWriter, r *http.Request) {
			buf := make([]byte, 100)
			err := web.Task(r).Timeout(time.Millisecond, func(*corolla.Scope) error {
				_, err := r.Body.Read(buf)
				return err
			})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			up := <-w
			go func() {
				_, err := io.WriteString(up, "still here")
				if err = errors.Join(err, up.(io.Closer).Close()); err != nil {
					t.Error(err)
				}
			}()
			text, err := io.ReadAll(r.Body)
			fmt.Fprintf(rw, "%s, %v", text, err)
		})
		body, up := io.Pipe()
		w <- up
		resp, err := s.client.Post(s.URL, "", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); string(text) != "still here, <nil>" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}

func TestOnLoopSendsFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file.bin")
	data := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		by := make(chan bool, 1)
		s.outer = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(&onLoopFileSpy{w, by}, r)
			})
		}
		s.serve(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
		resp, text, err := s.get("/file.bin")
		if err != nil || text != string(data) || resp.ContentLength != int64(len(data)) {
			t.Errorf("%d bytes, length %d, %v", len(text), resp.ContentLength, err)
		}
		if !<-by {
			t.Error("net/http's writer was not given the file")
		}
	})
}

type onLoopFileSpy struct {
	http.ResponseWriter
	by chan<- bool
}

func (s *onLoopFileSpy) ReadFrom(src io.Reader) (int64, error) {
	limited, ok := src.(*io.LimitedReader)
	if ok {
		_, ok = limited.R.(*os.File)
	}
	s.by <- ok
	return io.Copy(s.ResponseWriter, src)
}

func TestOnLoopResponseController(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: %v", err)
			}
			if err := c.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
				t.Errorf("SetWriteDeadline: %v", err)
			}
			if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Errorf("SetReadDeadline: %v", err)
			}
			// With HTTP/1.1 that also ends the context, and either may be first.
			_, err := io.ReadAll(r.Body)
			if !errors.Is(err, os.ErrDeadlineExceeded) && (r.ProtoMajor == 2 || !errors.Is(err, corolla.ErrCanceled)) {
				t.Errorf("a read behind its deadline: %v", err)
			}
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "text"); err != http.ErrBodyNotAllowed {
				t.Errorf("a body with 204: %v", err)
			}
		})
		body, w := io.Pipe()
		defer w.Close()
		resp, err := s.client.Post(s.URL, "", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Error(resp.Status)
		}
	})
}

func TestOnLoopInformationalResponses(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		s.serve(func(w http.ResponseWriter, _ *http.Request) {
			for _, link := range []string{"</a>", "</b>"} {
				w.Header().Set("Link", link)
				w.WriteHeader(http.StatusEarlyHints)
			}
			w.Header().Del("Link")
			fmt.Fprint(w, "done")
		})
		var early []string
		req, err := http.NewRequest("GET", s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				early = append(early, fmt.Sprint(code, h.Get("Link")))
				return nil
			},
		})))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if got := strings.Join(early, " "); got != "103</a> 103</b>" || string(text) != "done" || err != nil || resp.Header.Get("Link") != "" {
			t.Errorf("%s, then %q %v, %v", got, text, resp.Header, err)
		}
	})
}

// net/http removes the files of a form that the handler has parsed.
func TestOnLoopFormFilesAreRemoved(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1); err != nil {
				t.Error(err)
			}
			files, err := os.ReadDir(dir)
			fmt.Fprint(w, len(files), err)
		})
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		part, err := parts.CreateFormFile("file", "name")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(make([]byte, 11<<20)) // more than it keeps in memory in any case
		parts.Close()
		resp, err := s.client.Post(s.URL, parts.FormDataContentType(), &form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); string(text) != "1 <nil>" || err != nil {
			t.Errorf("files %s, %v", text, err)
		}
		s.Close()
		if files, err := os.ReadDir(dir); len(files) > 0 || err != nil {
			t.Errorf("files are left: %v, %v", files, err)
		}
	})
}

// A panic of what wraps net/http's writer ends the handler, and goes on where it belongs.
func TestOnLoopPanicOfTheOuterWriter(t *testing.T) {
	onLoopServers(t, func(t *testing.T, s *onLoopServer) {
		caught, ended := make(chan any, 1), make(chan error, 1)
		s.outer = func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { caught <- recover() }()
				h.ServeHTTP(onLoopBadWriter{w}, r)
			})
		}
		s.serve(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, "text")
			w.(http.Flusher).Flush()
			ended <- web.Task(r).Sleep(time.Hour)
		})
		if _, text, err := s.get("/"); text != "" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		if v := <-caught; v != "a bug of the writer" {
			t.Errorf("caught %v", v)
		}
		if err := <-ended; !errors.Is(err, corolla.ErrCanceled) {
			t.Error(err)
		}
	})
}

type onLoopBadWriter struct{ http.ResponseWriter }

func (onLoopBadWriter) Write([]byte) (int, error) { panic("a bug of the writer") }

func (w onLoopBadWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// onLoopAsk calls a handler as net/http would.
func onLoopAsk(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w
}

func TestOnLoopWithAClosedLoop(t *testing.T) {
	s := onLoopNew(t, "HTTP/1.1")
	begun, ended := make(chan bool), make(chan error, 1)
	h := web.OnLoop(s.loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		ended <- web.Task(r).Sleep(time.Hour)
		http.Error(w, "over", http.StatusGone)
	}))
	running, waiting := make(chan *httptest.ResponseRecorder), make(chan *httptest.ResponseRecorder)
	go func() { running <- onLoopAsk(h) }()
	go func() { s.ran <- s.loop.RunForever() }()
	<-begun
	s.loop.Stop()
	if err := <-s.ran; err != nil {
		t.Error(err)
	}
	go func() { waiting <- onLoopAsk(h) }() // before or after the loop is closed, nobody runs it
	if err := s.loop.Close(); err != nil {
		t.Error(err)
	}
	if w := <-running; w.Code != http.StatusGone || !errors.Is(<-ended, corolla.ErrLoopClosed) {
		t.Errorf("a handler that waited: %d", w.Code)
	}
	if w := <-waiting; w.Code != http.StatusServiceUnavailable {
		t.Errorf("one that had not begun: %d", w.Code)
	}
	if w := onLoopAsk(h); w.Code != http.StatusServiceUnavailable {
		t.Errorf("one on a closed loop: %d", w.Code)
	}
}

// Whoever runs the loop would wait for itself; who does not must not touch what belongs to it.
func TestOnLoopMisuse(t *testing.T) {
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	var inner http.ResponseWriter
	h := web.OnLoop(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inner = w }))
	panics := func(what, want string, f func()) {
		t.Helper()
		defer func() {
			if v := recover(); !strings.Contains(fmt.Sprint(v), want) {
				t.Errorf("%s: %v, want %q", what, v, want)
			}
		}()
		f()
	}
	answered := make(chan int, 1)
	err = l.Run(func(task *corolla.Task) error {
		panics("a call on the loop", "web.OnLoop", func() { onLoopAsk(h) })
		_, err := corolla.Offload(l, func() (int, error) {
			answered <- onLoopAsk(h).Code
			panics("a writer elsewhere", "Header of a response", func() { inner.Header() })
			return 0, nil
		}).Await(task)
		panics("a status", "three digits", func() { inner.WriteHeader(42) })
		if _, err := io.WriteString(inner, "late"); err == nil {
			t.Error("a write behind the handler's return succeeds")
		}
		return err
	})
	if code := <-answered; code != http.StatusOK || err != nil {
		t.Errorf("%d, %v", code, err)
	}
}
