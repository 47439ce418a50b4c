package aio_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// unwoundAlive starts a task that is unwound in the middle of call, which ignores that its time is
// up, and then goes on with something else until it is canceled.
func unwoundAlive(t *testing.T, task *corolla.Task, call func(*corolla.Task)) *corolla.Future[struct{}] {
	t.Helper()
	var over corolla.Event
	f := task.Loop().Go(func(task *corolla.Task) error {
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
			for {
				call(task)
			}
		})
		if !errors.As(err, new(*corolla.TimeoutError)) {
			t.Errorf("Timeout = %v", err)
		}
		over.Set()
		return task.Park("its end")
	})
	if err := over.Wait(task); err != nil {
		t.Fatal(err)
	}
	return f
}

func letGo(t *testing.T, task *corolla.Task, f *corolla.Future[struct{}]) {
	t.Helper()
	f.Cancel(nil)
	if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
		t.Errorf("it has ended with %v", err)
	}
}

func TestUnwoundReaderThatGoesOnHoldsNothing(t *testing.T) {
	ca, cert := newCA(t)
	buf := make([]byte, 10)
	reads := func(c *aio.Conn) func(*corolla.Task) {
		return func(task *corolla.Task) { _, _ = c.Read(task, buf) }
	}
	t.Run("another reads", func(t *testing.T) {
		connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
			f := unwoundAlive(t, task, reads(b))
			send(t, task, a, "hello")
			if n, err := b.ReadFull(task, buf[:5]); string(buf[:n]) != "hello" || err != nil {
				t.Errorf("ReadFull = %q, %v", buf[:n], err)
			}
			letGo(t, task, f)
		})
	})
	t.Run("TLS begins", func(t *testing.T) {
		connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
			f := unwoundAlive(t, task, reads(b))
			tlsPair(t, task, ca, cert, a, b)
			letGo(t, task, f)
		})
	})
	t.Run("a deadline passes", func(t *testing.T) {
		connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
			f := unwoundAlive(t, task, reads(b))
			if err := b.SetReadDeadline(task.Loop().Time()); err != nil { // which wakes who reads
				t.Error(err)
			}
			_ = task.Yield()
			if f.Done() {
				t.Error("a deadline has ended what another task waits for")
			}
			letGo(t, task, f)
		})
	})
}

// abandoned starts a task that recovers from being unwound in call, again and again, and so is left
// in its middle for ever.
func abandoned(t *testing.T, task *corolla.Task, call func(*corolla.Task)) {
	t.Helper()
	leaktest.Abandon(1)
	f := task.Loop().Go(func(task *corolla.Task) error {
		for {
			func() {
				defer func() { _ = recover() }()
				call(task)
			}()
		}
	})
	_ = task.Yield() // it is in the middle
	letGo(t, task, f)
}

func TestUnwoundTaskThatIsAbandonedHoldsNothing(t *testing.T) {
	ca, cert := newCA(t)
	buf := make([]byte, 10)
	calls := map[string]func(*corolla.Task, *aio.Conn){
		"Read":      func(task *corolla.Task, c *aio.Conn) { _, _ = c.Read(task, buf) },
		"ReadUntil": func(task *corolla.Task, c *aio.Conn) { _, _ = c.ReadUntil(task, []byte("\n")) },
		"Write":     func(task *corolla.Task, c *aio.Conn) { _, _ = c.Write(task, make([]byte, stuffing)) },
		"Flush":     func(task *corolla.Task, c *aio.Conn) { _ = c.Flush(task) },
		"Splice":    func(task *corolla.Task, c *aio.Conn) { _, _ = c.SpliceTo(task, c) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				l := task.Loop()
				reader := l.Go(func(task *corolla.Task) error { _, err := io.Copy(io.Discard, b.Bind(task)); return err })
				abandoned(t, task, func(task *corolla.Task) { call(task, a) })
				if err := a.Flush(task); err != nil {
					t.Errorf("Flush: %v", err)
				}
				if err := a.TryWrite([]byte("x")); err != nil {
					t.Errorf("TryWrite: %v", err)
				}
				send(t, task, a, "y")
				send(t, task, b, "hello")
				if n, err := a.ReadFull(task, buf[:5]); string(buf[:n]) != "hello" || err != nil {
					t.Errorf("ReadFull = %q, %v", buf[:n], err)
				}
				if err := a.CloseWrite(); err != nil {
					t.Errorf("CloseWrite: %v", err)
				}
				if _, err := reader.Await(task); err != nil {
					t.Errorf("the peer, up to the end: %v", err)
				}
			})
		})
	}
	t.Run("TLS begins", func(t *testing.T) {
		connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
			abandoned(t, task, func(task *corolla.Task) { calls["Flush"](task, a); calls["Read"](task, a) })
			tlsPair(t, task, ca, cert, a, b)
		})
	})
}
