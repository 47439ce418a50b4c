package aio_test

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// resetInAnswer has the peer reset the connection behind half of an answer. The system tells that
// to what a Write had taken, whose error nobody gets.
func resetInAnswer(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
	t.Helper()
	arrives(t, task, b, a, "half an ans")
	for _, s := range []string{"x", "y"} { // the second waits for the end of the turn
		if _, err := a.Write(task, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Abort(); err != nil {
		t.Fatal(err)
	}
	settle(t, task, func() bool { // simulated, the reset takes its time, and meets a later Write
		_, err := a.Write(task, []byte("z"))
		return err != nil
	})
}

func TestResetIsNoEndOfTheStream(t *testing.T) {
	buf := make([]byte, 100)
	for name, read := range map[string]func(task *corolla.Task, c *aio.Conn) error{
		"Read": func(task *corolla.Task, c *aio.Conn) error {
			_, err := io.ReadAll(c.Bind(task))
			return err
		},
		"ReadFull": func(task *corolla.Task, c *aio.Conn) error {
			_, err := c.ReadFull(task, buf)
			return err
		},
		"ReadUntil": func(task *corolla.Task, c *aio.Conn) error {
			_, err := c.ReadUntil(task, []byte("\n"))
			return err
		},
		"Lines": func(task *corolla.Task, c *aio.Conn) (last error) {
			for line, err := range c.Lines(task) {
				if last = err; err == nil {
					t.Errorf("half of a line is given as one: %q", line)
				}
			}
			return last
		},
		"Copy": func(task *corolla.Task, c *aio.Conn) error {
			_, err := aio.Copy(task, c, c)
			return err
		},
		"ReadFiles": func(task *corolla.Task, c *aio.Conn) error {
			for {
				if _, _, err := c.ReadFiles(task, buf); err != nil {
					if errors.Is(err, errors.ErrUnsupported) { // not on such a socket
						return syscall.ECONNRESET
					}
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				resetInAnswer(t, task, a, b)
				for range 2 { // and again
					if err := read(task, a); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
						t.Errorf("the peer has reset the connection: %v", err)
					}
				}
			})
		})
	}
}

// TestResetIsToldAgain: the system tells a read of a reset once, and the end of the stream from then on.
func TestResetIsToldAgain(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		arrives(t, task, b, a, "half")
		if err := b.Abort(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(a.Bind(task))
		if string(got) != "half" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %q, %v", got, err)
		}
		if n, err := a.Read(task, make([]byte, 10)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read again: %d, %v", n, err)
		}
		if _, err := a.ReadUntil(task, []byte("\n")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read until an end of the line: %v", err)
		}
	})
}

func TestResetIsNoEndOfTheStreamWithTLS(t *testing.T) {
	ca, cert := newCA(t)
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		tlsPair(t, task, ca, cert, a, b)
		resetInAnswer(t, task, a, b)
		got, err := io.ReadAll(a.Bind(task))
		if string(got) != "half an ans" || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("read %q, %v", got, err)
		}
	})
}
