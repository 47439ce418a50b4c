package aio_test

import (
	"crypto/tls"
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
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
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
		if _, err := cl.Await(task); err != nil {
			t.Errorf("the client: %v", err)
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
	ca, _ := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
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

// Peers that say nothing, or half of what they should, keep nobody from a handshake; nor does one
// that has ended, well or not.
func TestSilentPeersHoldUpNoHandshake(t *testing.T) {
	ca, cert := newCA(t)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, addr := echoTLS(t, task.Loop(), &tls.Config{Certificates: []tls.Certificate{cert}}, corolla.MaxHandshakes(1))
		defer ln.Close()
		for _, says := range []string{"", "\x16", "\x16\x03\x01\x01\x00\x01", "plain text, and enough of it\r\n"} {
			silent, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			send(t, task, silent, says)
			if err := task.Timeout(corolla.DefaultHandshakeTimeout/2, func(*corolla.Scope) error {
				c, err := aio.DialTLS(task, "tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
				if err != nil {
					return err
				}
				defer c.Close()
				send(t, task, c, "x")
				_, err = c.ReadFull(task, make([]byte, 1))
				return err
			}); err != nil {
				t.Errorf("after one that has said %q: %v", says, err)
			}
		}
	})
}

func TestTimeOfHandshakes(t *testing.T) {
	_, cert := newCA(t)
	limit := corolla.HandshakeTimeout(10 * time.Millisecond)
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, limit)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		plain, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		mute, err := aio.Listen(l, "tcp", "127.0.0.1:0") // accepts nothing
		if err != nil {
			t.Fatal(err)
		}
		defer mute.Close()
		for name, do := range map[string]func() error{
			"ListenTLS": func() error {
				c, peer := oneOf(t, task, ln)
				defer peer.Close()
				defer c.Close()
				_, err := c.Read(task, make([]byte, 1))
				return err
			},
			"DialTLS": func() error {
				_, err := aio.DialTLS(task, "tcp", mute.Addr().String(), nil, limit)
				return err
			},
			"ClientTLS": func() error {
				c, peer := oneOf(t, task, plain)
				defer peer.Close()
				defer c.Close()
				return c.ClientTLS(task, &tls.Config{ServerName: "x"}, limit)
			},
			"ServerTLS": func() error {
				c, peer := oneOf(t, task, plain)
				defer peer.Close()
				defer c.Close()
				return c.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}}, limit)
			},
		} {
			if begin := l.Now(); !errors.Is(do(), os.ErrDeadlineExceeded) || l.Now()-begin < 9*time.Millisecond || l.Simulated() && l.Now()-begin > time.Second {
				t.Errorf("%s: it took %v", name, l.Now()-begin)
			}
		}
		for _, opt := range []corolla.SocketOption{corolla.HandshakeTimeout(-1), corolla.MaxHandshakes(0)} {
			_, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}}, opt)
			if err == nil || !strings.Contains(err.Error(), "at least") {
				t.Errorf("ListenTLS with options that make no sense: %v", err)
			}
		}
	})
}

func TestHandshakeThatNeverEndsIsCut(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	l := sim.New(1).NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		got, err := accepted(t, task, ca, cert, func(task *corolla.Task, c *aio.Conn) error {
			if _, err := c.Write(task, []byte{22, 3, 1}); err != nil { // the first bytes, and no more
				return err
			}
			return task.Sleep(2 * corolla.DefaultHandshakeTimeout)
		})
		if got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %q, %v", got, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestCanceledHandshakeIsNoCancelOfOthers(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) { return aio.Dial(task, "tcp", ln.Addr().String()) })
		c, err := ln.Accept(task) // whose client says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		reader := l.Go(func(task *corolla.Task) error { _, err := c.Read(task, make([]byte, 1)); return err }, corolla.Eager())
		writer := l.Go(func(task *corolla.Task) error { _, err := c.Write(task, []byte("x")); return err }, corolla.Eager())
		reader.Cancel(nil)
		if _, err := reader.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("the reader that did the handshake: %v", err)
		}
		if _, err := writer.Await(task); err == nil || errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("the writer that waited for it: %v", err)
		}
		if client, err := dial.Await(task); err == nil {
			_ = client.Close()
		}
	})
}
