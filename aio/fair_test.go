package aio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// rounds is how many calls a task makes that need not wait.
const rounds = 64 * 3

// busy are calls that need not wait. Each is given what it needs, and returns itself.
var busy = map[string]func(t *testing.T, task *corolla.Task, a, b *aio.Conn) (call func() error){
	"Read": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		arrives(t, task, a, b, strings.Repeat("x", rounds))
		return func() error { _, err := b.Read(task, make([]byte, 1)); return err }
	},
	"ReadFull": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		arrives(t, task, a, b, strings.Repeat("x", 2*rounds))
		return func() error { _, err := b.ReadFull(task, make([]byte, 2)); return err }
	},
	"ReadUntil": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		arrives(t, task, a, b, strings.Repeat("x\n", rounds))
		return func() error { _, err := b.ReadUntil(task, []byte("\n")); return err }
	},
	"Write": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		return func() error { _, err := a.Write(task, []byte("x")); return err }
	},
	"Flush": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		return func() error { return a.Flush(task) }
	},
	"Read past its deadline": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		_ = b.SetReadDeadline(task.Loop().Time())
		return func() error { _, _ = b.Read(task, make([]byte, 1)); return nil }
	},
	"Accept": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", corolla.Backlog(rounds))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		addr := ln.Addr().String()
		for range rounds {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Abort()
		}
		return func() error {
			c, err := ln.Accept(task)
			if err == nil {
				_ = c.Abort()
			}
			return err
		}
	},
	"ReadFrom": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		c := packets(t, task)
		for range rounds {
			if err := c.WriteTo(task, []byte("x"), c.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		return func() error { _, _, err := c.ReadFrom(task, make([]byte, 1)); return err }
	},
	"WriteTo": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		c := packets(t, task)
		return func() error { return c.WriteTo(task, []byte("x"), c.LocalAddr()) }
	},
	"through TLS": func(t *testing.T, task *corolla.Task, a, b *aio.Conn) func() error {
		ca, cert := newCA(t)
		tlsPair(t, task, ca, cert, a, b)
		arrives(t, task, a, b, strings.Repeat("x", rounds))
		return func() error { _, err := b.Read(task, make([]byte, 1)); return err }
	},
}

// A task whose calls need not wait gives others a turn: after 64 of them at the latest, and, by a
// real clock, when it has held the loop for long.
func TestOthersHaveTurns(t *testing.T) {
	for name, prepare := range busy {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				l := task.Loop()
				call := prepare(t, task, a, b)
				turns := 0
				other := l.Go(func(task *corolla.Task) error {
					for {
						if err := task.Yield(); err != nil {
							return err
						}
						turns++
					}
				}, corolla.Eager())
				_ = task.Yield()
				turns = 0
				slow := 0
				if strings.HasSuffix(t.Name(), "/real") {
					slow = 10
				}
				for i := range rounds {
					if err := call(); err != nil {
						t.Fatal(err)
					}
					for i < slow && !l.Overdue() { // work, of no particular length
					}
				}
				if want := slow*2/5 + (rounds-slow)/64; turns < want { // the first call after a turn is free
					t.Errorf("others had %d turns in %d calls, want %d", turns, rounds, want)
				}
				other.Cancel(nil)
				_, _ = other.Await(task)
			})
		})
	}
}

// One call that goes on for long gives others turns as well. Everything that is read is there before.
func TestOthersHaveTurnsWithinOneCall(t *testing.T) {
	const size = 64 << 10 * (2*64 + 1) // each read takes 64 KB at the most
	for name, call := range map[string]func(task *corolla.Task, a, b *aio.Conn) error{
		"Copy": func(task *corolla.Task, a, b *aio.Conn) error {
			b.SetWriteMarks(-1, 2*size)
			_, err := aio.Copy(task, b, b)
			return err
		},
		"ReadUntil": func(task *corolla.Task, a, b *aio.Conn) error {
			b.SetLimit(2 * size)
			_, err := b.ReadUntil(task, []byte("\n"))
			return err
		},
		"Write": func(task *corolla.Task, a, b *aio.Conn) error {
			_, err := b.Write(task, make([]byte, size))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := sim.New(1, sim.Buffer(2*size)).NewLoop()
			if err := l.Run(func(task *corolla.Task) error {
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				defer ln.Close()
				a, b := oneOf(t, task, ln)
				defer a.Abort()
				defer b.Abort()
				a.SetWriteMarks(-1, 2*size)
				if name != "Write" {
					send(t, task, a, strings.Repeat("x", size-1)+"\n")
					if err := a.CloseWrite(); err != nil {
						return err
					}
				}
				if err := task.Sleep(1e9); err != nil {
					return err
				}
				turns := 0
				other := l.Go(func(task *corolla.Task) error {
					for {
						if err := task.Yield(); err != nil {
							return err
						}
						turns++
					}
				}, corolla.Eager())
				if err := call(task, a, b); err != nil {
					t.Error(err)
				}
				if turns < 2 {
					t.Errorf("others had %d turns", turns)
				}
				other.Cancel(nil)
				_, _ = other.Await(task)
				return nil
			}); err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

// Who is canceled while others have their turn leaves the connection to others, and what has arrived
// too.
func TestCanceledWhileOthersHaveTheirTurn(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		var all strings.Builder
		for i := range rounds {
			all.WriteByte(byte(i))
		}
		send(t, task, a, all.String())
		if err := b.Socket().WaitReadable(task); err != nil {
			t.Fatal(err)
		}
		l := task.Loop()
		n, buf := 0, make([]byte, 1)
		reader := l.Go(func(task *corolla.Task) error {
			for {
				if _, err := b.Read(task, buf); err != nil {
					return err
				}
				n++
			}
		}, corolla.Eager())
		if reader.Done() || n == 0 || n == rounds {
			t.Fatalf("the reader should be in the middle, but has read %d bytes", n)
		}
		reader.Cancel(nil)
		if _, err := reader.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Read: %v", err)
		}
		if _, err := b.Read(task, buf); err != nil || int(buf[0]) != n {
			t.Errorf("the next Read has byte %d, %v; %d were read before", buf[0], err, n)
		}
		writer := l.Go(func(task *corolla.Task) error {
			for {
				if _, err := b.Write(task, []byte("x")); err != nil {
					return err
				}
			}
		}, corolla.Eager())
		writer.Cancel(nil)
		_, _ = writer.Await(task)
		if err := b.TryWrite([]byte("x")); err != nil {
			t.Errorf("TryWrite: %v", err)
		}
		send(t, task, b, "x")
	})
}
