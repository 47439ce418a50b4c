package web_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/web"
)

// One server on two listeners, of which one is secure.
func TestTLS(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ca := certtest.New(t)
		cert := ca.Issue(time.Time{}, "server.test")
		l := task.Loop()
		secure, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, Time: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		open, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		visits := 0
		var reports []string
		s := &web.Server{ErrorLog: logTo(&reports), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			visits++
			_, _ = io.Copy(io.Discard, r.Body)
			protocol := "none"
			if r.TLS != nil {
				protocol = r.TLS.NegotiatedProtocol
			}
			fmt.Fprint(w, visits, " ", protocol, strings.Repeat(".", 100))
		})}
		serve := func(ln *aio.Listener) *corolla.Future[struct{}] {
			return l.Go(func(task *corolla.Task) error { return s.Serve(task, ln) })
		}
		serving := []*corolla.Future[struct{}]{serve(secure), serve(open)}

		c, plain := dial(t, task, secure.Addr().String()), dial(t, task, open.Addr().String())
		if err := c.conn.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", NextProtos: []string{"h2", "http/1.1"}, Time: time.Now}); err != nil {
			t.Fatal(err)
		}
		dots := strings.Repeat(".", 100)
		for i := range 3 {
			c.send(get("/") + get("/"))
			c.want(200, fmt.Sprint(3*i+1, " http/1.1", dots))
			c.want(200, fmt.Sprint(3*i+2, " http/1.1", dots))
			plain.send(get("/"))
			plain.want(200, fmt.Sprint(3*i+3, " none", dots))
		}
		want := 9
		for _, next := range []string{"", strings.Repeat(get("/"), 200)} { // one record, of which a handler reads a part
			c.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 15_000))
			c.send(strings.Repeat("x", 5_000) + next)
			for range 1 + len(next)/len(get("/")) {
				want++
				c.want(200, fmt.Sprint(want, " http/1.1", dots))
			}
		}
		mistaken := dial(t, task, secure.Addr().String())
		mistaken.send(get("/"))
		if _, err := mistaken.in.ReadString(0); err == nil {
			t.Error("plain text was answered")
		}
		mistaken.close()
		if err := s.Shutdown(task); err != nil {
			t.Error(err)
		}
		for _, f := range serving {
			if _, err := f.Await(task); err != http.ErrServerClosed {
				t.Error(err)
			}
		}
		c.ends()
		c.close()
		plain.close()
		if len(reports) != 1 || !strings.Contains(reports[0], "first record does not look like a TLS handshake") {
			t.Errorf("reports: %q", reports)
		}
	})
}

func TestMaxConns(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &web.Server{Handler: http.HandlerFunc(hello)}
		serving := task.Loop().Go(func(task *corolla.Task) error { return s.Serve(task, ln, aio.MaxConns(1)) })
		first, second := dial(t, task, ln.Addr().String()), dial(t, task, ln.Addr().String())
		second.send(get("/"))
		first.send(get("/"))
		first.want(200, "hello")
		if s.Stats().Conns != 1 {
			t.Errorf("%+v", s.Stats())
		}
		first.close()
		second.want(200, "hello")
		second.close()
		if err := s.Shutdown(task); err != nil {
			t.Error(err)
		}
		if _, err := serving.Await(task); err != http.ErrServerClosed {
			t.Error(err)
		}
	})
}
