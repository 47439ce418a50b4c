package aio_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// settle waits until something is so, which must come by itself.
func settle(t *testing.T, task *corolla.Task, so func() bool) {
	t.Helper()
	for !so() {
		if err := task.Sleep(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// tlsPair puts TLS on both ends (a client, b server).

func tlsPair(t *testing.T, task *corolla.Task, ca *certtest.Authority, cert tls.Certificate, a, b *aio.Conn) {
	t.Helper()
	f := task.Loop().Go(func(task *corolla.Task) error {
		return b.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
	})
	err := a.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
	if _, e := f.Await(task); e != nil || err != nil {
		t.Fatal(err, e)
	}
}

func newCA(t *testing.T) (*certtest.Authority, tls.Certificate) {
	ca := certtest.New(t)
	return ca, ca.Issue(time.Time{}, "server.test")
}

func TestFlushTellsOfFailure(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(1<<20, 64<<20)
		send(t, task, a, string(make([]byte, 32<<20)))
		t.Logf("buffered %d", a.Buffered())
		_ = b.Abort()
		settle(t, task, func() bool { return a.Buffered() == 0 })
		t.Logf("buffered %d", a.Buffered())
		ferr := a.Flush(task)
		cw := a.CloseWrite()
		_, werr := a.Write(task, []byte("x"))
		if ferr == nil {
			t.Errorf("Flush = nil after lost bytes; CloseWrite %v Write %v", cw, werr)
		}
	})
}

func TestSpliceWithTLSToReset(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		// dst is a pair of its own
		l := task.Loop()
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0")
		defer ln.Close()
		peer, dst := oneOf(t, task, ln)
		defer func() { _ = dst.Abort() }()
		dst.SetWriteMarks(1<<20, 64<<20)
		f := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Splice(task, dst, b) })
		const total = 16 << 20
		if _, err := a.Write(task, make([]byte, total)); err != nil {
			t.Fatal(err)
		}
		_ = a.Flush(task)
		settle(t, task, func() bool { return dst.Buffered() > 0 })
		t.Logf("dst holds %d", dst.Buffered())
		_ = peer.Abort() // what dst holds is lost
		settle(t, task, func() bool { return dst.Buffered() == 0 })
		_ = a.CloseWrite()
		n, err := f.Await(task)
		if err == nil {
			t.Errorf("Splice = %d, nil, though the destination was reset with bytes unsent", n)
		}
	})
}

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

func soon(t *corolla.Task) time.Time { return t.Loop().Time().Add(10 * time.Millisecond) }

// oneOf connects to a listener, and returns both ends.
func oneOf(t *testing.T, task *corolla.Task, ln *aio.Listener) (c, peer *aio.Conn) {
	t.Helper()
	dial := corolla.Go(task.Loop(), func(task *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(task, "tcp", ln.Addr().String())
	})
	c, err := ln.Accept(task)
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = dial.Await(task); err != nil {
		t.Fatal(err)
	}
	return c, peer
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

func TestReadPastDeadline(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "a\nb\nc\n")
		_, _ = b.ReadUntil(task, []byte("\n"))
		_ = b.SetReadDeadline(task.Loop().Time().Add(-time.Second))
		if line, err := b.ReadUntil(task, []byte("\n")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ReadUntil past its deadline = %q, %v", line, err)
		}
		buf := make([]byte, 9)
		if n, err := b.Read(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline = %d, %v", n, err)
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
			_, err = c.Write(task, []byte("hello"))
			return err
		})
		c, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cw := c.CloseWrite() // a sink
		got, err := io.ReadAll(c.Bind(task))
		_, cerr := cl.Await(task)
		if string(got) != "hello" || err != nil {
			t.Errorf("CloseWrite = %v; then read %q, %v; client %v", cw, got, err, cerr)
		}
	})
}

func TestCopyToBusyLosesNothing(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		fl := task.Loop().Go(func(task *corolla.Task) error {
			_, err := b.Write(task, make([]byte, 8<<20))
			return err
		}, corolla.Eager())
		send(t, task, a, "hello")
		n, err := aio.Copy(task, b, b)
		buf := make([]byte, 5)
		var m int
		e := task.Timeout(100*time.Millisecond, func(*corolla.Scope) error { m, err = b.ReadFull(task, buf); return err })
		if m != 5 {
			t.Errorf("Copy took %d (%v), and what it read is gone: %d, %v", n, err, m, e)
		}
		_ = b.Abort()
		_, _ = fl.Await(task)
	})
}

func TestCanceledFlush(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 32<<20) // to fill the system
		send(t, task, a, string(make([]byte, 16<<20)))
		held := a.Buffered()
		t.Logf("holds %d", held)
		try := func() error {
			return task.Timeout(50*time.Millisecond, func(*corolla.Scope) error { _, err := a.Write(task, []byte("x")); return err })
		}
		if err := try(); err != nil {
			t.Errorf("before Flush: %v", err)
		}
		_ = task.Timeout(time.Millisecond, func(*corolla.Scope) error { return a.Flush(task) })
		if err := try(); err != nil {
			t.Errorf("below the high mark, after a canceled Flush, Write parks: %v (buffered %d, high 32 MiB)", err, a.Buffered())
		}
	})
}

type dataFunc struct{ data func(b []byte) }

func (*dataFunc) Opened(*transport.Conn) {}

func (*dataFunc) Closed(*transport.Conn, error) {}

func (d *dataFunc) Data(_ *transport.Conn, b []byte) { d.data(b) }

func TestScratchOfEagerTask(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		send(t, task, a, "LINE FOR THE TASK\n")
		if err := b.Socket().WaitReadable(task); err != nil {
			t.Fatal(err)
		}
		p := &dataFunc{}
		done := corolla.NewFuture[struct{}](l)
		p.data = func(in []byte) {
			before := string(in)
			l.Go(func(task *corolla.Task) error { _, err := b.ReadUntil(task, []byte("\n")); return err }, corolla.Eager())
			if string(in) != before {
				t.Errorf("Data was given %q, which an eager task's ReadUntil made %q", before, in)
			}
			_ = done.Resolve(struct{}{})
		}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol { return p })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		send(t, task, c, "for the protocol")
		_, _ = done.Await(task)
	})
}

func TestNotBusyAfterPanic(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		bound := b.Bind(task)
		f := task.Loop().Go(func(*corolla.Task) error { _, err := bound.Read(make([]byte, 1)); return err })
		_, err := f.Await(task)
		t.Logf("misuse: %.60v", err)
		send(t, task, a, "x")
		if _, err := b.Read(task, make([]byte, 1)); err != nil {
			t.Errorf("Read after a panic of another task: %v", err)
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
		func() {
			defer func() { _ = recover() }()
			_, _ = c.Read(task, make([]byte, 1))
		}()
		if _, err := c.Read(task, make([]byte, 1)); errors.Is(err, corolla.ErrBusy) {
			t.Errorf("Read after a panic: %v", err)
		}
	})
}

func TestCloseInClientTLS(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 32<<20)
		send(t, task, a, string(make([]byte, 16<<20)))
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
			c, _ := oneOf(t, task, ln)
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

func TestMarksSetDuringFlush(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 32<<20)
		send(t, task, a, string(make([]byte, 16<<20)))
		f := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
		a.SetWriteMarks(0, 1000)
		r := task.Loop().Go(func(task *corolla.Task) error { _, err := b.ReadFull(task, make([]byte, 16<<20)); return err })
		_, _ = r.Await(task)
		_, _ = f.Await(task)
		err := task.Timeout(50*time.Millisecond, func(*corolla.Scope) error {
			_, err := a.Write(task, make([]byte, 16<<20))
			return err
		})
		if err == nil {
			t.Errorf("the high mark of 1000, set during Flush, is not in force: Write took 16 MiB (%d buffered)", a.Buffered())
		}
	})
}

func TestCopyToReset(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0")
		defer ln.Close()
		peer, dst := oneOf(t, task, ln)
		dst.SetWriteMarks(1<<20, 64<<20)
		f := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Copy(task, dst, b) })
		if _, err := a.Write(task, make([]byte, 16<<20)); err != nil {
			t.Fatal(err)
		}
		_ = a.Flush(task)
		settle(t, task, func() bool { return dst.Buffered() > 0 })
		held := dst.Buffered()
		_ = peer.Abort()
		settle(t, task, func() bool { return dst.Buffered() == 0 })
		_ = a.CloseWrite()
		n, err := f.Await(task)
		fe, ce, xe := dst.Flush(task), dst.CloseWrite(), dst.Close()
		if err == nil && fe == nil && ce == nil && xe == nil {
			t.Errorf("%d bytes were dropped; Copy = %d, %v; Flush %v, CloseWrite %v, Close %v", held, n, err, fe, ce, xe)
		} else {
			t.Logf("held %d; Copy = %d, %v; Flush %v, CloseWrite %v, Close %v", held, n, err, fe, ce, xe)
		}
	})
}

func TestFlushIgnoresMarks(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 32<<20)
		send(t, task, a, string(make([]byte, 16<<20)))
		f := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
		a.SetWriteMarks(31<<20, 32<<20)
		_ = task.Yield()
		_ = task.Yield()
		if f.Done() && a.Buffered() > 0 {
			_, err := f.Await(task)
			t.Errorf("Flush returned %v with %d unsent", err, a.Buffered())
		}
		_ = a.Abort()
	})
}

// A panic in a handshake that a Copy's put began leaves nobody busy.
func TestPanicInPut(t *testing.T) {
	ca, _ := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
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
		dst, _ := ln.Accept(task)
		defer dst.Close()
		send(t, task, a, "hello")
		func() {
			defer func() { t.Log(recover()) }()
			_, _ = aio.Copy(task, dst, b)
		}()
		if _, err := dst.Write(task, []byte("x")); errors.Is(err, corolla.ErrBusy) {
			t.Errorf("Write after a panic in Copy: %v", err)
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

// The timer of Close ends with the connection.
func TestLingerTimer(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop(corolla.SlowLimit(0))
	begun := l.Time()
	err := l.Run(func(task *corolla.Task) error {
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0")
		d := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) { return aio.Dial(task, "tcp", ln.Addr().String()) })
		b, _ := ln.Accept(task)
		a, _ := d.Await(task)
		a.SetWriteMarks(0, 32<<20)
		_, _ = a.Write(task, make([]byte, 16<<20))
		_ = a.Close()
		_ = b.Abort()
		_ = ln.Close()
		_ = task.Sleep(time.Second)
		t.Logf("closed %v", a.Socket().Closed())
		_ = corolla.NewFuture[int](l)
		f := corolla.NewFuture[int](l)
		_, err := f.Await(task) // nobody: the deadlock is seen when nothing is scheduled
		return err
	})
	t.Logf("%v after %v", err, l.Time().Sub(begun))
	if l.Time().Sub(begun) > 10*time.Second {
		t.Errorf("a timer was left: deadlock seen after %v only", l.Time().Sub(begun))
	}
	_ = l.Close()
}

// A network that is of the other kind is refused, not taken for its namesake.
func TestNetworksOfTheWrongKind(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		for name, open := range map[string]func() error{
			"Listen":       func() error { _, err := aio.Listen(l, "udp", "127.0.0.1:0"); return err },
			"Dial":         func() error { _, err := aio.Dial(task, "udp", "127.0.0.1:9"); return err },
			"ListenPacket": func() error { _, err := aio.ListenPacket(l, "tcp", "127.0.0.1:0"); return err },
			"DialPacket":   func() error { _, err := aio.DialPacket(task, "tcp", "127.0.0.1:9"); return err },
			"unixgram":     func() error { _, err := aio.Listen(l, "unixgram", t.TempDir()+"/s"); return err },
		} {
			var unknown net.UnknownNetworkError
			if err := open(); !errors.As(err, &unknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What ends a connection is no news; what a handler meets elsewhere is.
func TestServeReportsWhatIsNotTheConnectionsEnd(t *testing.T) {
	for _, c := range []struct {
		err      error
		reported bool
	}{
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		{io.ErrUnexpectedEOF, false},
		{&net.OpError{Op: "handshake", Err: x509.UnknownAuthorityError{}}, true},
		{errors.New("of its own"), true},
	} {
		var reported []error
		l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reported = append(reported, err) }))
		if err := l.Run(func(task *corolla.Task) error {
			ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			srv := aio.NewServer(ln, func(*corolla.Task, *aio.Conn) error { return c.err })
			l.Go(srv.Serve)
			client, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			if _, err := client.Read(task, make([]byte, 1)); err != io.EOF {
				t.Errorf("Read: %v", err)
			}
			_, err = srv.Shutdown(task)
			return errors.Join(err, client.Close())
		}); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if (len(reported) == 1 && errors.Is(reported[0], c.err)) != c.reported {
			t.Errorf("%v: reported %v", c.err, reported)
		}
	}
}

// Ordinary code prints addresses without asking whether there are any.
func TestBoundAddressesAreNeverNil(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		_ = b.Abort()
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read: %v", err)
		}
		face := a.Bind(task)
		_ = face.RemoteAddr().String()
		_ = a.Abort()
		if got := face.RemoteAddr(); got.String() != "unknown" || got.Network() != "tcp" || face.LocalAddr().String() != "unknown" {
			t.Errorf("addresses after Abort: %v, %v", face.LocalAddr(), got)
		}
	})
}
