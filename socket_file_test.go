package corolla_test

import (
	"errors"
	"io"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestPipe(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		r, w, err := l.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			if _, err := w.TryWrite([]byte("hello")); err != nil {
				t.Error(err)
			}
			if got, err := readN(task, r, 5); string(got) != "hello" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := w.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
				t.Errorf("reading the writing end: %v", err)
			}
			closeAll(t, r)
			if err := w.WaitReadable(task); err != nil {
				t.Error(err)
			}
			if _, err := w.TryRead(make([]byte, 1)); err != io.EOF {
				t.Errorf("reading the writing end when nobody reads: %v", err)
			}
			closeAll(t, w)
			return nil
		})
	})
}

// A socket that is given away has sent all of its own.
func TestDetachWhileThereIsSomethingToSend(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, a, _ *corolla.Socket) {
		put(t, out, 8)
		if f, err := a.Detach(); f != nil || err == nil || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Detach with bytes to send: %v", err)
		}
		if a.Closed() || out.Len() == 0 {
			t.Error("they are lost")
		}
	})
}
