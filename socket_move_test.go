package corolla_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// ends returns the two ends of a connection on one loop.
func ends(t *testing.T, task *corolla.Task) (a, b *corolla.Socket) {
	t.Helper()
	l := task.Loop()
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = l.Dial("tcp", ln.LocalAddr().String()).Await(task); err != nil {
		t.Fatal(err)
	}
	if err := ln.WaitReadable(task); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.TryAccept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// receive reads until it has n bytes, or the end.
func receive(t *testing.T, task *corolla.Task, s *corolla.Socket, n int) string {
	t.Helper()
	var got []byte
	for len(got) < n {
		b := make([]byte, n-len(got))
		m, err := s.TryRead(b)
		got = append(got, b[:m]...)
		switch {
		case err == corolla.ErrWouldBlock:
			err = s.WaitReadable(task)
		case err == io.EOF:
			return string(got)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return string(got)
}

// A socket that has moved has what arrived before, and the addresses that it had. That both loops are
// one here makes no difference: it leaves, and comes.
func TestMovedSocketGoesOn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			a, b := ends(t, task)
			if _, err := a.TryWrite([]byte("before ")); err != nil {
				return err
			}
			if err := b.WaitReadable(task); err != nil {
				return err
			}
			told := false
			b.OnClosed(func() { told = true })
			m, err := corolla.Move(b)
			if err != nil {
				return err
			}
			if _, err := b.TryRead(make([]byte, 1)); !errors.Is(err, net.ErrClosed) || !told || !b.Closed() {
				t.Errorf("the socket left behind: read %v, told %v, closed %v", err, told, b.Closed())
			}
			if _, err := a.TryWrite([]byte("while away")); err != nil {
				return err
			}
			c, err := m.To(l)
			if err != nil {
				return err
			}
			if got := receive(t, task, c, 17); got != "before while away" {
				t.Errorf("read %q", got)
			}
			if p, q := c.PeerAddr(), a.LocalAddr(); p.String() != q.String() {
				t.Errorf("its peer is %v, want %v", p, q)
			}
			if _, err := c.TryWrite([]byte("back")); err != nil {
				return err
			}
			if got := receive(t, task, a, 4); got != "back" {
				t.Errorf("the peer read %q", got)
			}
			if _, err := m.To(l); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second To: %v", err)
			}
			return errors.Join(a.Close(), c.Close())
		})
	})
}

func TestMoveRefusesWhatIsInUse(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			a, b := ends(t, task)
			refused := func(why string, is error) {
				t.Helper()
				if _, err := corolla.Move(b); !errors.Is(err, is) {
					t.Errorf("%s: %v, want %v", why, err, is)
				}
			}
			b.OnReadable(func() {})
			refused("a callback", corolla.ErrBusy)
			b.OnReadable(nil)
			waits := l.Go(func(task *corolla.Task) error { return b.WaitReadable(task) })
			if err := turns(task, 2); err != nil {
				return err
			}
			refused("a task", corolla.ErrBusy)
			waits.Cancel(nil)
			_, _ = waits.Await(task)
			var out corolla.Outbox
			out.Init(b, func(error) {})
			out.Cork()
			if err := out.Write([]byte("unsent")); err != nil {
				return err
			}
			if _, err := corolla.Move(b); err == nil {
				t.Error("unsent data was left behind")
			}
			out.Uncork()
			if got := receive(t, task, a, 6); got != "unsent" {
				t.Errorf("read %q", got)
			}
			m, err := corolla.Move(b)
			if err != nil {
				return err
			}
			refused("moved already", net.ErrClosed)
			if err := m.Close(); err != nil {
				return err
			}
			if err := m.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second Close: %v", err)
			}
			if got := receive(t, task, a, 1); got != "" {
				t.Errorf("read %q behind the end", got)
			}
			return a.Close()
		})
	})
}

// What one socket accepts for a Feed is accepted from the Feed's.
func TestFeedListens(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			f, err := corolla.NewFeed(l, ln.LocalAddr())
			if err != nil {
				return err
			}
			taken := 0
			f.OnTaken(func(*corolla.Socket) { taken++ })
			ln.OnReadable(func() {
				m, err := corolla.AcceptMoving(ln)
				if err == nil {
					f.Offer(m)
				} else if err != corolla.ErrWouldBlock {
					t.Error(err)
				}
			})
			if _, err := f.Socket().TryAccept(); err != corolla.ErrWouldBlock {
				t.Errorf("TryAccept of nothing: %v", err)
			}
			a, err := l.Dial("tcp", f.Socket().LocalAddr().String()).Await(task)
			if err != nil {
				return err
			}
			if err := f.Socket().WaitReadable(task); err != nil {
				return err
			}
			b, err := f.Socket().TryAccept()
			if err != nil {
				return err
			}
			if taken != 1 || b.PeerAddr().String() != a.LocalAddr().String() {
				t.Errorf("taken %d, from %v, want %v", taken, b.PeerAddr(), a.LocalAddr())
			}
			c, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if err != nil {
				return err
			}
			if err := f.Socket().WaitReadable(task); err != nil {
				return err
			}
			if err := f.Socket().Close(); err != nil { // with one that nobody has accepted
				return err
			}
			if taken != 2 || f.Len() != 0 {
				t.Errorf("taken %d, %d left", taken, f.Len())
			}
			if n, err := c.TryRead(make([]byte, 1)); err == corolla.ErrWouldBlock {
				if err := c.WaitReadable(task); err != nil {
					return err
				}
				if n, err := c.TryRead(make([]byte, 1)); err != io.EOF && err != syscall.ECONNRESET {
					t.Errorf("who was not accepted: %d, %v", n, err)
				}
			} else if err != io.EOF && err != syscall.ECONNRESET {
				t.Errorf("who was not accepted: %d, %v", n, err)
			}
			return errors.Join(a.Close(), b.Close(), c.Close(), ln.Close())
		})
	})
}
