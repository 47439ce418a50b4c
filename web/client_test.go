package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// pattern is n bytes that repeat with a period that no buffer has.
type pattern struct{ at, n int64 }

var patterned = func() (b [251 * 256]byte) {
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}()

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.n {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.n-p.at)], patterned[p.at%251:])
	p.at += int64(n)
	return n, nil
}

// one reads a byte at a time.
type one struct{ io.Reader }

func (r one) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(len(b), 1)]) }

// sizer answers with the sum of the body, and then with as many bytes of the pattern as the query asks for.
func sizer(w http.ResponseWriter, r *http.Request) {
	text := sum(r.Body)
	n, err := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Sum", text)
	if r.URL.Path == "/length" {
		w.Header().Set("Content-Length", fmt.Sprint(n))
	}
	io.Copy(w, &pattern{n: n})
}

func TestClientBodies(t *testing.T) {
	sums := map[int64]string{}
	onRealHost(t, http.HandlerFunc(sizer), func(s *serving, _ func(func())) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for _, size := range []int64{0, 1, 100, 2047, 2048, 4095, 4096, 4097, 65_535, 65_536, 1_000_000, 64 << 20} {
			sums[size] = sum(&pattern{n: size})
			for _, path := range []string{"/length", "/chunked"} {
				var body io.Reader = &pattern{n: size}
				if path == "/chunked" && size < 5000 {
					body = one{body}
				}
				req, err := http.NewRequest("POST", fmt.Sprintf("http://%s%s?n=%d", s.addr, path, size), body)
				if err != nil {
					t.Fatal(err)
				}
				if req.ContentLength = size; path == "/chunked" {
					req.ContentLength = -1
				}
				r, err := client.Do(req)
				if err != nil {
					t.Fatalf("%d bytes %s: %v", size, path, err)
				}
				h := sum(r.Body)
				r.Body.Close()
				if h != sums[size] || r.Header.Get("X-Sum") != sums[size] {
					t.Errorf("%d bytes %s: sent %s, the server got %s, we got %s", size, path, sums[size], r.Header.Get("X-Sum"), h)
				}
			}
		}
	})
}

// A thousand requests are handled at a time, each on a connection, and then again on the same ones.
func TestClientKeepsAThousandConnections(t *testing.T) {
	const n = 1000
	here := 0
	all := &corolla.Event{}
	h := func(w http.ResponseWriter, r *http.Request) {
		mine := all
		if here++; here == n {
			here, all = 0, &corolla.Event{}
			mine.Set()
		}
		if err := mine.Wait(web.Task(r)); err != nil {
			t.Error(err)
		}
		io.WriteString(w, r.URL.Path)
	}
	onRealHost(t, http.HandlerFunc(h), func(s *serving, on func(func())) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConns: n, MaxIdleConnsPerHost: n}}
		defer client.CloseIdleConnections()
		for round := range 2 {
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					path := fmt.Sprintf("/%d/%d", round, i)
					r, err := client.Get("http://" + s.addr + path)
					if err != nil {
						t.Error(err)
						return
					}
					defer r.Body.Close()
					if b, err := io.ReadAll(r.Body); string(b) != path || err != nil {
						t.Errorf("%q, %v", b, err)
					}
				})
			}
			wg.Wait()
			on(func() {
				if c := s.Stats().Conns; c != n {
					t.Errorf("after round %d: %d connections", round, c)
				}
			})
		}
	})
}

// A body that is cut off is never taken for a whole one.
func TestClientCutsBodyOff(t *testing.T) {
	ended := make(chan string, 1)
	h := func(_ http.ResponseWriter, r *http.Request) { ended <- sum(r.Body) }
	onRealHost(t, http.HandlerFunc(h), func(s *serving, _ func(func())) {
		for name, text := range map[string]string{
			"in a body with a length": post("/", "hello")[:len(post("/", "hello"))-1],
			"in a chunk":              chunked("/", "5\r\nhell"),
			"behind a chunk":          chunked("/", "4\r\nhell\r\n"),
			"before the last CRLF":    chunked("/", "4\r\nhell\r\n0\r\n"),
		} {
			for _, reset := range []bool{false, true} {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, text); err != nil {
					t.Error(err)
				}
				if reset {
					if err := c.(*net.TCPConn).SetLinger(0); err != nil {
						t.Error(err)
					}
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				got := <-ended
				want := sum(strings.NewReader("hell"))
				if got == want || !strings.HasSuffix(got, "failed=true") || !reset && got[:len("body=4/00000000")] != want[:len("body=4/00000000")] {
					t.Errorf("%s, reset %v: the handler got %s", name, reset, got)
				}
			}
		}
	})
}

// cancels ends a context once so many bytes were read.
type cancels struct {
	io.Reader
	left   int
	cancel context.CancelFunc
}

func (c *cancels) Read(b []byte) (int, error) {
	if c.left <= 0 {
		c.cancel()
	}
	n, err := c.Reader.Read(b[:min(len(b), max(c.left, 1))])
	c.left -= n
	return n, err
}

// A client that cancels, wherever it is in its request or in the answer, leaves nothing behind.
func TestClientCancelsAnywhere(t *testing.T) {
	const size = 3 << 20 // more than the system takes of what nobody reads
	var began, ended atomic.Int64
	h := func(w http.ResponseWriter, r *http.Request) {
		began.Add(1)
		defer ended.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			io.Copy(w, &pattern{n: size})
		}
	}
	onRealHost(t, http.HandlerFunc(h), func(s *serving, on func(func())) {
		client := &http.Client{Transport: &http.Transport{}}
		for _, after := range []int{0, 1, 100, 4095, 4096, 4097, 70_000, 1 << 20} {
			for _, answer := range []bool{false, true} {
				ctx, cancel := context.WithCancel(context.Background())
				sent := &cancels{&pattern{n: size}, after, cancel}
				if answer {
					sent.left = size + 1
				}
				req, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.addr, sent)
				if err != nil {
					t.Fatal(err)
				}
				r, err := client.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, &cancels{r.Body, after, cancel})
					r.Body.Close()
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("canceled after %d bytes: %v", after, err)
				}
				cancel()
			}
		}
		client.CloseIdleConnections()
		for conns := 1; conns > 0; {
			on(func() { conns = s.Stats().Conns })
		}
		if began.Load() != ended.Load() || began.Load() == 0 {
			t.Errorf("%d handlers were called, %d returned", began.Load(), ended.Load())
		}
	})
}

func TestPatternIsOne(t *testing.T) {
	a, err := io.ReadAll(&pattern{n: 200_000})
	if err != nil || len(a) != 200_000 {
		t.Fatal(len(a), err)
	}
	b, err := io.ReadAll(one{&pattern{n: 200_000}})
	if err != nil || !bytes.Equal(a, b) || crc32.ChecksumIEEE(a) == crc32.ChecksumIEEE(a[1:]) {
		t.Error("the pattern depends on how it is read", err)
	}
}
