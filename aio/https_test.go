package aio_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
)

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
	addr, stop := https(t, cfg, corolla.HandshakeTimeout(200*time.Millisecond))
	defer stop()
	good, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	for _, says := range []string{"", "\x16\x03\x01"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(says)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err == nil {
			t.Errorf("one that has said %q is ended as if all were well", says)
		}
		_ = c.Close()
	}
	if _, err := fmt.Fprint(good, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(good); len(got) == 0 || err != nil {
		t.Errorf("after the others were ended: %q, %v", got, err)
	}
}
