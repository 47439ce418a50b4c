package web_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/web"
)

// secure serves with TLS on both hosts, and lets the transport trust it.
func (e *clientEnv) secure(handle func(p *clientPeer) error) (url string, stop func()) {
	e.Helper()
	ca := certtest.New(e)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "127.0.0.1", "server.test")}, Time: time.Now}
	e.tr.TLSClientConfig = &tls.Config{RootCAs: ca.Pool, Time: time.Now}
	ln, err := aio.ListenTLS(e.loop, "tcp", "127.0.0.1:0", cfg)
	if err != nil {
		e.Fatal(err)
	}
	address, stop := e.acceptOn(ln, handle)
	return "https" + strings.TrimPrefix(address, "http"), stop
}

// answering answers every request with what it was.
func answering(p *clientPeer) error {
	for {
		r, err := http.ReadRequest(p.in)
		if err != nil {
			return nil
		}
		if err := p.say("%s", clientWhole(fmt.Sprintf("%s %s, Host %s, %s", r.Method, r.RequestURI, r.Host, r.Header["Proxy-Authorization"]))); err != nil {
			return nil
		}
	}
}

func TestTransportTLS(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		var spoiled corolla.Event
		url, stop := e.secure(func(p *clientPeer) error {
			e.loop.Go(func(task *corolla.Task) error {
				if err := spoiled.Wait(task); err != nil {
					return nil
				}
				return p.conn.Close()
			})
			return answering(p)
		})
		defer stop()
		for range 3 {
			e.wantGet(url+"/x", "GET /x, Host "+strings.TrimPrefix(url, "https://")+", []")
			e.wantStats(web.TransportStats{Idle: 1})
			if err := e.task.Sleep(5 * time.Millisecond); err != nil { // session tickets arrive
				e.Fatal(err)
			}
			e.wantStats(web.TransportStats{Idle: 1})
		}
		spoiled.Set()
		e.settle(func() bool { return e.tr.Stats() == web.TransportStats{} })
	})
}

// forward is an HTTP proxy, which passes on what it is asked to connect to.
func (e *clientEnv) forward(to string, asked *[]string) (proxy *url.URL, stop func()) {
	e.Helper()
	address, stop := e.accept(func(p *clientPeer) error {
		r, err := http.ReadRequest(p.in)
		if err != nil {
			return nil
		}
		*asked = append(*asked, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header["Proxy-Authorization"]))
		if r.Method != "CONNECT" {
			return p.say("%s", clientWhole("by proxy"))
		}
		if strings.HasPrefix(r.RequestURI, "forbidden") {
			return p.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		}
		if err := p.say("HTTP/1.1 200 Connected\r\n\r\n"); err != nil {
			return nil
		}
		return p.pass(to)
	})
	return clientURL(e, address), stop
}

// pass connects a peer to an address until both streams have ended.
func (p *clientPeer) pass(to string) error {
	c, err := aio.Dial(p.task, "tcp", to)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return p.task.Group(func(g *corolla.Group) error {
		g.Go(func(t *corolla.Task) error {
			_, err := aio.Copy(t, p.conn, c)
			return errors.Join(err, p.conn.CloseWrite())
		})
		_, err := aio.Copy(p.task, c, p.conn)
		return errors.Join(err, c.CloseWrite())
	})
}

func clientURL(e *clientEnv, text string) *url.URL {
	e.Helper()
	u, err := url.Parse(text)
	if err != nil {
		e.Fatal(err)
	}
	return u
}

func TestTransportProxy(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		server, stop := e.secure(answering)
		defer stop()
		host := strings.TrimPrefix(server, "https://")
		var asked []string
		proxy, stopProxy := e.forward(host, &asked)
		defer stopProxy()
		proxy.User = url.UserPassword("me", "secret")
		e.tr.Proxy = http.ProxyURL(proxy)
		e.tr.ProxyConnectHeader = http.Header{"X-Purpose": {"test"}}
		const login = "[Basic bWU6c2VjcmV0]"

		e.wantGet(server+"/x", "GET /x, Host "+host+", []")
		e.wantGet(server+"/y", "GET /y, Host "+host+", []") // on the same connection
		e.wantGet("https://server.test/z", "GET /z, Host server.test, []")
		e.wantGet("http://plain.test/p?q", "by proxy")
		if _, err := e.get("https://forbidden.test/"); err == nil || !strings.Contains(err.Error(), "403") {
			e.Errorf("a refused CONNECT: %v", err)
		}
		want := fmt.Sprint([]string{
			"CONNECT " + host + " " + login, "CONNECT server.test:443 " + login,
			"GET http://plain.test/p?q " + login, "CONNECT forbidden.test:443 " + login,
		})
		if got := fmt.Sprint(asked); got != want {
			e.Errorf("the proxy was asked %v, want %v", got, want)
		}
	})
}

// TestTransportSOCKS asks a proxy for IP addresses and names, with and without a password.
func TestTransportSOCKS(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		server, stop := e.serve(func(p *clientPeer, r *http.Request) error {
			return p.say("%s", clientWhole("Host "+r.Host))
		})
		defer stop()
		to := strings.TrimPrefix(server, "http://")
		var asked []string
		address, stopProxy := e.accept(func(p *clientPeer) error {
			name, err := socksServer(p.in, p.conn.Bind(p.task))
			if asked = append(asked, name); err != nil || strings.Contains(name, "forbidden") {
				return p.say("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
			}
			if err := p.say("\x05\x00\x00\x03\x04host\x00\x50"); err != nil {
				return nil
			}
			return p.pass(to)
		})
		defer stopProxy()
		proxy := clientURL(e, "socks5"+strings.TrimPrefix(address, "http"))
		e.tr.Proxy = func(*http.Request) (*url.URL, error) { return proxy, nil }
		e.wantGet("http://name.test:8000/", "Host name.test:8000")
		e.wantGet("http://10.1.2.3/", "Host 10.1.2.3")
		secret := *proxy
		secret.User = url.UserPassword("me", "secret")
		proxy = &secret
		e.wantGet("http://[2001:db8::1]/", "Host [2001:db8::1]")
		if _, err := e.get("http://forbidden.test/"); err == nil || !strings.Contains(err.Error(), "rules do not allow it") {
			e.Errorf("refused: %v", err)
		}
		secret.User = url.UserPassword("me", "wrong")
		if _, err := e.get("http://name.test/"); err == nil || !strings.Contains(err.Error(), "refuses the password") {
			e.Errorf("a wrong password: %v", err)
		}
		want := "[name name.test:1f40 ip 0a010203:0050 ip 20010db8000000000000000000000001:0050 name forbidden.test:0050 refused]"
		if got := fmt.Sprint(asked); got != want {
			e.Errorf("the proxy was asked %v, want %v", got, want)
		}
	})
}

// socksServer is the server's side of SOCKS5, up to its answer.
func socksServer(in *bufio.Reader, out io.Writer) (asked string, err error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return "", err
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(in, methods); err != nil {
		return "", err
	}
	method := methods[len(methods)-1]
	if _, err := out.Write([]byte{5, method}); err != nil {
		return "", err
	}
	if method == 2 {
		login := make([]byte, 2+2+1+6)
		if string(methods) == "\x00\x02" {
			if _, err := io.ReadFull(in, login[:10]); err != nil {
				return "", err
			}
		}
		if string(login[:10]) != "\x01\x02me\x06secre" { // or the other password is as long
			_, _ = out.Write([]byte{1, 1})
			return "refused", errors.New("refused")
		}
		if _, err := io.ReadFull(in, login[10:]); err != nil {
			return "", err
		}
		if _, err := out.Write([]byte{1, 0}); err != nil {
			return "", err
		}
	}
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return "", err
	}
	n, kind := map[byte]int{1: 4, 4: 16}[head[3]], "ip"
	if head[3] == 3 {
		b, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		n, kind = int(b), "name"
	}
	to := make([]byte, n+2)
	if _, err := io.ReadFull(in, to); err != nil {
		return "", err
	}
	if kind == "name" {
		return fmt.Sprintf("name %s:%x", to[:n], to[n:]), nil
	}
	return fmt.Sprintf("ip %x:%x", to[:n], to[n:]), nil
}

func TestTransportBadProxies(t *testing.T) {
	clientEach(t, func(e *clientEnv) {
		closing, stop := e.accept(func(p *clientPeer) error { _, err := p.in.ReadByte(); return err })
		defer stop()
		wrong := errors.New("no proxy today")
		for proxy, want := range map[string]string{
			"ftp://127.0.0.1": "unsupported proxy scheme",
			"http:///":        "a proxy without a host",
			"error":           wrong.Error(),
			closing:           "proxy http://127.0.0.1:",
			"socks5" + strings.TrimPrefix(closing, "http"): "proxy socks5://127.0.0.1:",
		} {
			e.tr.Proxy = func(*http.Request) (*url.URL, error) {
				if proxy == "error" {
					return nil, wrong
				}
				return clientURL(e, proxy), nil
			}
			if _, err := e.get("https://server.test/"); err == nil || !strings.Contains(err.Error(), want) {
				e.Errorf("proxy %s: %v", proxy, err)
			}
		}
		e.tr.Proxy = nil
		e.tr.Dial = func(*corolla.Task, string, string) (*aio.Conn, error) { return nil, wrong }
		if _, err := e.get("http://server.test/"); !errors.Is(err, wrong) {
			e.Errorf("Dial: %v", err)
		}
		e.wantStats(web.TransportStats{})
	})
}
