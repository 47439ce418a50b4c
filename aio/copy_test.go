package aio_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
)

// Many copy at a time, through one buffer, to peers that are late: everybody must get back what
// they sent, and nothing of what the others did. The handshakes come within the copies.
func TestCopyManyAtATime(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "127.0.0.1")
	for _, kind := range []string{"plain", "tls"} {
		t.Run(kind, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task) {
				l := task.Loop()
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
				if kind == "tls" {
					_ = ln.Close()
					ln, err = aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
				}
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				addr := ln.Addr().String()
				l.Go(func(task *corolla.Task) error {
					return aio.NewServer(ln, func(task *corolla.Task, c *aio.Conn) error {
						n, err := aio.Copy(task, c, c)
						if n != copied || err != nil {
							t.Errorf("Copy = %d, %v", n, err)
						}
						return err
					}).Serve(task)
				})
				err = task.Group(func(g *corolla.Group) error {
					for i := range 6 {
						g.Go(func(task *corolla.Task) error {
							c, err := aio.Dial(task, "tcp", addr)
							if err == nil && kind == "tls" {
								err = c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1"})
							}
							if err != nil {
								return err
							}
							defer c.Close()
							return thereAndBack(task, c, byte(i))
						})
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

const copied = 400_000

// thereAndBack sends bytes that only this sender would, and is late to read them back.
func thereAndBack(t *corolla.Task, c *aio.Conn, seed byte) error {
	want := make([]byte, copied)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(want)
	sender := t.Loop().Go(func(t *corolla.Task) error {
		_, err := c.Write(t, want)
		return errors.Join(err, c.CloseWrite())
	})
	got := make([]byte, copied)
	for n := 0; n < copied; n += 20_000 {
		if err := t.Sleep(time.Millisecond); err != nil {
			return err
		}
		if _, err := c.ReadFull(t, got[n:n+20_000]); err != nil {
			return err
		}
	}
	if !bytes.Equal(got, want) {
		return errors.New("something else came back")
	}
	_, err := sender.Await(t)
	return err
}

func TestCopyErrors(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(task *corolla.Task, c *aio.Conn)
		is    error
		op    string
	}{
		"read deadline":  {func(task *corolla.Task, c *aio.Conn) { _ = c.SetReadDeadline(task.Loop().Time()) }, os.ErrDeadlineExceeded, "read"},
		"write deadline": {func(task *corolla.Task, c *aio.Conn) { _ = c.SetWriteDeadline(task.Loop().Time()) }, os.ErrDeadlineExceeded, "write"},
		"end written":    {func(_ *corolla.Task, c *aio.Conn) { _ = c.CloseWrite() }, net.ErrClosed, "write"},
		"closed":         {func(_ *corolla.Task, c *aio.Conn) { _ = c.Close() }, net.ErrClosed, "read"},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				send(t, task, a, "hello")
				c.begin(task, b)
				n, err := aio.Copy(task, b, b)
				var op *net.OpError
				if n != 0 || !errors.Is(err, c.is) || !errors.As(err, &op) || op.Op != c.op {
					t.Errorf("Copy = %d, %v; want %s and %v", n, err, c.op, c.is)
				}
			})
		})
	}
}

// What a Copy has read waits in line while somebody else writes, and is not mixed with what the
// others read into the same buffer meanwhile.
func TestCopyWaitsInLine(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		writer := l.Go(func(task *corolla.Task) error {
			_, err := b.Write(task, make([]byte, stuffing))
			return err
		}, corolla.Eager())
		send(t, task, a, "hello")
		_ = a.CloseWrite()
		copied := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Copy(task, b, b) })
		settle(t, task, func() bool { return standing(l) > 0 })
		copy(l.Scratch(), "XXXXX")
		got := make([]byte, stuffing+5)
		if _, err := a.ReadFull(task, got); string(got[stuffing:]) != "hello" || err != nil {
			t.Errorf("read %q, %v", got[stuffing:], err)
		}
		if n, err := copied.Await(task); n != 5 || err != nil {
			t.Errorf("Copy = %d, %v", n, err)
		}
		if _, err := writer.Await(task); err != nil {
			t.Errorf("Write: %v", err)
		}
	})
}

// A Copy that is canceled in line gives back what it has read.
func TestCopyCanceledInLineLosesNothing(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		writer := l.Go(func(task *corolla.Task) error {
			_, err := b.Write(task, make([]byte, stuffing))
			return err
		}, corolla.Eager())
		send(t, task, a, "hello")
		copied := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Copy(task, b, b) })
		settle(t, task, func() bool { return standing(l) > 0 })
		copied.Cancel(nil)
		if n, err := copied.Await(task); n != 0 || !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Copy = %d, %v", n, err)
		}
		got := make([]byte, 5)
		if _, err := b.ReadFull(task, got); string(got) != "hello" || err != nil {
			t.Errorf("what Copy had read: %q, %v", got, err)
		}
		_ = b.Abort()
		if _, err := writer.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
	})
}

func TestCopyThroughTLSToReset(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		// dst is a pair of its own
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		peer, dst := oneOf(t, task, ln)
		defer func() { _ = dst.Abort() }()
		dst.SetWriteMarks(1<<20, 64<<20)
		f := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Copy(task, dst, b) })
		if _, err := a.Write(task, make([]byte, stuffing)); err != nil {
			t.Fatal(err)
		}
		_ = a.Flush(task)
		settle(t, task, func() bool { return dst.Buffered() > 0 })
		_ = peer.Abort() // what dst holds is lost
		settle(t, task, func() bool { return dst.Buffered() == 0 })
		_ = a.CloseWrite()
		n, err := f.Await(task)
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Copy = %d, %v, though the destination was reset with bytes unsent", n, err)
		}
	})
}

func TestCopyToReset(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		peer, dst := oneOf(t, task, ln)
		dst.SetWriteMarks(1<<20, 64<<20)
		f := corolla.Go(l, func(task *corolla.Task) (int64, error) { return aio.Copy(task, dst, b) })
		if _, err := a.Write(task, make([]byte, stuffing)); err != nil {
			t.Fatal(err)
		}
		_ = a.Flush(task)
		settle(t, task, func() bool { return dst.Buffered() > 0 })
		held := dst.Buffered()
		_ = peer.Abort()
		settle(t, task, func() bool { return dst.Buffered() == 0 })
		_ = a.CloseWrite()
		n, err := f.Await(task)
		for what, err := range map[string]error{"Copy": err, "Flush": dst.Flush(task), "CloseWrite": dst.CloseWrite()} {
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("%s of a connection that has lost %d bytes of %d: %v", what, held, n, err)
			}
		}
		_ = dst.Abort() // it is closed already, or not
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
		var p *corolla.PanicError
		if _, err := aio.Copy(task, dst, b); !errors.As(err, &p) || p.Value != "of the program's" {
			t.Errorf("Copy = %v", err)
		}
		if _, err := dst.Write(task, []byte("x")); errors.Is(err, corolla.ErrBusy) {
			t.Errorf("Write after a panic in Copy: %v", err)
		}
	})
}
