package aio_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestReceiveReturnsWhatHasArrived(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		f := corolla.Go(task.Loop(), func(task *corolla.Task) (string, error) {
			got, err := b.Receive(task)
			return string(got), err
		}, corolla.Eager())
		if f.Done() {
			t.Fatal("Receive did not wait")
		}
		if _, err := a.Write(task, []byte("hello\nworld")); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Await(task); got != "hello\nworld" || err != nil {
			t.Errorf("Receive = %q, %v", got, err)
		}
		if _, err := a.Write(task, []byte("one\ntwo")); err != nil {
			t.Fatal(err)
		}
		if line, err := b.ReadUntil(task, []byte{'\n'}); string(line) != "one\n" || err != nil {
			t.Fatalf("ReadUntil = %q, %v", line, err)
		}
		if got, err := b.Receive(task); string(got) != "two" || err != nil {
			t.Errorf("Receive of what ReadUntil has left = %q, %v", got, err)
		}
		_ = a.CloseWrite()
		if got, err := b.Receive(task); len(got) != 0 || err != io.EOF {
			t.Errorf("Receive at the end = %q, %v", got, err)
		}
	})
}

func TestReceiveErrors(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(task *corolla.Task, c *aio.Conn)
		is    error
	}{
		"deadline": {func(task *corolla.Task, c *aio.Conn) { _ = c.SetReadDeadline(task.Loop().Time()) }, os.ErrDeadlineExceeded},
		"closed":   {func(_ *corolla.Task, c *aio.Conn) { _ = c.Close() }, net.ErrClosed},
		"busy": {func(task *corolla.Task, c *aio.Conn) {
			task.Loop().Go(func(task *corolla.Task) error {
				_, err := c.Receive(task)
				return err
			}, corolla.Eager())
		}, corolla.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				c.begin(task, b)
				if got, err := b.Receive(task); len(got) != 0 || !errors.Is(err, c.is) {
					t.Errorf("Receive = %q, %v, want %v", got, err, c.is)
				}
				_ = b.Abort()
			})
		})
	}
}

// Write takes what is in the loop's memory before it waits, whatever it has to wait for, for others
// use that memory meanwhile.
func TestWriteKeepsWhatWasReceived(t *testing.T) {
	spoil := func(task *corolla.Task) {
		b := task.Loop().Scratch()
		clear(b)
	}
	for name, hinder := range map[string]func(task *corolla.Task, out *aio.Conn){
		"for another writer": func(task *corolla.Task, out *aio.Conn) {
			task.Loop().Go(func(task *corolla.Task) error {
				_, err := out.Write(task, make([]byte, stuffing))
				return err
			}, corolla.Eager())
		},
		"for room": func(task *corolla.Task, out *aio.Conn) {
			out.SetWriteMarks(0, 1)
			task.Loop().Go(func(task *corolla.Task) error {
				_ = task.Timeout(0, func(*corolla.Scope) error { // takes it, and does not wait
					_, err := out.Write(task, make([]byte, stuffing))
					return err
				})
				return nil
			}, corolla.Eager())
		},
		"for nothing": func(*corolla.Task, *aio.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				hinder(task, b)
				send(t, task, a, "hello")
				writer := task.Loop().Go(func(task *corolla.Task) error {
					got, err := b.Receive(task)
					if err == nil {
						_, err = b.Write(task, got)
					}
					return errors.Join(err, b.CloseWrite())
				})
				var all []byte
				buf := make([]byte, 64<<10)
				for {
					spoil(task)
					n, err := a.Read(task, buf)
					all = append(all, buf[:n]...)
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if _, err := writer.Await(task); err != nil {
					t.Error(err)
				}
				if !bytes.HasSuffix(all, []byte("hello")) {
					t.Errorf("of what was received, %q came back", all[max(0, len(all)-5):])
				}
			})
		})
	}
}

// What was lent and is used too late shows, in debug mode.
func TestReceivedTooLongAgo(t *testing.T) {
	l := sim.New(1).NewLoop(corolla.Debug())
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		a, b := oneOf(t, task, ln)
		send(t, task, a, "hello")
		got, err := b.Receive(task)
		if string(got) != "hello" || err != nil {
			t.Errorf("Receive = %q, %v", got, err)
		}
		if err := task.Yield(); err != nil {
			return err
		}
		if string(got) != "\xdb\xdb\xdb\xdb\xdb" {
			t.Errorf("after a wait there is still %q", got)
		}
		return errors.Join(a.Close(), b.Close())
	}); err != nil {
		t.Error(err)
	}
}
