package aio_test

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Ordinary code prints addresses without asking whether there are any.
func TestBoundAddressesAreNeverNil(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		face := a.Bind(task)
		here, there := face.LocalAddr().String(), face.RemoteAddr().String()
		_ = b.Abort()
		if _, err := a.Read(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Read: %v", err)
		}
		for range 2 { // while it is open, and closed
			if face.LocalAddr().String() != here || face.RemoteAddr().String() != there {
				t.Errorf("addresses: %v, %v, want %s, %s", face.LocalAddr(), face.RemoteAddr(), here, there)
			}
			_ = a.Abort()
		}
	})
}

func TestNotBusyAfterPanic(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		bound := b.Bind(task)
		f := task.Loop().Go(func(*corolla.Task) error { _, err := bound.Read(make([]byte, 1)); return err })
		var p *corolla.PanicError
		if _, err := f.Await(task); !errors.As(err, &p) {
			t.Errorf("Read of another task's Bound: %v", err)
		}
		send(t, task, a, "x")
		if _, err := b.Read(task, make([]byte, 1)); err != nil {
			t.Errorf("Read after a panic of another task: %v", err)
		}
	})
}

// To a writer that is not a connection of ours, io.Copy has a buffer of its own.
func TestCopyToOther(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "hello")
		_ = a.Close()
		var got bytes.Buffer
		if n, err := io.Copy(&got, b.Bind(task)); n != 5 || err != nil || got.String() != "hello" {
			t.Errorf("io.Copy = %d, %v: %q", n, err, &got)
		}
	})
}
