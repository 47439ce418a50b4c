package aio_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// sink counts what comes on one connection, and begins to read when it is told to.
func sink(t *testing.T) (addr string, begin chan<- struct{}, received <-chan int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start, counts := make(chan struct{}, 1), make(chan int64, 1)
	go func() {
		defer ln.Close()
		c, err := ln.Accept()
		if err != nil {
			counts <- -1
			return
		}
		defer c.Close()
		<-start
		n, err := io.Copy(io.Discard, c)
		if err != nil {
			n = -1
		}
		counts <- n
	}()
	return ln.Addr().String(), start, counts
}

func TestClosingTheLoopSendsWhatClosedConnectionsHold(t *testing.T) {
	const size = 8 << 20 // more than the buffers of the kernel
	for name, send := range map[string]func(*corolla.Task, string) error{
		"aio": func(task *corolla.Task, addr string) error {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				return err
			}
			c.SetWriteMarks(size, 2*size)
			if _, err := c.Write(task, make([]byte, size)); err != nil {
				return err
			}
			return c.Close()
		},
		"closed by a canceled task": func(task *corolla.Task, addr string) error {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				return err
			}
			c.SetWriteMarks(size, 2*size)
			_, err = c.Write(task, make([]byte, size))
			corolla.Go(task.Loop(), func(task *corolla.Task) (any, error) {
				defer c.Close()
				return nil, task.Sleep(time.Hour)
			})
			return errors.Join(err, task.Yield()) // so that it has begun
		},
		"transport": func(task *corolla.Task, addr string) error {
			c, err := transport.Dial(task.Loop(), "tcp", addr, silent{}).Await(task)
			if err != nil {
				return err
			}
			err = c.Write(make([]byte, size))
			c.Close()
			return err
		},
		"half closed": func(task *corolla.Task, addr string) error {
			c, err := transport.Dial(task.Loop(), "tcp", addr, silent{}).Await(task)
			if err != nil {
				return err
			}
			err = c.Write(make([]byte, size))
			c.CloseWrite()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := corolla.New(corolla.SlowLimit(0))
			leaktest.NeedLoop(t, err)
			addr, begin, received := sink(t)
			if err := l.Run(func(task *corolla.Task) error { return send(task, addr) }); err != nil {
				t.Fatal(err)
			}
			begin <- struct{}{}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if n := <-received; n != size {
				t.Errorf("the peer got %d bytes of %d", n, size)
			}
		})
	}
}

type silent struct{}

func (silent) Opened(*transport.Conn)        {}
func (silent) Data(*transport.Conn, []byte)  {}
func (silent) Closed(*transport.Conn, error) {}

// The peer never reads; the time is the World's own.
func TestClosingTheLoopDoesNotWaitForEver(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", ":1")
		if err != nil {
			return err
		}
		c, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		c.SetWriteMarks(1<<20, 1<<20)
		if _, err := c.Write(task, make([]byte, 1<<20)); err != nil {
			return err
		}
		return c.Close()
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := w.Open(); n != 0 {
		t.Errorf("%d descriptors left", n)
	}
}

// The timer of Close ends with the connection.
func TestLingerTimer(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop(corolla.SlowLimit(0))
	begun := l.Time()
	never := corolla.NewFuture[int](l)
	err := l.Run(func(task *corolla.Task) error {
		ln, _ := aio.Listen(l, "tcp", "127.0.0.1:0")
		d := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) { return aio.Dial(task, "tcp", ln.Addr().String()) })
		b, _ := ln.Accept(task)
		a, _ := d.Await(task)
		a.SetWriteMarks(0, stuffing)
		_, _ = a.Write(task, make([]byte, stuffing))
		_ = a.Close()
		_ = b.Abort()
		_ = ln.Close()
		_ = task.Sleep(time.Second)
		if !a.Socket().Closed() {
			t.Error("the connection is still open")
		}
		_, err := never.Await(task) // nobody: the deadlock is seen when nothing is scheduled
		return err
	})
	var dead *corolla.DeadlockError
	if !errors.As(err, &dead) {
		t.Errorf("Run: %v", err)
	}
	if l.Time().Sub(begun) > 10*time.Second {
		t.Errorf("a timer was left: deadlock seen after %v only", l.Time().Sub(begun))
	}
	_ = never.Resolve(0)
	l.Soon(l.Stop)
	_ = l.RunForever() // to the end of the task
	leaktest.Close(t, l)
}

func TestCloseSendsWhatWasWritten(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(-1, 64<<20)
		send(t, task, a, strings.Repeat("x", stuffing)) // more than the system takes at once
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
		n, err := io.Copy(io.Discard, b.Bind(task))
		if n != stuffing || err != nil {
			t.Errorf("received %d bytes, %v", n, err)
		}
	})
}

func TestCloseDoesNotWaitForEverForItsPeer(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		peer, err := ln.Accept(task)
		if err != nil {
			return err
		}
		defer peer.Close()
		c.SetWriteMarks(-1, 64<<20)
		send(t, task, c, strings.Repeat("x", 1<<20))
		if err := c.Close(); err != nil {
			return err
		}
		if err := task.Sleep(time.Minute); err != nil {
			return err
		}
		if n := w.Open(); n != 2 { // the listener and the peer
			t.Errorf("%d descriptors are open", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestResetAfterCloseLetsTheDescriptorGo(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(-1, 64<<20)
		send(t, task, a, strings.Repeat("x", stuffing)) // more than the system takes at once
		if err := errors.Join(a.Close(), b.Abort()); err != nil {
			t.Error(err)
		}
		err := task.Timeout(10*time.Second, func(*corolla.Scope) error {
			for !a.Socket().Closed() {
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("the socket stays open: %v", err)
		}
	})
}

func TestSocketClosedUnderAWriter(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		writer := task.Loop().Go(func(task *corolla.Task) error {
			_, err := a.Write(task, make([]byte, 2*stuffing))
			return err
		}, corolla.Eager())
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
		if err := a.Socket().Close(); err != nil {
			t.Error(err)
		}
		if _, err := writer.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write = %v", err)
		}
	})
}
