package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/ds"
)

// Defaults of a Transport's fields that are zero.
const (
	DefaultMaxIdleConns           = 1000
	DefaultMaxIdleConnsPerHost    = 100
	DefaultMaxConnsPerHost        = 1000
	DefaultIdleConnTimeout        = 90 * time.Second
	DefaultResponseHeaderTimeout  = 2 * time.Minute
	DefaultExpectContinueTimeout  = time.Second
	DefaultMaxResponseHeaderBytes = 1 << 20
)

// Transport is an http.RoundTripper on the loop:
//
//	client := &http.Client{Transport: &web.Transport{Loop: l}}
//
// It speaks HTTP/1.1, and its connections are kept alive for later requests. Idle connections have
// neither a task nor a buffer.
//
// RoundTrip, and so all that makes requests with an http.Client, waits, and must be called in a task
// of the loop, or in a green thread; elsewhere it panics. So does reading a response's body. Several
// tasks can use a Transport at a time, and the fields must not change after its first use.
//
// A request ends with its context, and with the scopes of the task that makes it, without another
// goroutine: use Task.Timeout, or http.NewRequestWithContext with a task or a scope. Client.Timeout
// works, but starts a goroutine for each request.
//
// The body of a request is read on the loop, and not always in the task that called RoundTrip, so it
// must not be bound to that task, as what aio.Conn.Bind returns is, and it must not block. It may wait
// as green threads do. The body of a response is for one reader at a time: a second gets
// corolla.ErrBusy. Closing it wakes the reader. After "101 Switching Protocols" it is an
// io.ReadWriteCloser, as with net/http, and has two more methods: CloseWrite, and
// Detach() (c *aio.Conn, unread []byte), which gives the connection away.
//
// Where net/http has no limit for a field that is zero, there is a default here; a negative value
// means no limit, or no timeout.
type Transport struct {
	// Loop is the loop that the connections are on. It must be set.
	Loop *corolla.Loop

	// Proxy returns the proxy for a request, or nil. Its URL's scheme is "http", "https", "socks5" or
	// "socks5h". If Proxy is nil there is none.
	Proxy func(*http.Request) (*url.URL, error)

	// ProxyConnectHeader is sent to proxies with CONNECT requests.
	ProxyConnectHeader http.Header

	// Dial makes connections, without TLS. If it is nil, aio.Dial does.
	Dial func(t *corolla.Task, network, address string) (*aio.Conn, error)

	// TLSClientConfig is the configuration for TLS, but for NextProtos; ServerName is the host of the
	// URL unless set. It may be nil.
	TLSClientConfig *tls.Config

	// TLSHandshakeTimeout limits TLS handshakes, to corolla.DefaultHandshakeTimeout if it is 0.
	TLSHandshakeTimeout time.Duration

	// DisableKeepAlives closes each connection after one request.
	DisableKeepAlives bool

	// DisableCompression keeps Transport from asking for gzip by itself. It does so otherwise, and
	// decompresses the answer, if the request has no Accept-Encoding and no Range of its own.
	DisableCompression bool

	// MaxIdleConns, MaxIdleConnsPerHost and MaxConnsPerHost limit connections: idle ones, those of one
	// host, and all of one host, idle or not. A task that wants one more waits, first in, first out.
	MaxIdleConns, MaxIdleConnsPerHost, MaxConnsPerHost int

	// IdleConnTimeout is how long a connection may be idle until it is closed.
	IdleConnTimeout time.Duration

	// ResponseHeaderTimeout limits the wait for a response's header after the request was sent.
	ResponseHeaderTimeout time.Duration

	// ExpectContinueTimeout is how long a body is held back for a request with "Expect:
	// 100-continue" without an answer. If it is negative, the body is sent at once.
	ExpectContinueTimeout time.Duration

	// MaxResponseHeaderBytes limits a response's header, and those of informational responses before
	// it together.
	MaxResponseHeaderBytes int64

	hosts  map[clientKey]*clientHost
	idle   ds.List[*clientConn] // the longest idle first
	idling limit[*clientConn]   // IdleConnTimeout
	heads  limit[*clientCall]   // ResponseHeaderTimeout
	mem    memory
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a Transport that uses the proxies that the environment names, as
// http.DefaultTransport does.
func NewTransport(l *corolla.Loop) *Transport {
	return &Transport{Loop: l, Proxy: http.ProxyFromEnvironment}
}

// RoundTrip sends a request and returns the response once its header has arrived; see
// http.RoundTripper. It parks the task in which it is called.
//
// A request that fails on a connection that was idle before, with no byte of an answer, is tried once
// more on a new one, if its body can be had again and it is idempotent: GET, HEAD, OPTIONS, TRACE, or
// any with an Idempotency-Key. So is one of which nothing could be written.
func (tr *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t := clientTask(tr.Loop, "web.Transport.RoundTrip")
	if err := clientCheck(req); err != nil {
		clientCloseBody(req)
		return nil, err
	}
	if clientCovers(t, req.Context()) {
		return tr.roundTrip(t, req)
	}
	return tr.roundTripWithin(t, req)
}

// roundTripWithin is roundTrip in a scope that ends with the request's context.
func (tr *Transport) roundTripWithin(t *corolla.Task, req *http.Request) (resp *http.Response, err error) {
	err = t.Attach(req.Context(), func(*corolla.Scope) (err error) {
		resp, err = tr.roundTrip(t, req)
		return err
	})
	return resp, err
}

// roundTrip is RoundTrip for a request that was checked, in a scope that ends with it.
func (tr *Transport) roundTrip(t *corolla.Task, original *http.Request) (*http.Response, error) {
	target, err := tr.target(original)
	if err == nil {
		err = clientCanceled(t, original.Context())
	}
	if err != nil {
		clientCloseBody(original)
		return nil, err
	}
	trace := httptrace.ContextClientTrace(original.Context())
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(target.key.address)
	}
	req := original
	for again := false; ; again = true {
		c, err := tr.connect(t, target, again)
		if err != nil {
			clientCloseBody(req)
			return nil, err
		}
		x := &clientCall{conn: c, req: req, target: target, trace: trace}
		resp, err := x.roundTrip(t)
		if err == nil {
			resp.Request = original
			return resp, nil
		}
		if again || !x.mayRepeat() {
			return nil, err
		}
		if req, err = clientRewind(original); err != nil {
			return nil, err
		}
	}
}

// announce tells a trace of the connection.
func (c *clientConn) announce(t *corolla.Task, trace *httptrace.ClientTrace) {
	if trace == nil || trace.GotConn == nil {
		return
	}
	info := httptrace.GotConnInfo{Conn: c.conn.Bind(t), Reused: c.used, WasIdle: c.used}
	if c.used {
		info.IdleTime = c.tr.Loop.Now() - c.since
	}
	trace.GotConn(info)
}

// clientRewind returns the request with its body from the start.
func clientRewind(req *http.Request) (*http.Request, error) {
	if clientNoBody(req) {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	again := *req
	again.Body = body
	return &again, nil
}

// TransportStats counts a Transport's connections, and the tasks that wait for one.
type TransportStats struct {
	Idle    int // that can be used again
	Active  int // in use, or being made
	Waiting int // tasks, because of MaxConnsPerHost
}

// Stats returns the current state of the Transport.
func (tr *Transport) Stats() TransportStats {
	clientCheckLoop(tr.Loop, "web.Transport.Stats")
	s := TransportStats{Idle: tr.idle.Len()}
	for _, h := range tr.hosts {
		waiting := 0
		if h.places != nil {
			waiting = h.places.Stats().Waiting
		}
		s.Waiting += waiting
		s.Active += h.users - waiting
	}
	return s
}

// CloseIdleConnections closes the connections that are idle. Those in use go on.
func (tr *Transport) CloseIdleConnections() {
	clientCheckLoop(tr.Loop, "web.Transport.CloseIdleConnections")
	for first := tr.idle.First(); first != nil; first = tr.idle.First() {
		first.Value.drop()
	}
	tr.idling.stop()
	if tr.heads.waiting.Len() == 0 {
		tr.heads.stop()
	}
}

// clientTask returns the running task, which something waits in.
func clientTask(l *corolla.Loop, what string) *corolla.Task {
	clientCheckLoop(l, what)
	t := l.Current()
	if t == nil {
		panic("web: " + strings.TrimPrefix(what, "web.") + " outside of a task of its loop: start one with Loop.Go or green.Hub.Go")
	}
	return t
}

// clientCheckLoop panics on a goroutine that does not run the loop.
func clientCheckLoop(l *corolla.Loop, what string) {
	if l == nil {
		panic("web: a Transport without a Loop: set the field")
	}
	l.Check(what)
}

// clientCovers reports whether a context never ends before t does, or the scope that t is in.
func clientCovers(t *corolla.Task, ctx context.Context) bool {
	switch ctx := ctx.(type) {
	case *corolla.Task:
		return ctx == t
	case *requestContext:
		return ctx.Task == t
	case *corolla.Scope:
		return ctx == t.Scope()
	}
	done := ctx.Done()
	return done == nil || done == t.Done()
}

// clientCanceled returns the error with which a wait would fail at once.
func clientCanceled(t *corolla.Task, ctx context.Context) error {
	if ctx.Err() == nil && t.Scope().Err() == nil {
		return nil
	}
	return t.Yield()
}

// clientCheck returns what is wrong with a request.
func clientCheck(req *http.Request) error {
	switch {
	case req.URL == nil:
		return errors.New("web: a request without a URL")
	case req.Header == nil:
		return errors.New("web: a request whose Header is nil")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("web: unsupported scheme %q", req.URL.Scheme)
	case req.Method != "" && !isToken(req.Method):
		return fmt.Errorf("web: invalid method %q", req.Method)
	case req.URL.Host == "":
		return errors.New("web: a URL without a host")
	case req.ContentLength > 0 && clientNoBody(req):
		return fmt.Errorf("web: a request with a ContentLength of %d and no body", req.ContentLength)
	}
	for _, h := range []http.Header{req.Header, req.Trailer} {
		for name, values := range h {
			if !isToken(name) {
				return fmt.Errorf("web: invalid header field name %q", name)
			}
			for _, v := range values {
				if clientControl(v) {
					return fmt.Errorf("web: invalid value of the header field %q", name) // it may be a secret
				}
			}
		}
	}
	return nil
}

// clientControl reports whether text has a character that would end a line, or another control.
func clientControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

func clientNoBody(req *http.Request) bool { return req.Body == nil || req.Body == http.NoBody }

func clientCloseBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the request has failed already
	}
}

// clientTime returns a timeout, 0 being none.
func clientTime(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(d, 0)
}

// clientMost returns a limit, of which the largest number is none.
func clientMost(n, standard int) int {
	switch {
	case n == 0:
		return standard
	case n < 0:
		return math.MaxInt
	}
	return n
}
