package aio_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
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
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error { return a.Flush(task) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Flush = %v", err)
		}
		if err := try(); err != nil {
			t.Errorf("below the high mark, after a canceled Flush, Write parks: %v, with %d bytes to send", err, a.Buffered())
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
		for what, f := range map[string]*corolla.Future[struct{}]{"ReadFull": r, "Flush": f} {
			if _, err := f.Await(task); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		err := task.Timeout(50*time.Millisecond, func(*corolla.Scope) error {
			_, err := a.Write(task, make([]byte, stuffing))
			return err
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the high mark of 1000, set during Flush, is not in force: Write = %v, with %d bytes to send", err, a.Buffered())
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
		if f.Done() || a.Buffered() == 0 {
			t.Errorf("Flush has returned: %v, with %d bytes to send", f.Done(), a.Buffered())
		}
		_ = a.Abort()
		if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Flush of a connection that is aborted: %v", err)
		}
	})
}

func TestWriteParksAboveTheMark(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		const total = 2 << 20
		most := 0
		writer := task.Loop().Go(func(task *corolla.Task) error {
			block := make([]byte, 300<<10)
			for sent := 0; sent < total; {
				n, err := a.Write(task, block[:min(len(block), total-sent)])
				if sent += n; err != nil {
					return err
				}
			}
			if err := a.Flush(task); err != nil {
				return err
			}
			if a.Buffered() != 0 {
				t.Errorf("%d bytes are left after Flush", a.Buffered())
			}
			return a.Close()
		}, corolla.Eager())
		got := 0
		for buf := make([]byte, 64<<10); ; {
			n, err := b.Read(task, buf)
			got += n
			most = max(most, a.Buffered())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := writer.Await(task); err != nil || got != total {
			t.Errorf("received %d bytes, %v", got, err)
		}
		if most > 2*corolla.DefaultHighWater {
			t.Errorf("%d bytes were buffered", most)
		}
	})
}

// Any number may wait until all is sent, and all hear (asyncio rule 47).
func TestManyFlush(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		a.SetWriteMarks(0, 2*stuffing)
		for lost := range 2 {
			var all []*corolla.Future[struct{}]
			send(t, task, a, strings.Repeat("x", stuffing))
			for range 10 {
				all = append(all, task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager()))
			}
			if all[9].Done() {
				t.Fatal("Flush did not wait")
			}
			if lost == 1 {
				_ = b.Abort()
			} else if _, err := b.ReadFull(task, make([]byte, stuffing)); err != nil {
				t.Fatal(err)
			}
			for _, f := range all {
				if _, err := f.Await(task); (err != nil) != (lost == 1) {
					t.Errorf("Flush: %v", err)
				}
			}
		}
		for range 3 { // and so does whoever writes later
			if n, err := a.Write(task, []byte("x")); n != 0 || err == nil {
				t.Errorf("Write after the connection was lost = %d, %v", n, err)
			}
			if err := a.TryWrite([]byte("x")); err == nil || err == corolla.ErrWouldBlock {
				t.Errorf("TryWrite after the connection was lost: %v", err)
			}
		}
	})
}

// A reader that stalls costs the water mark and one buffer, however much is written to it.
func TestStalledReaderIsBounded(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, _ *aio.Conn) {
		writer := task.Loop().Go(func(task *corolla.Task) error {
			for {
				if _, err := a.Write(task, make([]byte, 3<<20)); err != nil {
					return err
				}
			}
		})
		most := 0
		for range 200 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
			most = max(most, a.Buffered())
		}
		if most <= corolla.DefaultHighWater || most > corolla.DefaultHighWater+16<<10 {
			t.Errorf("%d bytes were held", most)
		}
		writer.Cancel(nil)
		_, _ = writer.Await(task)
	})
}
