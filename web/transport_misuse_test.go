package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

func TestTransportRefusesBadRequests(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		for name, change := range map[string]func(r *http.Request){
			"no URL":           func(r *http.Request) { r.URL = nil },
			"no header":        func(r *http.Request) { r.Header = nil },
			"a scheme":         func(r *http.Request) { r.URL.Scheme = "ftp" },
			"a method":         func(r *http.Request) { r.Method = "A B" },
			"no host":          func(r *http.Request) { r.URL.Host = "" },
			"a name":           func(r *http.Request) { r.Header["A b"] = []string{""} },
			"a value":          func(r *http.Request) { r.Header["A"] = []string{"x\r\nB: c"} },
			"a trailer":        func(r *http.Request) { r.Trailer = http.Header{"A": {"\x00"}} },
			"a host":           func(r *http.Request) { r.Host = "a\r\nb" },
			"a URL":            func(r *http.Request) { r.URL.Opaque = "/a b" },
			"a missing body":   func(r *http.Request) { r.Body, r.ContentLength = nil, 5 },
			"a canceled scope": func(r *http.Request) { *r = *r.WithContext(clientEnded()) },
		} {
			closed := false
			req, err := http.NewRequest("POST", "http://127.0.0.1:1/", nil)
			if err != nil {
				e.Fatal(err)
			}
			req.Body = clientCloser{strings.NewReader(""), func() { closed = true }}
			change(req)
			hasBody := req.Body != nil
			if resp, err := e.tr.RoundTrip(req); err == nil {
				e.Errorf("%s: %v", name, resp.Status)
			} else if hasBody && !closed {
				e.Errorf("%s: the body was not closed: %v", name, err)
			}
		}
	})
}

func clientEnded() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestTransportOutsideOfATask(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		url, stop := e.serve(func(p *clientPeer, r *http.Request) error { return p.say("%s", clientWhole("0123456789")) })
		defer stop()
		resp, err := e.client.Get(url)
		if err != nil {
			e.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			e.Fatal(err)
		}
		done := corolla.NewFuture[struct{}](e.loop)
		e.loop.Soon(func() {
			e.panics("outside of a task of its loop", func() { _, _ = e.tr.RoundTrip(req) })
			e.panics("outside of a task of its loop", func() { _, _ = resp.Body.Read(make([]byte, 1)) })
			if err := done.Resolve(struct{}{}); err != nil {
				e.Error(err)
			}
		})
		if _, err := done.Await(e.task); err != nil {
			e.Error(err)
		}
		elsewhere := corolla.Offload(e.loop, func() (struct{}, error) {
			e.panics("does not run the loop", func() { _, _ = e.tr.RoundTrip(req) })
			e.panics("does not run the loop", func() { _ = resp.Body.Close() })
			return struct{}{}, nil
		})
		if _, err := elsewhere.Await(e.task); err != nil {
			e.Error(err)
		}
		e.panics("without a Loop", func() { _, _ = new(web.Transport).RoundTrip(req) })
	})
}

func (e *clientEnv) panics(why string, f func()) {
	e.Helper()
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, why) {
			e.Errorf("panic with %q, want %q", v, why)
		}
	}()
	f()
}
