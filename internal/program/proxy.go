package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web"
)

// proxy holds the options and the argument of serve proxy.
type proxy struct {
	place
	upstream *url.URL
}

func (p *proxy) options() []option { return p.place.options("127.0.0.1:8080") }

// setUpstream takes a URL, or HOST:PORT.
func (p *proxy) setUpstream(text string) (complaint string) {
	const want = "neither a URL with http or https and a host, nor HOST:PORT"
	addr := ""
	if hostPort(&addr, 1)(text) == "" {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return want
	}
	p.upstream = u
	return unless(u.RawQuery == "" && u.Fragment == "" && u.User == nil, "an upstream has no query, fragment or user")
}

func runProxy(c *console, args []string) error {
	var p proxy
	rest, err := parse("serve proxy", p.options(), args)
	switch {
	case err == errHelp:
		return helpProxy(c)
	case err != nil:
		return err
	case len(rest) == 0:
		return usagef("corolla serve proxy: to where? corolla serve proxy UPSTREAM")
	case len(rest) > 1:
		return usagef("corolla serve proxy: unexpected argument %s", quoted(rest[1]))
	}
	if complaint := p.setUpstream(rest[0]); complaint != "" {
		return usagef("corolla serve proxy: %s: %s", quoted(rest[0]), complaint)
	}
	s := site{place: p.place, setup: func(l *corolla.Loop, s *site) { s.handler = newForwarder(l, p.upstream, s.log) }}
	return s.serve(c)
}

func helpProxy(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla serve proxy UPSTREAM [options]

Passes HTTP requests on to another server until SIGINT or SIGTERM, with what both sides send
as it comes, WebSockets and other upgrades too. UPSTREAM is a URL with http or https, under
whose path that of a request is put, or HOST:PORT. The upstream finds the client's address in
X-Forwarded-For, and what was asked in X-Forwarded-Host and X-Forwarded-Proto. It prints the
address once it listens, and logs each request on the standard error.

Options:
`)
	helpOptions(&w, new(proxy).options())
	fmt.Fprint(&w, `
Example:
  corolla serve chat --addr 127.0.0.1:8081 &
  corolla serve proxy 127.0.0.1:8081 --addr 127.0.0.1:8080 &
  curl http://127.0.0.1:8080/stats

After the first SIGINT or SIGTERM requests have 10 seconds to end, after a second one none.

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// forwarder passes requests on. httputil.ReverseProxy was rejected: it flushes what it streams on the
// goroutine of a timer, and relays upgrades on two more.
type forwarder struct {
	upstream  *url.URL
	transport *web.Transport
	log       *slog.Logger
	buffers   [][]byte // for copying, not in use
}

func newForwarder(l *corolla.Loop, upstream *url.URL, log *slog.Logger) *forwarder {
	return &forwarder{
		upstream: upstream, log: log,
		transport: &web.Transport{Loop: l, DisableCompression: true, MaxIdleConnsPerHost: 256},
	}
}

// outgoing returns what the upstream is asked.
func (f *forwarder) outgoing(r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	out.Close, out.RequestURI, out.Trailer = false, "", r.Trailer // which is filled at the end of the body
	if r.ContentLength == 0 {
		out.Body = nil
	} else {
		out.Body = io.NopCloser(r.Body) // the server closes it
	}
	trailers := slices.Contains(r.Header["Te"], "trailers")
	for _, name := range append(hopByHop(r.Header), "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto") {
		out.Header.Del(name)
	}
	if trailers {
		out.Header.Set("Te", "trailers")
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // or Go's would be sent
	}
	to := &httputil.ProxyRequest{In: r, Out: out}
	to.SetURL(f.upstream)
	to.SetXForwarded()
	return out
}

// hopByHop returns the fields that are for the next server only (RFC 9110, section 7.6.1).
func hopByHop(h http.Header) []string {
	names := []string{
		"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
	for _, field := range h["Connection"] {
		for name := range strings.SplitSeq(field, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// forward passes on a request, and its answer as it comes.
func (f *forwarder) forward(w http.ResponseWriter, r *http.Request) {
	out := f.outgoing(r)
	out = out.WithContext(httptrace.WithClientTrace(out.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			clear(w.Header())
			return nil
		},
	}))
	answer, err := f.transport.RoundTrip(out)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	defer answer.Body.Close()
	f.answer(w, answer)
}

// answer passes on what the upstream has answered.
func (f *forwarder) answer(w http.ResponseWriter, answer *http.Response) {
	for _, name := range hopByHop(answer.Header) {
		answer.Header.Del(name)
	}
	maps.Copy(w.Header(), answer.Header)
	announced := map[string]bool{}
	for name := range answer.Trailer {
		w.Header().Add("Trailer", name)
		announced[name] = true
	}
	w.WriteHeader(answer.StatusCode)
	if f.stream(w, answer.Body) != nil {
		panic(http.ErrAbortHandler) // so that a part is not taken for the whole
	}
	for name, values := range answer.Trailer {
		if !announced[name] {
			name = http.TrailerPrefix + name
		}
		w.Header()[name] = values
	}
}

// stream copies a body, each piece as it comes.
func (f *forwarder) stream(w http.ResponseWriter, body io.Reader) error {
	var buf []byte
	if n := len(f.buffers); n > 0 {
		buf, f.buffers = f.buffers[n-1], f.buffers[:n-1]
	} else {
		buf = make([]byte, 32<<10)
	}
	defer func() { f.buffers = append(f.buffers, buf) }()
	c := http.NewResponseController(w)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
}

// fail answers a request to which the upstream gave no answer.
func (f *forwarder) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has gone, and hears nothing
	}
	f.log.Warn("no answer from the upstream", "path", r.URL.Path, "error", err)
	status := http.StatusBadGateway
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	http.Error(w, http.StatusText(status), status)
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch protocol := upgradeOf(r.Header); {
	case protocol == "":
	case r.ContentLength == 0:
		f.upgrade(w, r, protocol)
		return
	default: // who sends a body with it can do without
		r.Header.Del("Upgrade")
	}
	// An upstream may answer before it has all of the body. Where that is not supported it is not so.
	_ = http.NewResponseController(w).EnableFullDuplex()
	f.forward(w, r)
}

// upgradeOf returns the protocol that a header asks or agrees to change to (RFC 9110, section 7.8).
func upgradeOf(h http.Header) string {
	for _, field := range h["Connection"] {
		for token := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
				return h.Get("Upgrade")
			}
		}
	}
	return ""
}

// address returns where the upstream listens.
func (f *forwarder) address() string {
	port := f.upstream.Port()
	switch {
	case port != "":
	case f.upstream.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(f.upstream.Hostname(), port)
}
