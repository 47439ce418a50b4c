package corolla_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestReaderIsNotCalledAfterTheEnd(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, b)
		calls := 0
		b.OnReadable(func() {
			if _, err := b.TryRead(make([]byte, 10)); err == io.EOF {
				calls++
			}
		})
		run(t, l, func(task *corolla.Task) error {
			closeAll(t, a)
			for calls == 0 {
				if err := task.Sleep(ms); err != nil {
					return err
				}
			}
			if err := turns(task, 3); err != nil || calls != 1 {
				t.Errorf("%d calls at the end, %v", calls, err)
			}
			b.OnReadable(func() { calls++ }) // nor one that is set later
			if err := turns(task, 3); err != nil || calls != 1 {
				t.Errorf("%d calls after the end, %v", calls, err)
			}
			once := 0 // but who waits once hears
			if err := b.OnceReadable(func() { once++ }); err != nil {
				t.Error(err)
			}
			if err := turns(task, 3); err != nil || once != 1 {
				t.Errorf("told %d times once, %v", once, err)
			}
			return b.WaitReadable(task)
		})
	})
}

func TestCallbacksOfAClosedSocket(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			if err := errors.Join(b.WaitWritable(task), a.WaitWritable(task)); err != nil {
				return err
			}
			told := 0
			b.OnWritable(func() { t.Error("called though the socket was closed in the same turn") })
			if err := b.OnceReadable(func() { told++ }); err != nil {
				return err
			}
			if err := b.OnceReadable(func() {}); err != corolla.ErrBusy {
				t.Errorf("a second one: %v", err)
			}
			if err := b.WaitReadable(task); err != corolla.ErrBusy {
				t.Errorf("WaitReadable where a callback waits: %v", err)
			}
			closeAll(t, b)
			if err := turns(task, 3); err != nil || told != 1 {
				t.Errorf("told %d times of the end, %v", told, err)
			}
			b.OnReadable(func() { t.Error("OnReadable of a closed socket was called") })
			if err := b.OnceWritable(func() { told++ }); err != nil {
				return err
			}
			if err := turns(task, 3); err != nil || told != 2 {
				t.Errorf("told %d times, %v", told, err)
			}
			if err := b.WaitReadable(task); err != net.ErrClosed {
				t.Errorf("WaitReadable: %v", err)
			}
			closeAll(t, a) // for which nobody waited
			if err := a.OnceReadable(func() { told++ }); err != nil {
				return err
			}
			if err := turns(task, 3); err != nil || told != 3 {
				t.Errorf("who waits for what is closed already was told %d times, %v", told-2, err)
			}
			return nil
		})
	})
}

// Nil takes back one's own callback and no other's.
func TestTakingBackACallback(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		run(t, l, func(task *corolla.Task) error {
			once, always := 0, 0
			if err := b.OnceReadable(func() { once++ }); err != nil {
				return err
			}
			b.OnReadable(nil)
			b.OnWritable(func() { always++ })
			if err := b.OnceWritable(nil); err != nil {
				return err
			}
			if _, err := a.TryWrite([]byte("x")); err != nil {
				return err
			}
			for once == 0 {
				if err := task.Sleep(ms); err != nil {
					return err
				}
			}
			was := always
			if err := turns(task, 2); err != nil || was == 0 || always == was || once != 1 {
				t.Errorf("called %d and then %d times; once: %d; %v", was, always-was, once, err)
			}
			b.OnWritable(nil)
			was = always
			if err := turns(task, 2); err != nil || always != was {
				t.Errorf("called after it was taken back: %v", err)
			}
			// One that is due is taken back too, and another in its place is called once.
			if err := b.OnceReadable(func() { t.Error("called after it was taken back") }); err != nil {
				return err
			}
			if err := errors.Join(b.OnceReadable(nil), b.OnceReadable(func() { once++ })); err != nil {
				return err
			}
			if err := turns(task, 3); err != nil || once != 2 {
				t.Errorf("the other was called %d times", once-1)
			}
			return nil
		})
	})
}

func TestWaitThatIsCanceledLeavesTheSocketFree(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		run(t, l, func(task *corolla.Task) error {
			err := task.Timeout(ms, func(*corolla.Scope) error { return b.WaitReadable(task) })
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("WaitReadable = %v", err)
			}
			if err := b.OnceReadable(func() {}); err != nil {
				t.Errorf("after a wait that was canceled: %v", err)
			}
			return b.OnceReadable(nil)
		})
	})
}

// A callback that takes the place of another which is due has its own place in the order.
func TestReplacedCallbackRunsInTheNextTurn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			if err := b.WaitWritable(task); err != nil {
				return err
			}
			l.Soon(func() {
				l.Soon(func() { tr.add("before") })
				if err := errors.Join(b.OnceWritable(nil), b.OnceWritable(func() { tr.add("new") })); err != nil {
					t.Error(err)
				}
			})
			if err := b.OnceWritable(func() { t.Error("the old one was called") }); err != nil {
				return err
			}
			return turns(task, 4)
		})
		tr.want(t, "before new")
	})
}

func TestPanickingReaderDoesNotStopTheClock(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop(corolla.ErrorHandler(func(error) {}))
		defer l.Close()
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		arrived(t, l, a, b)
		calls := 0
		b.OnReadable(func() { calls++; panic("every time") })
		l.After(ms, l.Stop)
		mustRunForever(t, l)
		if calls < 2 {
			t.Errorf("it was called %d times", calls)
		}
	})
}

// The system does not call a full pipe writable when its reader has gone: it only says that it is
// gone. Who waits for room must hear, or waits for ever.
func TestWriterOfAFullPipeHearsThatNobodyReads(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, task := range []bool{true, false} {
			r, w, err := l.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			run(t, l, func(owner *corolla.Task) error {
				fill(t, w, w.TryWrite)
				told := corolla.NewFuture[struct{}](l)
				if task {
					l.Go(func(task *corolla.Task) error {
						if err := w.WaitWritable(task); err != nil {
							return err
						}
						return told.Resolve(struct{}{})
					})
				} else {
					w.OnWritable(func() { w.OnWritable(nil); _ = told.Resolve(struct{}{}) })
				}
				if err := turns(owner, 3); err != nil {
					return err
				}
				if told.Done() {
					t.Error("told of room in a full pipe")
				}
				closeAll(t, r)
				_, err := told.Await(owner)
				return err
			})
			if _, err := w.TryWrite([]byte("x")); err != syscall.EPIPE {
				t.Errorf("write that nobody reads: %v", err)
			}
			closeAll(t, w)
		}
	})
}

func TestOnReadableIsCalledWhileThereIsSomething(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		if _, err := a.TryWrite([]byte("four")); err != nil {
			t.Fatal(err)
		}
		var got []byte
		b.OnReadable(func() { // one byte a call: the rest must bring further calls
			var one [1]byte
			n, err := b.TryRead(one[:])
			if err != nil && err != corolla.ErrWouldBlock {
				t.Error(err)
			}
			if got = append(got, one[:n]...); len(got) == 4 {
				b.OnReadable(nil)
				l.Stop()
			}
		})
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if string(got) != "four" {
			t.Errorf("read %q", got)
		}
	})
}

func TestOnReadablePanicsAndIsCalledAgain(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, log *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		if _, err := a.TryWrite([]byte("x")); err != nil {
			t.Fatal(err)
		}
		calls := 0
		b.OnReadable(func() {
			if calls++; calls < 3 {
				panic("not yet")
			}
			b.OnReadable(nil)
			l.Stop()
		})
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		if len(log.errs) != 2 {
			t.Errorf("handler got %v, want two panics", log.errs)
		}
		log.errs = nil
	})
}

func TestRemovedOrReplacedReaderDoesNotRun(t *testing.T) { // asyncio rule 7
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		c, d := socketPair(t, l)
		defer closeAll(t, a, b, c, d)
		for _, s := range []*corolla.Socket{a, c} {
			if _, err := s.TryWrite([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		run(t, l, func(task *corolla.Task) error { return errors.Join(b.WaitReadable(task), d.WaitReadable(task)) })
		var tr trace
		l.Soon(func() { // runs ahead of the readers, in one batch with them
			tr.add("batch")
			b.OnReadable(nil)
			d.OnReadable(func() { tr.add("new"); d.OnReadable(nil); l.Stop() })
		})
		b.OnReadable(func() { t.Error("a removed reader ran") })
		d.OnReadable(func() { t.Error("a replaced reader ran") })
		if err := l.RunForever(); err != nil {
			t.Fatal(err)
		}
		tr.want(t, "batch new")
	})
}

func TestOneReaderOnly(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		run(t, l, func(task *corolla.Task) error {
			first := l.Go(func(task *corolla.Task) error { return b.WaitReadable(task) }, corolla.Eager())
			if err := b.WaitReadable(task); !errors.Is(err, corolla.ErrBusy) {
				t.Errorf("second waiter: %v, want ErrBusy", err)
			}
			if text := panicText(t, func() { b.OnReadable(func() {}) }); !strings.Contains(text, "one reader") {
				t.Errorf("OnReadable while a task waits panicked with %q", text)
			}
			if _, err := a.TryWrite([]byte("x")); err != nil {
				return err
			}
			_, err := first.Await(task)
			return err
		})
	})
}

func TestWriterIsToldOfRoom(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		const total = 4 << 20
		run(t, l, func(task *corolla.Task) error {
			sender := l.Go(func(task *corolla.Task) error {
				block := make([]byte, 256<<10)
				for sent := 0; sent < total; {
					n, err := a.TryWrite(block[:min(len(block), total-sent)])
					sent += n
					if err == corolla.ErrWouldBlock {
						err = a.WaitWritable(task)
					}
					if err != nil {
						return err
					}
				}
				return a.CloseWrite()
			})
			got, err := readN(task, b, total+1)
			if len(got) != total || err != io.EOF {
				t.Errorf("received %d bytes, %v; want %d and the end", len(got), err, total)
			}
			_, err = sender.Await(task)
			return err
		})
	})
}
