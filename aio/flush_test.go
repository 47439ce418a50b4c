package aio_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

func TestFlushTellsOfFailure(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(1<<20, 64<<20)
		send(t, task, a, string(make([]byte, stuffing)))
		if a.Buffered() == 0 {
			t.Fatal("the system has taken all")
		}
		_ = b.Abort()
		settle(t, task, func() bool { return a.Buffered() == 0 })
		_, werr := a.Write(task, []byte("x"))
		for what, err := range map[string]error{"Flush": a.Flush(task), "CloseWrite": a.CloseWrite(), "Write": werr} {
			var op *net.OpError
			if !errors.As(err, &op) {
				t.Errorf("%s after bytes were lost: %v", what, err)
			}
		}
	})
}

func TestCanceledFlush(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, stuffing) // to fill the system
		send(t, task, a, string(make([]byte, stuffing)))
		if a.Buffered() == 0 {
			t.Fatal("the system has taken all")
		}
		try := func() error {
			return task.Timeout(time.Hour, func(*corolla.Scope) error { _, err := a.Write(task, []byte("x")); return err })
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

func TestMarksSetDuringFlush(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, stuffing)
		send(t, task, a, string(make([]byte, stuffing)))
		f := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
		a.SetWriteMarks(0, 1000)
		r := task.Loop().Go(func(task *corolla.Task) error { _, err := b.ReadFull(task, make([]byte, stuffing)); return err })
		_, _ = r.Await(task)
		_, _ = f.Await(task)
		err := task.Timeout(50*time.Millisecond, func(*corolla.Scope) error {
			_, err := a.Write(task, make([]byte, stuffing))
			return err
		})
		if err == nil {
			t.Errorf("the high mark of 1000, set during Flush, is not in force: Write took 16 MiB (%d buffered)", a.Buffered())
		}
	})
}

func TestFlushIgnoresMarks(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, stuffing)
		send(t, task, a, string(make([]byte, stuffing)))
		f := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
		a.SetWriteMarks(stuffing-1, stuffing)
		_ = task.Yield()
		_ = task.Yield()
		if f.Done() && a.Buffered() > 0 {
			_, err := f.Await(task)
			t.Errorf("Flush returned %v with %d unsent", err, a.Buffered())
		}
		_ = a.Abort()
	})
}
