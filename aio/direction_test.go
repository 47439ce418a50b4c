package aio_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// standing counts the tasks that wait for their turn to write.
func standing(l *corolla.Loop) (n int) {
	for _, i := range l.Tasks() {
		if strings.Contains(i.On, "its turn to write") {
			n++
		}
	}
	return n
}

// writing starts a task that writes size times the same byte, and has it begin.
func writing(task *corolla.Task, c *aio.Conn, what byte, size int) *corolla.Future[int] {
	return corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) {
		return c.Write(task, bytes.Repeat([]byte{what}, size))
	}, corolla.Eager())
}

// runs tells what a stream consists of: "a3 b2" is "aaabb".
func runs(b []byte) []run {
	var all []run
	for _, c := range b {
		if n := len(all); n > 0 && all[n-1].of == c {
			all[n-1].size++
		} else {
			all = append(all, run{c, 1})
		}
	}
	return all
}

type run struct {
	of   byte
	size int
}

// everything reads to the end.
func everything(t *testing.T, task *corolla.Task, c *aio.Conn) []run {
	t.Helper()
	got, err := io.ReadAll(c.Bind(task))
	if err != nil {
		t.Errorf("read to the end: %v", err)
	}
	return runs(got)
}

func TestWritersStandInLine(t *testing.T) {
	ca, cert := newCA(t)
	for _, kind := range []string{"plain", "tls"} {
		t.Run(kind, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				if kind == "tls" {
					tlsPair(t, task, ca, cert, a, b)
				}
				var want []run
				var all []*corolla.Future[int]
				for _, what := range []byte("abcdef") {
					want = append(want, run{what, stuffing / 4})
					all = append(all, writing(task, a, what, stuffing/4))
				}
				if n := standing(task.Loop()); n == 0 || n > 5 {
					t.Errorf("%d of 6 stand in line", n)
				}
				end := task.Loop().Go(func(task *corolla.Task) error {
					if err := a.Flush(task); err != nil {
						return err
					}
					if a.Buffered() != 0 {
						t.Errorf("%d bytes are left after Flush", a.Buffered())
					}
					return a.CloseWrite()
				})
				if got := everything(t, task, b); !slices.Equal(got, want) {
					t.Errorf("received %v", got)
				}
				for _, f := range all {
					if n, err := f.Await(task); n != stuffing/4 || err != nil {
						t.Errorf("Write = %d, %v", n, err)
					}
				}
				if _, err := end.Await(task); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Who is canceled in line leaves it; who is canceled when its turn has just come passes that on.
func TestWriterCanceledInLine(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		var waits, chosen *corolla.Future[int]
		first := corolla.Go(l, func(task *corolla.Task) (int, error) {
			n, err := a.Write(task, bytes.Repeat([]byte{'a'}, stuffing))
			chosen.Cancel(nil) // it is its turn, and it has not run yet: a Write that fails lets nobody run
			return n, err
		}, corolla.Eager())
		waits = writing(task, a, 'b', 10)
		chosen = writing(task, a, 'c', 10)
		last := writing(task, a, 'd', 10)
		if n := standing(l); n != 3 {
			t.Errorf("%d stand in line", n)
		}
		waits.Cancel(nil)
		if n, err := waits.Await(task); n != 0 || !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Write of one that is canceled in line = %d, %v", n, err)
		}
		first.Cancel(nil)
		wrote, err := first.Await(task)
		if !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Write of the first, which is canceled: %v", err)
		}
		if err := a.CloseWrite(); err != nil { // behind those in line
			t.Error(err)
		}
		if got := everything(t, task, b); !slices.Equal(got, []run{{'a', wrote}, {'d', 10}}) {
			t.Errorf("received %v, of which the first wrote %d", got, wrote)
		}
		if n, err := chosen.Await(task); n != 0 || !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("Write of one that is canceled when its turn has come = %d, %v", n, err)
		}
		if _, err := last.Await(task); err != nil {
			t.Error(err)
		}
		if n := standing(l); n != 0 {
			t.Errorf("%d are left in line", n)
		}
	})
}

// What ends writing ends the wait in line too.
func TestLineEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end func(task *corolla.Task, a, b *aio.Conn)
		is  error // nil is any
	}{
		"closed":          {func(_ *corolla.Task, a, _ *aio.Conn) { _ = a.Close() }, net.ErrClosed},
		"aborted":         {func(_ *corolla.Task, a, _ *aio.Conn) { _ = a.Abort() }, net.ErrClosed},
		"the peer resets": {func(_ *corolla.Task, _, b *aio.Conn) { _ = b.Abort() }, nil},
		"deadline": {func(task *corolla.Task, a, _ *aio.Conn) {
			_ = a.SetWriteDeadline(task.Loop().Time().Add(time.Millisecond))
		}, os.ErrDeadlineExceeded},
		"deadline that is taken back": {func(task *corolla.Task, a, _ *aio.Conn) {
			_ = a.SetWriteDeadline(task.Loop().Time())
			_ = a.SetWriteDeadline(time.Time{})
			_ = a.SetReadDeadline(task.Loop().Time()) // none of theirs
		}, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				first := writing(task, a, 'a', stuffing)
				var line []*corolla.Future[int]
				for range 3 {
					line = append(line, writing(task, a, 'b', 10))
				}
				flush := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { return 0, a.Flush(task) }, corolla.Eager())
				c.end(task, a, b)
				for _, f := range append(line, flush) {
					n, err := f.Await(task)
					var op *net.OpError
					if n != 0 || err == nil || c.is != nil && !errors.Is(err, c.is) || !errors.As(err, &op) {
						t.Errorf("in line: %d, %v", n, err)
					}
				}
				if name == "deadline that is taken back" {
					_ = a.Abort() // the first goes on
				}
				if n, err := first.Await(task); n == stuffing || err == nil {
					t.Errorf("the first Write = %d, %v", n, err)
				}
			})
		})
	}
}

// CloseWrite has its place behind those who write, and before those who come later.
func TestCloseWriteStandsInLine(t *testing.T) {
	ca, cert := newCA(t)
	for _, kind := range []string{"plain", "tls"} {
		t.Run(kind, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				if kind == "tls" {
					tlsPair(t, task, ca, cert, a, b)
				}
				first, second := writing(task, a, 'a', stuffing), writing(task, a, 'b', stuffing)
				for range 2 {
					if err := a.CloseWrite(); err != nil {
						t.Errorf("CloseWrite: %v", err)
					}
				}
				if n, err := a.Write(task, []byte("c")); n != 0 || !errors.Is(err, net.ErrClosed) {
					t.Errorf("Write after CloseWrite = %d, %v", n, err)
				}
				if err := a.TryWrite([]byte("c")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("TryWrite after CloseWrite: %v", err)
				}
				send(t, task, b, "d")
				if n, err := aio.Copy(task, a, a); n != 0 || !errors.Is(err, net.ErrClosed) {
					t.Errorf("Copy after CloseWrite = %d, %v", n, err)
				}
				flush := task.Loop().Go(func(task *corolla.Task) error { return a.Flush(task) }, corolla.Eager())
				if got := everything(t, task, b); !slices.Equal(got, []run{{'a', stuffing}, {'b', stuffing}}) {
					t.Errorf("received %v", got)
				}
				for _, f := range []*corolla.Future[int]{first, second} {
					if n, err := f.Await(task); n != stuffing || err != nil {
						t.Errorf("Write = %d, %v", n, err)
					}
				}
				if _, err := flush.Await(task); err != nil {
					t.Errorf("Flush behind CloseWrite: %v", err)
				}
			})
		})
	}
}

// Close goes before a CloseWrite that is still in line: it closes the socket when all is sent.
func TestCloseBehindCloseWrite(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		first := writing(task, a, 'a', stuffing)
		if err := errors.Join(a.CloseWrite(), a.Close()); err != nil {
			t.Error(err)
		}
		n, err := first.Await(task)
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write = %d, %v", n, err)
		}
		if got := everything(t, task, b); !slices.Equal(got, []run{{'a', n}}) {
			t.Errorf("received %v of %d", got, n)
		}
		if !a.Socket().Closed() {
			t.Error("all is sent, and the socket is open")
		}
	})
}

// A read that lets others run first, and is canceled meanwhile, takes nothing and holds nothing.
func TestReadCanceledInItsTurnLeavesTheConnection(t *testing.T) {
	text := strings.Repeat("0123456789", 20) // more than one reads, a byte at a time, before others have a turn
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		arrives(t, task, a, b, text)
		got := make([]byte, len(text))
		n := 0
		err := task.Cancelable(func(s *corolla.Scope) error {
			s.Cancel(nil)
			for ; n < len(got); n++ {
				if _, err := b.Read(task, got[n:n+1]); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, corolla.ErrCanceled) || n == 0 {
			t.Errorf("%d reads, and then %v", n, err)
		}
		_, err = corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { return b.ReadFull(task, got[n:n+10]) }).Await(task)
		if err != nil {
			t.Errorf("ReadFull of another task: %v", err)
		}
		if _, err := b.ReadFull(task, got[n+10:]); string(got) != text || err != nil {
			t.Errorf("read %q in all, %v", got, err)
		}
	})
}

// A task that is unwound in the middle of a call, because it ignores that it is canceled, leaves
// the connection to others.
func TestUnwoundTaskLeavesTheConnectionToOthers(t *testing.T) {
	for name, call := range map[string]func(t *corolla.Task, c *aio.Conn){
		"Read":      func(t *corolla.Task, c *aio.Conn) { _, _ = c.Read(t, make([]byte, 1)) },
		"ReadUntil": func(t *corolla.Task, c *aio.Conn) { _, _ = c.ReadUntil(t, []byte{'\n'}) },
		"Write":     func(t *corolla.Task, c *aio.Conn) { _, _ = c.Write(t, make([]byte, 1<<10)) },
		"Flush":     func(t *corolla.Task, c *aio.Conn) { _, _ = c.Write(t, make([]byte, 1<<10)); _ = c.Flush(t) },
		"Copy":      func(t *corolla.Task, c *aio.Conn) { _, _ = aio.Copy(t, c, c) },
		"Splice":    func(t *corolla.Task, c *aio.Conn) { _, _ = c.SpliceTo(t, c) },
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
				l := task.Loop()
				a.SetWriteMarks(0, 1<<10)
				f := l.Go(func(task *corolla.Task) error {
					for {
						call(task, a)
					}
				})
				for range 3 { // until it is in the middle
					_ = task.Sleep(time.Millisecond)
				}
				f.Cancel(nil)
				if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
					t.Errorf("it has ended with %v", err)
				}
				l.Go(func(task *corolla.Task) error { _, err := aio.Copy(task, b, b); return err })
				const text = "still here"
				if _, err := a.Write(task, []byte(text)); err != nil {
					t.Errorf("Write of another task: %v", err)
				}
				var got []byte
				for buf := make([]byte, 1<<10); !bytes.HasSuffix(got, []byte(text)); {
					n, err := a.Read(task, buf)
					if err != nil {
						t.Fatalf("Read of another task: %v", err)
					}
					got = append(got, buf[:n]...)
				}
				_, _ = a.Abort(), b.Abort()
			})
		})
	}
}
