package websocket_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// answered dials a server that answers with a text, in which KEY stands for what proves that it has read
// the key, and returns the request too.
func (e *env) answered(answer string, opts ...websocket.Option) (c *websocket.Conn, r *http.Response, request string, err error) {
	e.Helper()
	ln := e.listen()
	served := e.aside(func(t *corolla.Task) error {
		s, err := ln.Accept(t)
		if err != nil {
			return err
		}
		e.ends = append(e.ends, s)
		head, err := s.ReadUntil(t, []byte("\r\n\r\n"))
		if err != nil {
			return err
		}
		request = string(head)
		_, key, _ := strings.Cut(request, "Sec-Websocket-Key: ")
		key, _, _ = strings.Cut(key, "\r\n")
		if _, err = s.Write(t, []byte(strings.Replace(answer, "KEY", websocket.AcceptKey(key), 1))); err != nil {
			return err
		}
		if !strings.HasPrefix(answer, "HTTP/1.1 101") {
			return s.Close()
		}
		return nil
	})
	c, r, err = websocket.Dial(e.task, "ws://"+ln.Addr().String()+"/path?query", opts...)
	e.await(served)
	if c != nil {
		e.ends = append(e.ends, c.AIO())
	}
	return c, r, request, err
}

const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n"

func TestDialRequest(t *testing.T) {
	eachHost(t, func(e *env) {
		c, r, request, err := e.answered(switched+"Sec-WebSocket-Protocol: b\r\nX-Server: x\r\n\r\n", websocket.Subprotocols("a", "b"),
			websocket.Deflate(0), websocket.Header(http.Header{"Cookie": {"a=b"}, "Host": {"other.test"}, "Upgrade": {"nonsense"}}))
		if err != nil || c.Subprotocol() != "b" || r.Header.Get("X-Server") != "x" {
			e.Fatalf("Dial: %v, %v", r, err)
		}
		for _, line := range []string{
			"GET /path?query HTTP/1.1", "Host: other.test", "Upgrade: websocket", "Connection: Upgrade", "Sec-Websocket-Version: 13",
			"Sec-Websocket-Protocol: a, b", "Cookie: a=b",
			"Sec-Websocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		} {
			if strings.Count(request, line+"\r\n") != 1 {
				e.Errorf("no %q in\n%s", line, request)
			}
		}
		if strings.Contains(request, "User-Agent") || strings.Contains(request, "nonsense") {
			e.Errorf("the request is\n%s", request)
		}
	})
}

func TestDialRefusesAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"another status":         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello",
		"redirect":               "HTTP/1.1 302 Found\r\nLocation: ws://b.test\r\nContent-Length: 0\r\n\r\n",
		"wrong key":              strings.Replace(switched, "KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 1) + "\r\n",
		"no key":                 strings.Replace(switched, "Sec-WebSocket-Accept: KEY\r\n", "", 1) + "\r\n",
		"no upgrade":             strings.Replace(switched, "Upgrade: websocket\r\n", "", 1) + "\r\n",
		"no connection":          strings.Replace(switched, "Connection: Upgrade\r\n", "", 1) + "\r\n",
		"unknown subprotocol":    switched + "Sec-WebSocket-Protocol: c\r\n\r\n",
		"two subprotocols":       switched + "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n\r\n",
		"unknown extension":      switched + "Sec-WebSocket-Extensions: x\r\n\r\n",
		"context takeover":       switched + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		"a limit not offered":    switched + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=9\r\n\r\n",
		"two extensions":         switched + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover, x\r\n\r\n",
		"an endless head":        switched + "X: " + strings.Repeat("x", 70<<10),
		"a body that is too big": "HTTP/1.1 500 No\r\n\r\n" + strings.Repeat("x", 70<<10),
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				c, r, _, err := e.answered(answer, websocket.Subprotocols("a", "b"), websocket.Deflate(0))
				if c != nil || !errors.Is(err, websocket.ErrHandshake) {
					e.Fatalf("Dial: %v, %v", c, err)
				}
				if strings.Contains(answer, "Hello") {
					if b, err := io.ReadAll(r.Body); string(b) != "Hello" || err != nil {
						e.Errorf("the body is %q, %v", b, err)
					}
				}
			})
		})
	}
}

// An extension that was not asked for is not taken.
func TestDialWithoutDeflate(t *testing.T) {
	eachHost(t, func(e *env) {
		_, _, request, err := e.answered(switched + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n")
		if !errors.Is(err, websocket.ErrHandshake) || strings.Contains(request, "Extensions") {
			e.Errorf("Dial: %v, after\n%s", err, request)
		}
	})
}

func TestDialURLs(t *testing.T) {
	eachHost(t, func(e *env) {
		for _, url := range []string{"ftp://a.test", "ws://", "ws://a.test/#fragment", "a.test", "ws://a.test:port", "ws:///x"} {
			if c, _, err := websocket.Dial(e.task, url); c != nil || err == nil {
				e.Errorf("Dial %q: %v, %v", url, c, err)
			}
		}
	})
}

// A server that says nothing is not waited for for ever.
func TestDialTimeout(t *testing.T) {
	eachHost(t, func(e *env) {
		ln := e.listen()
		_, _, err := websocket.Dial(e.task, "ws://"+ln.Addr().String(), websocket.HandshakeTimeout(10*time.Millisecond))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Dial: %v", err)
		}
	})
}

// What the server has sent behind its answer is not lost.
func TestDialReadAhead(t *testing.T) {
	eachHost(t, func(e *env) {
		c, _, _, err := e.answered(switched + "\r\n" + string(text("early").bytes(false)))
		e.must(err)
		if kind, b, err := c.Read(e.task); kind != websocket.Text || string(b) != "early" || err != nil {
			e.Errorf("Read: %v %q, %v", kind, b, err)
		}
	})
}

func TestDialTLS(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	eachHost(t, func(e *env) {
		ln, err := aio.ListenTLS(e.loop, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
		e.must(err)
		e.ends = append(e.ends, ln)
		serve(e.loop, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r)
			e.must(err)
			_ = echo(web.Task(r), c)
		}))
		c, _, err := websocket.Dial(e.task, "wss://"+ln.Addr().String(),
			websocket.TLS(&tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}))
		e.must(err)
		big := strings.Repeat("x", 300<<10)
		wrote := e.aside(func(t *corolla.Task) error { return c.Write(t, websocket.Text, []byte(big)) })
		if _, b, err := c.Read(e.task); string(b) != big || err != nil {
			e.Errorf("Read: %d bytes, %v", len(b), err)
		}
		e.await(wrote)
		if state, ok := c.AIO().TLS(); !ok || state.NegotiatedProtocol != "" {
			e.Errorf("TLS: %v, %q", ok, state.NegotiatedProtocol)
		}
		if err := c.Close(e.task, websocket.CodeNormal, ""); err != nil {
			e.Errorf("Close: %v", err)
		}
	})
}
