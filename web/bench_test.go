package web_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/web"
)

// BenchmarkServer is what a request and its answer cost, with the client's system calls, which are the
// loop's too. What is pipelined shows what they cost without.
func BenchmarkServer(b *testing.B) {
	browser := "GET /hello HTTP/1.1\r\nHost: localhost\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nCookie: session=0123456789abcdef\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n\r\n"
	for _, c := range []struct{ name, request string }{
		{"plain", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"browser", browser},
		{"body", "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"},
		{"chunked", "POST /hello HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) { benchRequests(b, c.request, 1) })
		b.Run(c.name+" pipelined", func(b *testing.B) { benchRequests(b, c.request, 16) })
	}
}

func benchRequests(b *testing.B, request string, depth int) {
	l, err := corolla.New()
	leaktest.NeedLoop(b, err)
	b.Cleanup(func() { _ = l.Close() })
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello")
	})
	if err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := &web.Server{Handler: mux}
		serving := l.Go(func(t *corolla.Task) error { return srv.Serve(t, ln) })
		s, err := l.Dial("tcp", ln.Addr().String()).Await(t)
		if err != nil {
			return err
		}
		c := &asker{sock: s, sent: []byte(strings.Repeat(request, depth)), depth: depth}
		c.over.Clear()
		s.OnReadable(c.read)
		b.ReportAllocs()
		b.ResetTimer()
		c.left = (b.N + depth - 1) / depth
		c.ask()
		if err := c.over.Wait(t); err != nil {
			return err
		}
		b.StopTimer()
		if err := errors.Join(c.err, s.Close(), srv.Close()); err != nil {
			return err
		}
		if _, err := serving.Await(t); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

// asker sends requests when those before are answered.
type asker struct {
	sock    *corolla.Socket
	sent    []byte
	depth   int
	answers int // to what was sent last
	left    int // times that it is still to be sent
	over    corolla.Event
	err     error
}

func (c *asker) ask() {
	c.left--
	_, c.err = c.sock.TryWrite(c.sent)
}

func (c *asker) read() {
	p := c.sock.Loop().Scratch()
	n, err := c.sock.TryRead(p)
	if err == corolla.ErrWouldBlock {
		return
	}
	c.answers += bytes.Count(p[:n], []byte("\r\n\r\nhello"))
	switch {
	case err != nil || c.err != nil || c.answers > c.depth:
		c.err = errors.Join(c.err, err)
		c.over.Set()
	case c.answers == c.depth && c.left == 0:
		c.over.Set()
	case c.answers == c.depth:
		c.answers = 0
		c.ask()
	}
}
