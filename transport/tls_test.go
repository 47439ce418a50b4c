package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

func TestTLSInPushStyle(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		var served []*louder
		srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{cert}, NextProtos: []string{"shout"},
		}, func(*transport.Conn) transport.Protocol {
			served = append(served, newLouder())
			return served[len(served)-1]
		})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		addr := srv.Addr().String()
		cfg := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", NextProtos: []string{"shout"}}
		got, want := "", strings.Repeat("HELLO ", 20_000)
		client := &recorder{}
		client.onData = func(c *transport.Conn, b []byte) {
			if got += string(b); len(got) == len(want) {
				c.Close()
			}
		}
		c, err := transport.DialTLS(l, "tcp", addr, cfg, client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if state, ok := c.TLS(); !ok || state.NegotiatedProtocol != "shout" {
			t.Errorf("TLS state: %+v, %v", state.NegotiatedProtocol, ok)
		}
		if err := c.WriteBatch([]byte(strings.ToLower(want[:6])), []byte(strings.ToLower(want[6:]))); err != nil {
			t.Error(err)
		}
		if err := client.wait(t, task); err != nil || got != want {
			t.Errorf("the client got %d bytes of %d, closed with %v", len(got), len(want), err)
		}
		if err := served[0].wait(t, task); err != nil {
			t.Errorf("the server closed with %v", err)
		}
		if client.String() != "opened data closed" || served[0].String() != "opened data closed" {
			t.Errorf("client %q, server %q", client, served[0])
		}
		// The same server answers another style's client.
		a, err := aio.DialTLS(task, "tcp", addr, cfg)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, a, "again")
		buf := make([]byte, 5)
		if _, err := a.ReadFull(task, buf); string(buf) != "AGAIN" || err != nil {
			t.Errorf("read %q, %v", buf, err)
		}
		if err := a.CloseWrite(); err != nil { // with a close-notify
			t.Error(err)
		}
		if _, err := a.Read(task, buf); err != io.EOF {
			t.Errorf("the end: %v", err)
		}
		_ = a.Close()
		if err := served[1].wait(t, task); err != nil {
			t.Errorf("the server closed with %v", err)
		}
		for _, err := range *log {
			t.Error(err)
		}
	})
}

func TestTLSRefusalsInPushStyle(t *testing.T) {
	ca, stranger := certtest.New(t), certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		if _, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", nil, nil); err == nil {
			t.Error("ServeTLS without a certificate")
		}
		build := func(*transport.Conn) transport.Protocol { return newLouder() }
		srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, build)
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		addr := srv.Addr().String()
		p := &recorder{}
		_, err = transport.DialTLS(l, "tcp", addr, &tls.Config{RootCAs: stranger.Pool, ServerName: "server.test"}, p).Await(task)
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) || p.String() != "" {
			t.Errorf("unknown authority: %v; the protocol was told %q", err, p)
		}
		_, err = transport.DialTLS(l, "tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "elsewhere.test"}, p).Await(task)
		var name x509.HostnameError
		if !errors.As(err, &name) || p.String() != "" {
			t.Errorf("wrong name: %v; the protocol was told %q", err, p)
		}
		// Plain text to a TLS port.
		a, err := aio.Dial(task, "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, a, "GET / HTTP/1.0\r\n\r\n")
		if _, err := readAll(t, task, a); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after plain text: %v", err)
		}
		_ = a.Close()
		until(t, task, func() bool { return len(*log) == 3 && srv.Conns() == 0 })
		for _, err := range *log {
			var e *transport.HandshakeError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), "handshake with 127.0.0.1:") {
				t.Errorf("reported: %v", err)
			}
		}
		// TLS to a plain port, which says something else.
		plain, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return &greeter{} })
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		_, err = transport.DialTLS(l, "tcp", plain.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, p).Await(task)
		var record tls.RecordHeaderError
		if !errors.As(err, &record) || p.String() != "" {
			t.Errorf("a plain port: %v; the protocol was told %q", err, p)
		}
		f := transport.DialTLS(l, "tcp", addr, &tls.Config{RootCAs: ca.Pool}, p)
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
	})
}

// greeter speaks first.
type greeter struct{ recorder }

func (*greeter) Opened(c *transport.Conn) { _ = c.Write([]byte("220 mail.test at your service\r\n")) }

// The client connects, and says nothing.
func TestHandshakeThatNeverEndsInPushStyle(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	var log []error
	l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { log = append(log, err) }))
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}},
			func(*transport.Conn) transport.Protocol { return newLouder() })
		if err != nil {
			return err
		}
		defer srv.Close()
		a, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			return err
		}
		defer a.Close()
		begin := l.Now()
		_, err = a.Read(task, make([]byte, 1))
		if took := l.Now() - begin; err != io.EOF && !errors.Is(err, syscall.ECONNRESET) || (took-corolla.DefaultHandshakeTimeout).Abs() > time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if len(log) > 0 || srv.Conns() != 0 { // nobody was there
			t.Errorf("reported %v, with %d connections", log, srv.Conns())
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestTLSTruncationAndGarbageInPushStyle(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for name, c := range map[string]struct {
		end func(*corolla.Task, *aio.Conn) error
		is  func(error) bool
	}{
		"truncated": {
			func(_ *corolla.Task, c *aio.Conn) error { return c.Socket().CloseWrite() },
			func(err error) bool {
				return errors.Is(err, transport.ErrTruncated) && errors.Is(err, io.ErrUnexpectedEOF)
			},
		},
		"garbage": {
			func(_ *corolla.Task, c *aio.Conn) error {
				_, err := c.Socket().TryWrite([]byte(strings.Repeat("garbage ", 10)))
				return err
			},
			func(err error) bool { return errors.As(err, &tls.RecordHeaderError{}) },
		},
		"clean": {
			func(_ *corolla.Task, c *aio.Conn) error { return c.CloseWrite() },
			func(err error) bool { return err == nil },
		},
		"reset": {
			func(_ *corolla.Task, c *aio.Conn) error { return c.Abort() },
			func(err error) bool {
				return errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, transport.ErrTruncated)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				server := newLouder()
				srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0",
					&tls.Config{Certificates: []tls.Certificate{cert}}, func(*transport.Conn) transport.Protocol { return server })
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				a, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool})
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, a, "x")
				if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
					t.Error(err)
				}
				if err := c.end(task, a); err != nil {
					t.Error(err)
				}
				if err := server.wait(t, task); !c.is(err) {
					t.Errorf("Closed got %v", err)
				}
				_ = a.Abort()
			})
		})
	}
}
