package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/web"
)

// clientReal runs test on the real host with net/http's server.
func clientReal(t *testing.T, start func(http.Handler) *httptest.Server, h http.HandlerFunc, test func(e *clientEnv, s *httptest.Server)) {
	t.Helper()
	s := start(h)
	defer s.Close()
	clientOn(t, "real", 1, func(e *clientEnv) {
		if s.TLS != nil {
			e.tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
		}
		test(e, s)
	})
}

var clientServers = map[string]func(http.Handler) *httptest.Server{"plain": httptest.NewServer, "TLS": httptest.NewTLSServer}

// TestTransportWithNetHTTP holds the Transport to what net/http's server understands.
func TestTransportWithNetHTTP(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 4<<20) // 64 MiB
	handler := func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			t.Errorf("the server: %v", err)
		}
		got := fmt.Sprintf("%x", sum.Sum(nil))
		if n < 1<<20 {
			w.Header().Set("Content-Length", fmt.Sprint(n))
			w.Header().Set("X-Sum", got)
		} else {
			w.Header().Set("Trailer", "X-Sum")
		}
		if _, err := w.Write(big[:n]); err != nil {
			t.Errorf("the server: %v", err)
		}
		if n >= 1<<20 {
			w.Header().Set("X-Sum", got)
		}
	}
	for name, start := range clientServers {
		t.Run(name, func(t *testing.T) {
			clientReal(t, start, handler, func(e *clientEnv, s *httptest.Server) {
				sizes := []int{0, 1, 5000, 1 << 20, 8 << 20}
				if name == "plain" {
					sizes = append(sizes, len(big))
				}
				for _, n := range sizes {
					for _, body := range []io.Reader{bytes.NewReader(big[:n]), clientUnsized{bytes.NewReader(big[:n])}} {
						e.sums(s.URL, body, big[:n])
					}
				}
				e.wantStats(web.TransportStats{Idle: 1})
			})
		})
	}
}

// sums posts a body, and wants back the same bytes and their sum.
func (e *clientEnv) sums(url string, body io.Reader, want []byte) {
	e.Helper()
	resp, err := e.client.Post(url, "text/plain", body)
	if err != nil {
		e.Fatal(err)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, resp.Body)
	got := fmt.Sprintf("%x", sum.Sum(nil))
	if n != int64(len(want)) || err != nil || got != resp.Header.Get("X-Sum")+resp.Trailer.Get("X-Sum") {
		e.Errorf("%d bytes of %d, %v; sums %s, %v, %v", n, len(want), err, got, resp.Header, resp.Trailer)
	}
	if (resp.TLS != nil) != strings.HasPrefix(url, "https") {
		e.Errorf("%s: TLS %v", url, resp.TLS)
	}
}

func TestTransportManyAtOnceWithNetHTTP(t *testing.T) {
	for name, start := range clientServers {
		t.Run(name, func(t *testing.T) {
			clientReal(t, start, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = fmt.Fprint(z, r.URL.Path)
				_ = z.Close()
			}, func(e *clientEnv, s *httptest.Server) {
				e.tr.MaxConnsPerHost = 20
				for range 3 {
					if err := e.task.Group(func(g *corolla.Group) error {
						for i := range 200 {
							path := fmt.Sprint("/", i)
							g.Go(func(*corolla.Task) error { e.wantGet(s.URL+path, path); return nil })
						}
						return nil
					}); err != nil {
						e.Error(err)
					}
					if s := e.tr.Stats(); s.Idle == 0 || s.Idle > 20 || s.Active+s.Waiting > 0 {
						e.Errorf("stats: %+v", s)
					}
				}
			})
		})
	}
}

func TestTransportServerThatCloses(t *testing.T) {
	for name, start := range clientServers {
		t.Run(name, func(t *testing.T) {
			clientReal(t, start, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/abort" {
					_, _ = io.WriteString(w, "some")
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			}, func(e *clientEnv, s *httptest.Server) {
				e.wantGet(s.URL, "")
				e.wantStats(web.TransportStats{Idle: 1})
				s.CloseClientConnections()
				e.settle(func() bool { return e.tr.Stats().Idle == 0 })
				if got, err := e.get(s.URL + "/abort"); err == nil {
					e.Errorf("half an answer: %q", got)
				}
			})
		})
	}
}

func TestTransportRefusesUnknownCertificates(t *testing.T) {
	quiet := func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		return s
	}
	clientReal(t, quiet, func(http.ResponseWriter, *http.Request) {}, func(e *clientEnv, s *httptest.Server) {
		e.tr.TLSClientConfig = nil
		if _, err := e.get(s.URL); err == nil {
			e.Error("an unknown certificate was accepted")
		}
		e.wantStats(web.TransportStats{})
	})
}

// TestTransportUpgrade leaves HTTP for another protocol.
func TestTransportUpgrade(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			if err := p.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello "); err != nil {
				return err
			}
			if _, err := io.Copy(p.conn.Bind(p.task), p.in); err != nil {
				return err
			}
			return io.EOF
		})
		defer stop()
		upgrade := func(r *http.Request) {
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "echo")
		}
		resp, err := e.request("GET", url, nil, upgrade)
		if err != nil {
			e.Fatal(err)
		}
		e.wantStats(web.TransportStats{Active: 1})
		c, ok := resp.Body.(io.ReadWriteCloser)
		if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
			e.Fatalf("%v, %T", resp.Status, resp.Body)
		}
		if _, err := io.WriteString(c, "world"); err != nil {
			e.Error(err)
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			e.Error(err)
		}
		if all, err := io.ReadAll(c); string(all) != "hello world" || err != nil {
			e.Errorf("%q, %v", all, err)
		}
		if err := c.Close(); err != nil {
			e.Error(err)
		}
		e.wantStats(web.TransportStats{})
		if resp, err = e.request("GET", url, nil, upgrade); err != nil {
			e.Fatal(err)
		}
		e.detached(resp)
		e.wantStats(web.TransportStats{})
	})
}

// detached takes the connection of an upgraded response.
func (e *clientEnv) detached(resp *http.Response) {
	e.Helper()
	conn, unread := resp.Body.(interface{ Detach() (*aio.Conn, []byte) }).Detach()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		e.Errorf("Read after Detach: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		e.Error(err)
	}
	if _, err := conn.Write(e.task, []byte("again")); err != nil {
		e.Error(err)
	}
	if err := conn.CloseWrite(); err != nil {
		e.Error(err)
	}
	rest, err := io.ReadAll(conn.Bind(e.task))
	if got := string(unread) + string(rest); got != "hello again" || err != nil {
		e.Errorf("%q, %v", got, err)
	}
	if err := conn.Close(); err != nil {
		e.Error(err)
	}
}

// TestTransportInHandlers is a proxy: a handler that passes requests on, and answers with what comes
// back.
func TestTransportInHandlers(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		behind, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			all, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			return p.say("%s", clientWhole(r.URL.Path+" "+string(all)))
		})
		defer stop()
		front, stopFront := e.handle(func(w http.ResponseWriter, r *http.Request) {
			req, err := http.NewRequestWithContext(r.Context(), r.Method, behind+r.URL.Path, r.Body)
			if err != nil {
				e.Error(err)
				return
			}
			resp, err := e.client.Do(req)
			if err != nil {
				e.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			if _, err := io.Copy(w, resp.Body); err != nil {
				e.Error(err)
			}
		})
		defer stopFront()
		text := strings.Repeat("text", 50_000)
		resp, err := e.client.Post(front+"/path", "text/plain", clientUnsized{strings.NewReader(text)})
		if err != nil {
			e.Fatal(err)
		}
		if all, err := io.ReadAll(resp.Body); string(all) != "/path "+text || err != nil {
			e.Errorf("%d bytes, %v", len(all), err)
		}
		h := green.NewHub(e.loop) // and the same from a green thread
		th := green.Go(h, func() (string, error) { return e.get(front + "/green") })
		if got, err := th.Future().Await(e.task); got != "/green " || err != nil {
			e.Errorf("%q, %v", got, err)
		}
	})
}

// handle serves with this package's server.
func (e *clientEnv) handle(h http.HandlerFunc) (url string, stop func()) {
	e.Helper()
	ln := e.listen()
	srv := &web.Server{Handler: h}
	serving := e.loop.Go(func(task *corolla.Task) error { return srv.Serve(task, ln) })
	return "http://" + ln.Addr().String(), func() {
		e.tr.CloseIdleConnections()
		if err := e.task.Timeout(5*time.Second, func(*corolla.Scope) error { return srv.Shutdown(e.task) }); err != nil {
			e.Error(err)
		}
		if _, err := serving.Await(e.task); !errors.Is(err, http.ErrServerClosed) {
			e.Error(err)
		}
	}
}

// TestTransportClientTimeout uses the goroutine of http.Client's own timeout.
func TestTransportClientTimeout(t *testing.T) {
	release := make(chan struct{})
	clientReal(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) { <-release }, func(e *clientEnv, s *httptest.Server) {
		defer close(release)
		e.client.Timeout = 20 * time.Millisecond
		var timeout interface{ Timeout() bool }
		if _, err := e.get(s.URL); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			e.Errorf("%v", err)
		}
		e.wantStats(web.TransportStats{})
	})
}
