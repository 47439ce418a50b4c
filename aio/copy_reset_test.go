package aio_test

import (
	"crypto/tls"
	"errors"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

func TestCopyThroughTLSToReset(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		// dst is a pair of its own
		l := task.Loop()
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0", smallBuffers...)
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
		if err == nil {
			t.Errorf("Copy = %d, nil, though the destination was reset with bytes unsent", n)
		}
	})
}

func TestCopyToReset(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0", smallBuffers...)
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
			if err == nil {
				t.Errorf("%s of a connection that has lost %d bytes of %d: no error", what, held, n)
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
