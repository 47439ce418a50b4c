package websocket_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// ask sends a request to a server that accepts with opts, and returns the response and Accept's error.
func (e *env) ask(request string, opts ...websocket.Option) (*http.Response, error) {
	e.Helper()
	var refused error
	ln := e.listen()
	serve(e.loop, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Handler", "was here")
		c, err := websocket.Accept(w, r, opts...)
		if refused = err; err == nil {
			e.must(c.CloseNow())
		}
	}))
	c, err := aio.Dial(e.task, "tcp", ln.Addr().String())
	e.must(err)
	defer c.Close()
	_, err = c.Write(e.task, []byte(request))
	e.must(err)
	r, err := http.ReadResponse(bufio.NewReader(c.Bind(e.task)), nil)
	e.must(err)
	e.settle(func() bool { return e.loop.Stats().Tasks == 2 }) // this one and the one that accepts
	e.must(ln.Close())
	return r, refused
}

const good = askForWebSocket + "\r\n"

func TestAcceptAnswers(t *testing.T) {
	eachHost(t, func(e *env) {
		r, err := e.ask(good)
		if r.StatusCode != 101 || err != nil {
			e.Fatalf("status %d, %v", r.StatusCode, err)
		}
		for name, want := range map[string]string{
			"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", // the example of RFC 6455, section 1.3
			"Upgrade":              "websocket", "Connection": "Upgrade", "X-Handler": "was here",
			"Sec-WebSocket-Protocol": "", "Sec-WebSocket-Extensions": "", "Content-Length": "",
		} {
			if got := r.Header.Get(name); got != want {
				e.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

func TestAcceptRefuses(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("no %q in the request", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	for name, c := range map[string]struct {
		request string
		status  int
		header  string // that the answer must have
	}{
		"method":              {change("GET", "PUT"), 405, "Allow"},
		"HTTP/1.0":            {change("HTTP/1.1", "HTTP/1.0"), 426, "Upgrade"},
		"no upgrade":          {change("Upgrade: websocket\r\n", ""), 426, "Upgrade"},
		"another protocol":    {change("Upgrade: websocket", "Upgrade: h2c"), 426, "Upgrade"},
		"not for this hop":    {change("Connection: Upgrade", "Connection: close"), 426, "Upgrade"},
		"no version":          {change("Sec-WebSocket-Version: 13\r\n", ""), 426, "Sec-WebSocket-Version"},
		"old version":         {change("Version: 13", "Version: 8"), 426, "Sec-WebSocket-Version"},
		"no key":              {change("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, ""},
		"short key":           {change("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), 400, ""},
		"key of another kind": {change("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ"), 400, ""},
		"two keys":            {change("Upgrade: websocket", "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, ""},
		"body":                {change("Upgrade: websocket", "Upgrade: websocket\r\nContent-Length: 3"), 400, ""},
		"chunked body":        {change("Upgrade: websocket", "Upgrade: websocket\r\nTransfer-Encoding: chunked"), 400, ""},
		"origin":              {change("Upgrade: websocket", "Upgrade: websocket\r\nOrigin: http://evil.test"), 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				r, err := e.ask(c.request)
				if r.StatusCode != c.status || !errors.Is(err, websocket.ErrHandshake) {
					e.Errorf("status %d, %v; want %d", r.StatusCode, err, c.status)
				}
				if c.header != "" && r.Header.Get(c.header) == "" {
					e.Errorf("the answer has no %s: %v", c.header, r.Header)
				}
			})
		})
	}
}

func TestAcceptOrigins(t *testing.T) {
	for _, c := range []struct {
		origin  string
		allowed []string
		status  int
	}{
		{"http://a.test", nil, 101},
		{"https://A.test:443", nil, 101},
		{"http://a.test:8080", nil, 403},
		{"http://xa.test", nil, 403},
		{"http://a.test.evil.test", nil, 403},
		{"null", nil, 403},
		{"", nil, 403},
		{"http://a.test, http://evil.test", nil, 403},
		{"http://b.test", []string{"b.test"}, 101},
		{"http://b.test:80", []string{"b.test"}, 101},
		{"http://b.test:81", []string{"b.test"}, 403},
		{"http://b.test", []string{"https://b.test"}, 403},
		{"https://b.test", []string{"https://b.test"}, 101},
		{"https://x.b.test", []string{"*.b.test"}, 101},
		{"https://b.test", []string{"*.b.test"}, 403},
		{"https://xb.test", []string{"*.b.test"}, 403},
		{"http://x.b.test", []string{"https://*.b.test"}, 403},
		{"http://evil.test", []string{"b.test", "*"}, 101},
	} {
		t.Run(c.origin+" "+strings.Join(c.allowed, ","), func(t *testing.T) {
			eachHost(t, func(e *env) {
				request := strings.Replace(good, "\r\n", "\r\nOrigin: "+c.origin+"\r\n", 1)
				if r, err := e.ask(request, websocket.AllowOrigins(c.allowed...)); r.StatusCode != c.status {
					e.Errorf("status %d, %v; want %d", r.StatusCode, err, c.status)
				}
			})
		})
	}
}

func TestAcceptSubprotocol(t *testing.T) {
	for offered, want := range map[string]string{
		"":               "",
		"chat":           "chat",
		"Chat":           "",
		"other, chat":    "chat",
		"chat, better":   "better",
		"other":          "",
		"x,chat ,better": "better",
	} {
		t.Run(offered, func(t *testing.T) {
			eachHost(t, func(e *env) {
				request := strings.Replace(good, "\r\n", "\r\nSec-WebSocket-Protocol: "+offered+"\r\n", 1)
				r, err := e.ask(request, websocket.Subprotocols("better", "chat"))
				if got := r.Header.Get("Sec-WebSocket-Protocol"); got != want || err != nil {
					e.Errorf("%q, %v; want %q", got, err, want)
				}
			})
		})
	}
}

// What cannot be met is declined, and without compression offers are not even read.
func TestAcceptExtensions(t *testing.T) {
	const plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for offered, want := range map[string]string{
		"permessage-deflate":                                                      plain,
		"PerMessage-Deflate":                                                      plain,
		"permessage-deflate; server_max_window_bits=":                             "",
		"permessage-deflate; server_max_window_bits":                              "",
		"permessage-deflate; server_max_window_bits=7":                            "",
		"permessage-deflate; server_max_window_bits=16":                           "",
		"permessage-deflate; server_max_window_bits=+9":                           "",
		"permessage-deflate; server_max_window_bits=09":                           "",
		"permessage-deflate; server_max_window_bits=9":                            plain + "; server_max_window_bits=9",
		"permessage-deflate; client_max_window_bits=8":                            plain,
		"permessage-deflate; client_max_window_bits; client_max_window_bits=8":    "",
		"permessage-deflate; server_no_context_takeover=1":                        "",
		"permessage-deflate; x; permessage-deflate":                               "",
		"permessage-deflate; x=\"a,permessage-deflate;\\\"\", permessage-deflate": plain,
		"x-webkit-deflate-frame":                                                  "",
		", ,permessage-deflate;":                                                  "",
	} {
		t.Run(offered, func(t *testing.T) {
			eachHost(t, func(e *env) {
				request := strings.Replace(good, "\r\n", "\r\nSec-WebSocket-Extensions: "+offered+"\r\n", 1)
				r, err := e.ask(request, websocket.Deflate(0))
				if got := r.Header.Get("Sec-WebSocket-Extensions"); got != want || err != nil {
					e.Errorf("%q, %v; want %q", got, err, want)
				}
				if r, _ = e.ask(request); r.Header["Sec-Websocket-Extensions"] != nil {
					e.Errorf("agreed to %q although compression is off", r.Header["Sec-Websocket-Extensions"])
				}
			})
		})
	}
}

// What the client has sent behind its request is not lost.
func TestAcceptReadAhead(t *testing.T) {
	eachHost(t, func(e *env) {
		ln := e.listen()
		serve(e.loop, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r)
			e.must(err)
			_ = echo(web.Task(r), c)
		}))
		c, err := aio.Dial(e.task, "tcp", ln.Addr().String())
		e.must(err)
		p := &raw{c, e, true}
		p.send(append([]byte(good), p.bytes(text("early"), begin("and "), last("earlier"), bye(1000, ""))...))
		p.head()
		p.hears(text("early"), text("and earlier"), bye(1000, ""))
		p.hearsEnd()
		e.must(c.Close())
	})
}

// foreign is a ResponseWriter of a server that is not on a loop.
type foreign struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (f foreign) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return f.conn, bufio.NewReadWriter(bufio.NewReader(f.conn), bufio.NewWriter(f.conn)), nil
}

func TestAcceptOnForeignServers(t *testing.T) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(good)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := websocket.Accept(w, r); !errors.Is(err, websocket.ErrHandshake) || w.Code != http.StatusNotImplemented {
		t.Errorf("without Hijack: %d, %v", w.Code, err)
	}
	a, b := net.Pipe()
	defer b.Close()
	_, err = websocket.Accept(foreign{httptest.NewRecorder(), a}, r)
	if !errors.Is(err, websocket.ErrHandshake) || !strings.Contains(err.Error(), "must be *green.Conn") {
		t.Errorf("with another connection: %v", err)
	}
	if _, err := a.Write([]byte("x")); err == nil {
		t.Error("the connection was left open")
	}
}
