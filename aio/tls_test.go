package aio_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
)

// echoTLS serves an echo and returns its address.
func echoTLS(t *testing.T, l *corolla.Loop, cfg *tls.Config, opts ...corolla.SocketOption) (*aio.Listener, string) {
	t.Helper()
	ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	l.Go(func(task *corolla.Task) error {
		return aio.NewServer(ln, func(task *corolla.Task, c *aio.Conn) error {
			_, err := io.Copy(c.Bind(task), c.Bind(task))
			return err
		}).Serve(task)
	})
	return ln, ln.Addr().String()
}

func TestTLSBothWays(t *testing.T) {
	ca := certtest.New(t)
	cert, other := ca.Issue(time.Time{}, "server.test"), ca.IssueRSA(time.Time{}, "other.test")
	client := ca.Issue(time.Time{}, "client.test")
	cache := tls.NewLRUClientSessionCache(4)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, addr := echoTLS(t, task.Loop(), &tls.Config{
			NextProtos: []string{"echo"}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool,
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { // one for each name
				if hello.ServerName == "other.test" {
					return &other, nil
				}
				return &cert, nil
			},
		})
		defer ln.Close()
		for i, name := range []string{"server.test", "server.test", "other.test"} {
			c, err := aio.DialTLS(task, "tcp", addr, &tls.Config{
				RootCAs: ca.Pool, ServerName: name, NextProtos: []string{"echo"},
				Certificates: []tls.Certificate{client}, ClientSessionCache: cache,
			})
			if err != nil {
				t.Fatal(err)
			}
			data := strings.Repeat("corolla", 50_000)
			sender := task.Loop().Go(func(task *corolla.Task) error {
				_, err := c.Write(task, []byte(data))
				return errors.Join(err, c.CloseWrite())
			})
			got, err := io.ReadAll(c.Bind(task))
			if string(got) != data || err != nil {
				t.Errorf("%d of %d bytes came back, %v", len(got), len(data), err)
			}
			if _, err := sender.Await(task); err != nil {
				t.Error(err)
			}
			state, ok := c.TLS()
			if !ok || state.NegotiatedProtocol != "echo" || state.PeerCertificates[0].Subject.CommonName != name {
				t.Errorf("state %v: %q with %v", ok, state.NegotiatedProtocol, state.PeerCertificates[0].Subject)
			}
			if state.DidResume != (i == 1) {
				t.Errorf("connection %d: resumed %v", i, state.DidResume)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		cache.Put("server.test", nil)
	})
}

func TestTLSRefusals(t *testing.T) {
	ca, stranger := certtest.New(t), certtest.New(t)
	good, expired := ca.Issue(time.Time{}, "server.test"), ca.Issue(time.Now().Add(-time.Minute), "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		a, addr := echoTLS(t, l, &tls.Config{Certificates: []tls.Certificate{good}})
		defer a.Close()
		b, late := echoTLS(t, l, &tls.Config{Certificates: []tls.Certificate{expired}})
		defer b.Close()
		plain, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		l.Go(func(task *corolla.Task) error {
			return aio.NewServer(plain, func(task *corolla.Task, c *aio.Conn) error {
				_, err := c.Write(task, []byte("220 welcome, speak plainly\r\n"))
				return err
			}).Serve(task)
		})
		for _, c := range []struct {
			what, addr string
			cfg        *tls.Config
			as         func(error) bool
		}{
			{"a wrong name", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "elsewhere.test"}, func(err error) bool {
				var e x509.HostnameError
				return errors.As(err, &e)
			}},
			{"an unknown authority", addr, &tls.Config{RootCAs: stranger.Pool, ServerName: "server.test"}, func(err error) bool {
				var e x509.UnknownAuthorityError
				return errors.As(err, &e)
			}},
			{"an expired certificate", late, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, func(err error) bool {
				var e x509.CertificateInvalidError
				return errors.As(err, &e) && e.Reason == x509.Expired
			}},
			{"TLS to a plain port", plain.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, func(err error) bool {
				var e tls.RecordHeaderError
				return errors.As(err, &e)
			}},
		} {
			conn, err := aio.DialTLS(task, "tcp", c.addr, c.cfg)
			var op *net.OpError
			if conn != nil || !c.as(err) || !errors.As(err, &op) {
				t.Errorf("%s: %v", c.what, err)
			}
		}
		if _, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{}); err == nil {
			t.Error("ListenTLS without a certificate is accepted")
		}
	})
}

// accepted returns what the server's side reads, for a client that does as it likes.
func accepted(t *testing.T, task *corolla.Task, ca *certtest.Authority, cert tls.Certificate, client func(task *corolla.Task, c *aio.Conn) error) (string, error) {
	t.Helper()
	l := task.Loop()
	ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().String()
	done := l.Go(func(task *corolla.Task) error {
		c, err := aio.Dial(task, "tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		return client(task, c)
	})
	c, err := ln.Accept(task)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c.Bind(task))
	if _, e := done.Await(task); e != nil {
		t.Errorf("client: %v", e)
	}
	return string(got), err
}

func TestTLSEndAndTruncation(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	cfg := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		got, err := accepted(t, task, ca, cert, func(task *corolla.Task, c *aio.Conn) error {
			if err := c.ClientTLS(task, cfg); err != nil {
				return err
			}
			_, err := c.Write(task, []byte("whole"))
			return err // and Close says the end
		})
		if got != "whole" || err != nil {
			t.Errorf("a clean end: %q, %v", got, err)
		}
		got, err = accepted(t, task, ca, cert, func(task *corolla.Task, c *aio.Conn) error {
			if err := c.ClientTLS(task, cfg); err != nil {
				return err
			}
			if _, err := c.Write(task, []byte("cut")); err != nil {
				return err
			}
			return errors.Join(c.Flush(task), c.Socket().CloseWrite()) // without the end of TLS
		})
		if got != "cut" || !errors.Is(err, aio.ErrTruncated) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a truncated stream: %q, %v", got, err)
		}
		got, err = accepted(t, task, ca, cert, func(task *corolla.Task, c *aio.Conn) error {
			_, err := c.Write(task, []byte("GET / HTTP/1.0\r\n\r\n")) // plain text to a TLS port
			return err
		})
		var e tls.RecordHeaderError
		if got != "" || !errors.As(err, &e) {
			t.Errorf("plain text: %q, %v", got, err)
		}
		got, err = accepted(t, task, ca, cert, func(task *corolla.Task, c *aio.Conn) error {
			if err := c.ClientTLS(task, cfg); err != nil {
				return err
			}
			n, err := c.Socket().TryWrite([]byte("garbage after the handshake, long enough"))
			if n == 0 {
				return err
			}
			return nil
		})
		if got != "" || err == nil {
			t.Errorf("garbage: %q, %v", got, err)
		}
	})
}

func TestTLSTimeoutDoesNotBreakTheConnection(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, addr := echoTLS(t, task.Loop(), &tls.Config{Certificates: []tls.Certificate{cert}})
		defer ln.Close()
		c, err := aio.DialTLS(task, "tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		buf := make([]byte, 5)
		err = task.Timeout(time.Millisecond, func(*corolla.Scope) error { _, err := c.Read(task, buf); return err })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read in a Timeout: %v", err)
		}
		_ = c.SetReadDeadline(task.Loop().Time().Add(-1))
		if _, err := c.Read(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline: %v", err)
		}
		_ = c.SetReadDeadline(time.Time{})
		send(t, task, c, "hello")
		if _, err := c.ReadFull(task, buf); string(buf) != "hello" || err != nil {
			t.Errorf("after the timeouts: %q, %v", buf, err)
		}
		if _, err := c.Read(task, nil); err != nil {
			t.Errorf("an empty Read: %v", err)
		}
	})
}

func TestStartTLS(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		server := task.Loop().Go(func(task *corolla.Task) error {
			line, err := b.ReadUntil(task, []byte("\n"))
			if err != nil || string(line) != "STARTTLS\n" {
				return errors.Join(err, errors.New(string(line)))
			}
			if err := b.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}}); err != nil {
				return err
			}
			if err := b.ServerTLS(task, &tls.Config{}); err == nil {
				t.Error("TLS was started twice")
			}
			_, err = b.Write(task, []byte("secret"))
			return errors.Join(err, b.Close())
		})
		send(t, task, a, "STARTTLS\n")
		if err := a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(a.Bind(task))
		if string(got) != "secret" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := server.Await(task); err != nil {
			t.Errorf("server: %v", err)
		}
	})
}

func TestEndThatComesWithTheLastData(t *testing.T) { // as TLS 1.2 gives it
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	cfg := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", MaxVersion: tls.VersionTLS12}
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		l.Go(func(task *corolla.Task) error {
			return aio.NewServer(ln, func(task *corolla.Task, c *aio.Conn) error {
				_, err := c.Write(task, []byte("a\nb\n"))
				return err // and the end follows at once
			}).Serve(task)
		})
		for range 5 {
			c, err := aio.DialTLS(task, "tcp", ln.Addr().String(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for line, err := range c.Lines(task) {
				if err != nil {
					t.Error(err)
				}
				lines = append(lines, string(line))
			}
			if strings.Join(lines, " ") != "a b" {
				t.Errorf("lines %q", lines)
			}
			_ = c.Close()
		}
	})
}

func TestReadAfterCloseWithTLS(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		send(t, task, a, "hello world")
		buf := make([]byte, 5)
		if _, err := b.ReadFull(task, buf); err != nil {
			t.Fatal(err)
		}
		_ = b.SetReadDeadline(task.Loop().Time().Add(-time.Second))
		if n, err := b.Read(task, buf[:3]); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline = %d, %v", n, err)
		}
		_ = b.SetReadDeadline(time.Time{})
		_ = b.Close()
		if n, err := b.Read(task, buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close = %q, %v", buf[:n], err)
		}
	})
}
