package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// certificateFiles writes certificates of a new CA to a folder: server.pem, for server.test, and client.pem, with
// their keys, and cas, a folder of CAs.
func certificateFiles(t *testing.T) (dir string, ca *certtest.Authority) {
	t.Helper()
	dir, ca = t.TempDir(), certtest.New(t)
	if err := os.Mkdir(filepath.Join(dir, "cas"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, blocks ...*pem.Block) {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"server", "client"} {
		cert := ca.Issue(time.Time{}, name+".test")
		key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	}
	write("cas/ours.pem", &pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw})
	write("cas/README", &pem.Block{Type: "NOTHING"})
	write("nothing.pem", &pem.Block{Type: "NOTHING"})
	return dir, ca
}

// proxyFor plays a SOCKS5 or HTTP proxy for one connection, which it passes on to an address whatever it is
// asked for.
func proxyFor(t *corolla.Task, ln *aio.Listener, to string, asked *string) error {
	c, err := ln.Accept(t)
	if err != nil {
		return err
	}
	defer c.Close()
	head, answer := make([]byte, 3), "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"
	if _, err := c.ReadFull(t, head); err != nil {
		return err
	}
	if string(head) == "CON" {
		rest, err := c.ReadUntil(t, []byte("\r\n\r\n"))
		if err != nil {
			return err
		}
		*asked, answer = string(head)+string(rest), "HTTP/1.1 200 OK\r\n\r\n"
	} else {
		if _, err := c.Write(t, []byte{5, 0}); err != nil {
			return err
		}
		if head, err = c.ReadUntil(t, []byte("\x00\x50")); err != nil { // all are asked for port 80
			return err
		}
		*asked = string(head)
	}
	if _, err := c.Write(t, []byte(answer)); err != nil {
		return err
	}
	return passOn(t, c, to)
}

// passOn connects c to an address, until one of the two has ended, and closes it.
func passOn(t *corolla.Task, c *aio.Conn, to string) error {
	defer c.Close()
	out, err := aio.Dial(t, "tcp", to)
	if err != nil {
		return err
	}
	defer out.Close()
	l := t.Loop()
	back := l.Go(func(t *corolla.Task) error { _, err := aio.Copy(t, c, out); return err })
	there := l.Go(func(t *corolla.Task) error { _, err := aio.Copy(t, out, c); return err })
	_, _ = corolla.First(l, back, there).Await(t) // whatever has ended it, the ends will hear
	return nil
}

func TestEndpointsAroundOthers(t *testing.T) {
	dir, _ := certificateFiles(t)
	for name, c := range map[string]struct{ server, client, asked string }{
		"TLS on unix":      {"unix:DIR/s", `tls:server.test:endpoint=unix\:DIR/t:ca=DIR/cas`, ""},
		"TLS on tcp":       {"", `tls:nobody:443:endpoint=tcp\:127.0.0.1\:PORT:name=server.test:trustRoots=DIR/cas:handshake=5`, ""},
		"client's":         {"", `tls:127.0.0.1:PORT:name=server.test:caCertsDir=DIR/cas:certificate=DIR/client.pem`, ""},
		"client's, by key": {"", `tls:127.0.0.1:PORT:name=server.test:ca=DIR/cas:privateKey=DIR/client.pem`, ""},
		"SOCKS5":           {"", `socks5:127.0.0.1:PROXY:tls:server.test:80:ca=DIR/cas`, "\x05\x01\x00\x03\x0bserver.test\x00\x50"},
		"CONNECT":          {"", `httpproxy:127.0.0.1:PROXY:tls:server.test:80:ca=DIR/cas:user=me:password=secret`, "CONNECT server.test:80 HTTP/1.1\r\nHost: server.test:80\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"},
		"TLS on CONNECT":   {"", `tls:server.test:endpoint=httpproxy\:127.0.0.1\:PROXY\:tcp\:x\:80:ca=DIR/cas`, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				c, l := c, task.Loop()
				server, client := newLouder(), &recorder{}
				tlsServer := "tls:0:interface=127.0.0.1:cert=DIR/server.pem:extraCertChain=DIR/cas/ours.pem"
				if strings.HasPrefix(name, "client's") {
					tlsServer += ":ca=DIR/cas"
				}
				in := strings.NewReplacer("DIR", transport.Quote(dir)).Replace
				srv, err := mustParse(t, in(tlsServer)).Listen(l, func(*transport.Conn) transport.Protocol { return server })
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				_, port, _ := net.SplitHostPort(srv.Addr().String())
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				_, proxy, _ := net.SplitHostPort(ln.Addr().String())
				var asked string
				var served *corolla.Future[struct{}]
				if c.asked != "" {
					served = l.Go(func(t *corolla.Task) error { return proxyFor(t, ln, "127.0.0.1:"+port, &asked) })
				}
				if c.server != "" { // which passes on to the server with TLS
					plain := filepath.Join(t.TempDir(), "t")
					c.client = strings.ReplaceAll(c.client, "DIR/t", transport.Quote(plain))
					served = forwardUnix(t, task, plain, "127.0.0.1:"+port)
				}
				to := strings.NewReplacer("DIR", transport.Quote(dir), "PORT", port, "PROXY", proxy).Replace(c.client)
				conn, err := mustParse(t, to).Connect(l, client).Await(task)
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := conn.TLS(); !ok {
					t.Error("connected without TLS")
				}
				_ = conn.Write([]byte("x"))
				until(t, task, func() bool { return client.String() == "opened data" })
				conn.Close()
				if e1, e2 := client.wait(t, task), server.wait(t, task); e1 != nil || e2 != nil || asked != c.asked {
					t.Errorf("Closed: %v, %v; the proxy was asked %q, want %q", e1, e2, asked, c.asked)
				}
				if served != nil {
					if _, err := served.Await(task); err != nil {
						t.Error(err)
					}
				}
				_ = ln.Close()
			})
		})
	}
}

// forwardUnix passes one connection at a Unix socket on to an address.
func forwardUnix(t *testing.T, task *corolla.Task, path, to string) *corolla.Future[struct{}] {
	t.Helper()
	ln, err := aio.Listen(task.Loop(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return task.Loop().Go(func(t *corolla.Task) error {
		c, err := ln.Accept(t)
		if err != nil {
			return err
		}
		return errors.Join(passOn(t, c, to), ln.Close())
	})
}

func TestEndpointsAroundOthersRefuse(t *testing.T) {
	dir, _ := certificateFiles(t)
	in := strings.NewReplacer("DIR", transport.Quote(dir)).Replace
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		for text, want := range map[string]string{
			"socks5":                                     "no proxy's host",
			"socks5:p":                                   "no proxy's port",
			"socks5:p:http:tcp:x:80":                     `proxy's port "http"`,
			"socks5:p:1":                                 "no endpoint",
			"socks5:p:1:unix:/x":                         "socks5 cannot go around unix",
			"httpproxy:p:1:stdio":                        "httpproxy cannot go around stdio",
			"socks5:p:1:tcp:x:80:password=secret":        "a password without a user",
			"socks5:p:1:carrier:pigeon":                  `unknown kind "carrier"`,
			"tcp:x:80:user=me":                           "user does not apply to tcp here",
			"tcp:x:80:endpoint=unix":                     "endpoint does not apply to tcp here",
			`tls:x:endpoint=carrier\:pigeon`:             `unknown kind "carrier"`,
			`tls:x:https:endpoint=unix\:/x`:              `port "https"`,
			`tls:x:1:2:endpoint=unix\:/x`:                `unexpected argument "2"`,
			`tls:x:endpoint=unix\:/x:timeout=1`:          "timeout does not apply to tls here",
			"tls:x:1:ca=DIR/nothing.pem":                 "no certificates found",
			"tls:x:1:ca=DIR/cas:trustRoots=DIR/cas":      "ca given twice, also as trustRoots",
			`socks5:p:1:tls:x:endpoint=unix\:/no/socket`: "a proxy cannot connect to unknown network unix",
		} {
			if _, err := mustParse(t, in(text)).Connect(task.Loop(), &recorder{}).Await(task); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", text, err, want)
			}
		}
		for text, want := range map[string]string{
			"socks5:p:1:tcp:80":                                        "socks5 is no kind to listen at",
			"tls:0:cert=DIR/server.pem:extraCertChain=/no":             "no such file",
			"tls:0:cert=DIR/server.pem:extraCertChain=DIR/nothing.pem": "no certificates found",
			"tls:0:cert=DIR/server.pem:ca=DIR/nothing.pem":             "no certificates found",
			"tls:0:cert=DIR/cas/ours.pem":                              "key",
		} {
			if _, err := mustParse(t, in(text)).Listen(task.Loop(), nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %s", text, err, want)
			}
		}
	})
}

// TestServerWantsClientsCertificate: one without is refused in the handshake.
func TestServerWantsClientsCertificate(t *testing.T) {
	dir, _ := certificateFiles(t)
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		in := strings.NewReplacer("DIR", transport.Quote(dir)).Replace
		srv, err := mustParse(t, in("tls:0:interface=127.0.0.1:cert=DIR/server.pem:ca=DIR/cas")).Listen(task.Loop(),
			func(*transport.Conn) transport.Protocol { return &recorder{} })
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(srv.Addr().String())
		r := &recorder{}
		c, err := mustParse(t, in("tls:127.0.0.1:"+port+":name=server.test:ca=DIR/cas")).Connect(task.Loop(), r).Await(task)
		if err == nil { // in TLS 1.3 the client is done before the server looks
			if err = r.wait(t, task); err == nil {
				t.Error("the server serves a client without a certificate")
			}
			c.Abort()
		}
		until(t, task, func() bool { return len(*log) > 0 })
		if e := new(transport.HandshakeError); !errors.As((*log)[0], &e) || e.Peer == nil {
			t.Errorf("reported: %v", *log)
		}
		_ = srv.Close()
	})
}

func TestWrapClientTLSFails(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l, r := task.Loop(), &recorder{}
		server := &recorder{}
		server.onData = func(c *transport.Conn, b []byte) { _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(srv.Addr().String())
		to := mustParse(t, "tcp:127.0.0.1:"+port).Connect
		e := new(transport.HandshakeError)
		if _, err := transport.WrapClientTLS(to, cfg).Connect(l, r).Await(task); !errors.As(err, &e) {
			t.Errorf("no TLS: %v", err)
		}
		if _, err := transport.WrapClientTLS(to, &tls.Config{}).Connect(l, r).Await(task); err == nil || !strings.Contains(err.Error(), "ServerName") {
			t.Errorf("no ServerName: %v", err)
		}
		if _, err := transport.WrapClientTLS(transport.WrapClientTLS(to, cfg), cfg).Connect(l, r).Await(task); err == nil {
			t.Error("TLS in what is no TLS is connected")
		}
		for turns := range 12 { // and canceled at any time
			f := transport.WrapClientTLS(to, cfg).Connect(l, r)
			for range turns {
				if err := task.Yield(); err != nil {
					t.Fatal(err)
				}
			}
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) && !errors.As(err, &e) {
				t.Errorf("canceled after %d turns: %v", turns, err)
			}
		}
		server.onData = nil // no answer, and no limit of time
		f := transport.WrapClientTLS(to, cfg).Connect(l, r, corolla.HandshakeTimeout(0))
		pause(t, task, 5*time.Millisecond)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled in the handshake: %v", err)
		}
		until(t, task, func() bool { return srv.Conns() == 0 })
		_ = srv.Close()
		if _, err := transport.WrapClientTLS(to, cfg).Connect(l, r).Await(task); err == nil || errors.As(err, &e) {
			t.Errorf("nobody listens: %v", err)
		}
		if r.String() != "" {
			t.Errorf("the protocol was told %q", r)
		}
	})
}
