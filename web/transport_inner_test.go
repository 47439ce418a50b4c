package web_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/web"
)

// secureBoth makes a server and a proxy in front of it, both with TLS of one authority.
func (e *clientEnv) secureBoth(handle func(p *clientPeer, server string) error) (server string, stop func()) {
	e.Helper()
	ca := certtest.New(e)
	e.tr.TLSClientConfig = &tls.Config{RootCAs: ca.Pool, Time: time.Now}
	listen := func(names ...string) *aio.Listener {
		cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, names...)}, Time: time.Now}
		ln, err := aio.ListenTLS(e.loop, "tcp", "127.0.0.1:0", cfg)
		if err != nil {
			e.Fatal(err)
		}
		return ln
	}
	address, stopServer := e.acceptOn(listen("server.test"), answering)
	proxy, stopProxy := e.acceptOn(listen("127.0.0.1"), func(p *clientPeer) error {
		return handle(p, strings.TrimPrefix(address, "http://"))
	})
	e.tr.Proxy = http.ProxyURL(clientURL(e, "https://me:secret@"+strings.TrimPrefix(proxy, "http://")))
	return "https://server.test", func() { stopProxy(); stopServer() }
}

// TestTransportTLSInTLS asks a server with TLS by way of a proxy with TLS.
func TestTransportTLSInTLS(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		var asked []string
		server, stop := e.secureBoth(func(p *clientPeer, server string) error {
			r, err := http.ReadRequest(p.in)
			if err != nil {
				return nil
			}
			asked = append(asked, fmt.Sprint(r.Method, r.RequestURI, r.Host, r.Header))
			if err := p.say("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 Connected\r\nContent-Length: 5\r\n\r\n"); err != nil {
				return nil
			}
			return p.pass(server)
		})
		defer stop()
		e.tr.ProxyConnectHeader = http.Header{"X-Purpose": {"test"}}
		for range 2 { // on one connection
			e.wantGet(server+"/x", "GET /x, Host server.test, []")
			e.wantStats(web.TransportStats{Idle: 1})
		}
		const want = "[CONNECTserver.test:443server.test:443map[Proxy-Authorization:[Basic bWU6c2VjcmV0] X-Purpose:[test]]]"
		if got := fmt.Sprint(asked); got != want {
			e.Errorf("the proxy was asked %v, want %v", got, want)
		}
		resp, err := e.client.Get(server)
		if err != nil {
			e.Fatal(err)
		}
		defer resp.Body.Close()
		if names := resp.TLS.PeerCertificates[0].DNSNames; len(names) != 1 || names[0] != "server.test" {
			e.Errorf("the response's TLS is with %v, and must be the server's", names)
		}
	})
}

// TestTransportTLSInTLSRefused looks at proxies that do not do what they are asked to.
func TestTransportTLSInTLSRefused(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n":            "407 Login",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                   "101 Switching",
		"HTTP/1.1 200 OK\r\n\r\nthis is no TLS, and rather long too": "tls: first record",
		"SSH-2.0\r\n\r\n":             "malformed HTTP",
		"HTTP/1.1 200 OK\r\nSet-Cook": "unexpected EOF",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n": "within the limit",
		strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 1000):             "within the limit",
		"": "EOF",
	} {
		clientEach(t, func(e *clientEnv) {
			server, stop := e.secureBoth(func(p *clientPeer, _ string) error {
				if _, err := http.ReadRequest(p.in); err != nil || answer == "" {
					return nil
				}
				return p.say("%s", answer)
			})
			defer stop()
			if _, err := e.get(server); err == nil || !strings.Contains(err.Error(), want) {
				e.Errorf("answered %.40q: %v, want %q", answer, err, want)
			}
			e.tr.ProxyConnectHeader = http.Header{"X-Purpose": {"a\r\nb"}}
			if _, err := e.get(server); err == nil || !strings.Contains(err.Error(), "malformed header field") {
				e.Errorf("a bad header for the proxy: %v", err)
			}
			e.wantStats(web.TransportStats{})
		})
	}
}
