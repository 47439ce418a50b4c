package aio_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// background runs a loop on a goroutine. stop waits for what ends by itself, as the test has closed
// what it used, and closes the loop.
func background(t *testing.T, l *corolla.Loop, w *sim.World) (stop func()) {
	ended := make(chan error, 1)
	gate := make(chan struct{})
	if w != nil { // as long as the loop may be called, it must not see a deadlock
		w.Outside(func() { <-gate })
	}
	go func() { ended <- l.RunForever() }()
	return func() {
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := l.Run(func(task *corolla.Task) error {
			quiet(t, task)
			return endOthers(task)
		}); err != nil {
			t.Error(err)
		}
		close(gate)
		leaktest.Close(t, l)
	}
}

// endOthers waits for the end of all other tasks.
func endOthers(task *corolla.Task) error {
	return task.Timeout(10*time.Second, func(*corolla.Scope) error {
		for task.Loop().Stats().Tasks > 1 {
			if err := task.Sleep(100 * time.Microsecond); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestNetConn is the suite of x/net for what calls itself a net.Conn, on the face that any
// goroutine may use: over TCP, Unix sockets, the simulated network, and TLS.
func TestNetConn(t *testing.T) {
	for _, c := range []struct{ name, network, address string }{
		{"tcp", "tcp", "127.0.0.1:0"},
		{"unix", "unix", "s"},
		{"sim", "tcp", "127.0.0.1:0"},
		{"tls", "tcp", "127.0.0.1:0"},
	} {
		var ca *certtest.Authority
		if c.name == "tls" {
			ca = certtest.New(t)
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the suite waits for real deadlines
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				var w *sim.World
				var l *corolla.Loop
				var err error
				if c.name == "sim" {
					w = sim.New(1, sim.Begin(time.Now())) // the suite's deadlines are of that clock
					l = w.NewLoop(corolla.SlowLimit(0))
				} else if l, err = corolla.New(corolla.SlowLimit(0)); err != nil {
					return nil, nil, nil, err
				}
				stop := background(t, l, w)
				address := c.address
				if c.network == "unix" {
					address = filepath.Join(t.TempDir(), "s")
				}
				p, err := connect(l, c.network, address, ca)
				if err != nil {
					stop()
					return nil, nil, nil, err
				}
				return p.a, p.b, func() {
					if err := l.Post(p.abort); err != nil {
						t.Error(err)
					}
					stop()
				}, nil
			})
		})
	}
}

// pair is the two ends of a connection. If both were closed with something to send they wait for each
// other, and must be aborted.
type pair struct {
	a, b  net.Conn
	abort func()
}

// connect returns the two ends of a connection of the loop.
func connect(l *corolla.Loop, network, address string, ca *certtest.Authority) (pair, error) {
	return corolla.Call(context.Background(), l, func(t *corolla.Task) (p pair, err error) {
		ln, err := aio.Listen(l, network, address)
		if err != nil {
			return p, err
		}
		defer ln.Close()
		dial := corolla.Go(l, func(t *corolla.Task) (*aio.Conn, error) {
			return aio.Dial(t, network, ln.Addr().String())
		})
		server, err := ln.Accept(t)
		if err != nil {
			return p, err
		}
		client, err := dial.Await(t)
		if err != nil {
			return p, err
		}
		if ca != nil {
			cert := ca.Issue(time.Time{}, "server.test")
			shook := l.Go(func(t *corolla.Task) error {
				return server.ServerTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}})
			})
			err := client.ClientTLS(t, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
			if _, e := shook.Await(t); err == nil {
				err = e
			}
			if err != nil {
				return p, err
			}
		}
		abort := func() { _, _ = client.Abort(), server.Abort() }
		return pair{client.NetConn(), server.NetConn(), abort}, nil
	})
}

func TestHTTPServerOnALoopsListener(t *testing.T) {
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	face := ln.NetListener()
	stop := background(t, l, nil)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(face) }()
	client := &http.Client{Transport: &http.Transport{}}
	for range 3 {
		resp, err := client.Get("http://" + face.Addr().String() + "/hello")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "GET /hello 0" || err != nil {
			t.Errorf("answer %q, %v", body, err)
		}
	}
	client.CloseIdleConnections()
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve = %v", err)
	}
	stop()
}

// On the loop's own goroutine a face's methods would wait for themselves, whether or not another
// goroutine is in one of them.
func TestNetConnOnTheLoopPanics(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("on this processor nobody knows who calls; amd64 and arm64 test it")
	}
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		if task.Loop().Simulated() {
			return // it has no other goroutines
		}
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		c, nl := a.NetConn(), ln.NetListener()
		read := make(chan error)
		go func() {
			_, err := c.Read(make([]byte, 1))
			read <- err
		}()
		for name, call := range map[string]func(){
			"Read":        func() { _, _ = c.Read(make([]byte, 1)) },
			"Write":       func() { _, _ = c.Write([]byte("x")) },
			"Close":       func() { _ = c.Close() },
			"SetDeadline": func() { _ = c.SetDeadline(time.Time{}) },
			"Accept":      func() { _, _ = nl.Accept() },
			"Close of ln": func() { _ = nl.Close() },
		} {
			func() {
				defer func() {
					if text, _ := recover().(string); !strings.Contains(text, "would wait for itself") {
						t.Errorf("%s panics with %q", name, text)
					}
				}()
				call()
			}()
		}
		send(t, task, b, "x")
		f := corolla.Offload(task.Loop(), func() (struct{}, error) { return struct{}{}, <-read })
		if _, err := f.Await(task); err != nil {
			t.Errorf("Read of a goroutine: %v", err)
		}
	})
}

// https serves on a loop's TLS listener with net/http, and returns the address.
func https(t *testing.T, cfg *tls.Config, opts ...corolla.SocketOption) (addr string, stop func()) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(t, err)
	ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	face := ln.NetListener()
	stopLoop := background(t, l, nil)
	srv := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d TLS %v\n", r.Proto, len(body), r.TLS != nil && r.TLS.HandshakeComplete)
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(face) }()
	return face.Addr().String(), func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve = %v", err)
		}
		stopLoop()
	}
}

func TestHTTP2OnALoopsListener(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "localhost")
	for _, c := range []struct {
		protos []string
		want   string
	}{
		{[]string{"h2", "http/1.1"}, "HTTP/2.0 0 TLS true\n"},
		{[]string{"http/1.1"}, "HTTP/1.1 0 TLS true\n"},
		{nil, "HTTP/1.1 0 TLS true\n"},
	} {
		addr, stop := https(t, &tls.Config{NextProtos: c.protos, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &cert, nil
		}})
		client := &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"},
		}}
		for range 3 {
			resp, err := client.Get("https://" + addr + "/")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(body) != c.want || err != nil {
				t.Errorf("with %v: %q, %v", c.protos, body, err)
			}
		}
		client.CloseIdleConnections()
		if out := curl(t, "-sSk", "--http2", "https://"+addr+"/"); out != "" && out != c.want {
			t.Errorf("curl with %v: %s", c.protos, out)
		}
		stop()
	}
}

func curl(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Error("continuous integration must install curl")
		}
		return ""
	}
	out, err := exec.Command("curl", args...).CombinedOutput()
	if err != nil {
		t.Errorf("curl: %v\n%s", err, out)
	}
	return string(out)
}

// One that is silent before its handshake is ended is cut; one that is silent after it is not.
func TestTimeOfHandshakesOfANetListener(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "localhost")}}
	addr, stop := https(t, cfg, corolla.HandshakeTimeout(time.Second)) // which the good one needs on a slow machine
	defer stop()
	good, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	silent := map[string]net.Conn{"": nil, "\x16\x03\x01": nil}
	for says := range silent {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(says)); err != nil {
			t.Fatal(err)
		}
		silent[says] = c
	}
	for says, c := range silent {
		if _, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("one that has said %q: %v", says, err)
		}
	}
	if _, err := fmt.Fprint(good, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(good); len(got) == 0 || err != nil {
		t.Errorf("after the others were ended: %q, %v", got, err)
	}
}
