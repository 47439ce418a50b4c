package aio_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// A deadline ends what waits for a handshake with a peer that says nothing: whoever does it.
func TestDeadlinesInHandshake(t *testing.T) {
	_, cert := newCA(t)
	read := func(task *corolla.Task, c *aio.Conn) error { _, err := c.Read(task, make([]byte, 1)); return err }
	write := func(task *corolla.Task, c *aio.Conn) error { _, err := c.Write(task, []byte("x")); return err }
	for name, call := range map[string]func(task *corolla.Task, c, peer *aio.Conn) error{
		"write": func(task *corolla.Task, c, _ *aio.Conn) error {
			_ = c.SetWriteDeadline(soon(task))
			return write(task, c)
		},
		"read while another writes": func(task *corolla.Task, c, _ *aio.Conn) error {
			task.Loop().Go(func(task *corolla.Task) error { return write(task, c) }, corolla.Eager())
			_ = c.SetReadDeadline(soon(task))
			return read(task, c)
		},
		"start of TLS": func(task *corolla.Task, _, peer *aio.Conn) error {
			_ = peer.SetDeadline(soon(task))
			return peer.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task) {
				ln, err := aio.ListenTLS(task.Loop(), "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				c, peer := oneOf(t, task, ln)
				limit := task.Loop().Time().Add(corolla.DefaultHandshakeTimeout) // which every handshake has
				if err := call(task, c, peer); !errors.Is(err, os.ErrDeadlineExceeded) || !task.Loop().Time().Before(limit) {
					t.Errorf("past its deadline: %v, when the handshake's limit is %v", err, limit)
				}
				_, _ = c.Abort(), peer.Abort()
			})
		})
	}
}

func TestDeadlineInQueueForHandshake(t *testing.T) {
	_, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		limit := l.Time().Add(corolla.DefaultHandshakeTimeout)
		var last *aio.Conn
		var f *corolla.Future[struct{}]
		for range corolla.DefaultMaxHandshakes + 1 {
			c, peer := oneOf(t, task, ln)
			defer c.Abort()
			defer peer.Abort()
			last = c
			f = l.Go(func(task *corolla.Task) error { _, err := c.Read(task, make([]byte, 1)); return err }, corolla.Eager())
		}
		_ = last.SetReadDeadline(l.Time().Add(time.Millisecond))
		_, err = f.Await(task)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !task.Loop().Time().Before(limit) {
			t.Errorf("Read past its deadline, in the queue for a handshake: %v, when the others' limit is %v", err, limit)
		}
	})
}

// A read deadline is none of a Write's business.
func TestReadDeadlineInHandshakeOfWrite(t *testing.T) {
	ca, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		cl := l.Go(func(task *corolla.Task) error {
			c, err := aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
			if err == nil {
				_, err = c.Read(task, make([]byte, 1))
				_ = c.Close()
			}
			return err
		})
		c, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(l.Time().Add(-time.Second)) // say: nothing more is read
		n, err := c.Write(task, []byte("x"))
		if err != nil {
			t.Errorf("Write = %d, %v, with a deadline for reading only (timeout: %v)", n, err, errors.Is(err, os.ErrDeadlineExceeded))
		}
		_ = c.Close()
		_, _ = cl.Await(task)
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

func TestCloseWriteBeforeHandshake(t *testing.T) {
	ca, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		cl := l.Go(func(task *corolla.Task) error {
			c, err := aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err = c.Write(task, []byte("hello")); err != nil {
				return err
			}
			if n, err := c.Read(task, make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("the client reads %d, %v, want the end", n, err)
			}
			return c.CloseWrite()
		})
		c, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cw := c.CloseWrite() // a sink: the end goes out behind the handshake
		got, err := io.ReadAll(c.Bind(task))
		_, cerr := cl.Await(task)
		if cw != nil || string(got) != "hello" || err != nil || cerr != nil {
			t.Errorf("CloseWrite = %v; then read %q, %v; client %v", cw, got, err, cerr)
		}
	})
}

func TestNotBusyAfterPanicInHandshake(t *testing.T) {
	ca, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			_ = cert
			panic("of the program's")
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		l.Go(func(task *corolla.Task) error {
			c, err := aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
			if err == nil {
				c.Close()
			}
			return nil
		})
		c, _ := ln.Accept(task)
		defer c.Close()
		var p *corolla.PanicError
		if _, err := c.Read(task, make([]byte, 1)); !errors.As(err, &p) || p.Value != "of the program's" {
			t.Errorf("Read = %v", err)
		}
		if _, err := c.Read(task, make([]byte, 1)); errors.Is(err, corolla.ErrBusy) {
			t.Errorf("Read after a panic: %v", err)
		}
	})
}

func TestCloseInClientTLS(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, stuffing)
		send(t, task, a, string(make([]byte, stuffing)))
		f := task.Loop().Go(func(task *corolla.Task) error { return a.ClientTLS(task, &tls.Config{ServerName: "x"}) }, corolla.Eager())
		_ = a.Close()
		err := task.Timeout(time.Second, func(*corolla.Scope) error { _, err := f.Await(task); return err })
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("ClientTLS, when the connection was closed: still parked a second later (%v)", err)
		}
	})
}

func TestSendFileWithTLSWhenClosed(t *testing.T) {
	ca, cert := newCA(t)
	name := filepath.Join(t.TempDir(), "f")
	_ = os.WriteFile(name, make([]byte, 1000), 0o600)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		f, _ := os.Open(name)
		defer f.Close()
		_ = a.SetWriteDeadline(task.Loop().Time().Add(-time.Second))
		if n, err := a.SendFile(task, f, 0, -1); n != 0 {
			t.Errorf("SendFile past its deadline = %d, %v", n, err)
		}
		_ = a.SetWriteDeadline(time.Time{})
		_ = b.CloseWrite()
		if _, err := b.Write(task, []byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after CloseWrite: %v", err)
		}
		_ = a.Close()
		if n, err := a.SendFile(task, f, 0, -1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SendFile after Close = %d, %v", n, err)
		}
	})
}
