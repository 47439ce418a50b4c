package aio_test

import (
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// A connection that is passed as another process would get it: the new one has the listener's options, the
// addresses that were told and what was received before, and the peer does not notice that the old one ends.
func TestSharedConnection(t *testing.T) {
	l, err := corolla.New(corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.IdleTimeout(time.Hour))
		if err != nil {
			return err
		}
		defer ln.Close()
		peer, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer peer.Close()
		old, err := ln.Accept(task)
		if err != nil {
			return err
		}
		send(t, task, peer, "one\ntwo")
		if line, err := old.ReadUntil(task, []byte("\n")); string(line) != "one\n" || err != nil {
			t.Errorf("%q, %v", line, err)
		}
		f, ahead, err := old.Share()
		if err != nil {
			return err
		}
		from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1).To4(), Port: 7}
		c, err := ln.Adopt(f, nil, from)
		if err != nil {
			return err
		}
		defer c.Close()
		c.Unread(ahead)
		m, err := old.Move()
		if err != nil {
			return err
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		send(t, task, peer, "\n")
		if line, err := c.ReadUntil(task, []byte("\n")); string(line) != "two\n" || err != nil {
			t.Errorf("%q, %v", line, err)
		}
		if c.Socket().Policies().IdleTimeout != time.Hour || c.RemoteAddr().String() != from.String() || c.LocalAddr().String() != ln.Addr().String() {
			t.Errorf("%v, of %v to %v", c.Socket().Policies(), c.RemoteAddr(), c.LocalAddr())
		}
		send(t, task, c, "three")
		if _, err := peer.ReadFull(task, make([]byte, 5)); err != nil {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
