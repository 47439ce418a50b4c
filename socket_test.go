package corolla_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// socketPair returns the two ends of a connection.
func socketPair(t *testing.T, l *corolla.Loop) (client, server *corolla.Socket) {
	t.Helper()
	return socketPairOn(t, l, "tcp", "127.0.0.1:0")
}

func socketPairOn(t *testing.T, l *corolla.Loop, network, address string) (client, server *corolla.Socket) {
	t.Helper()
	run(t, l, func(task *corolla.Task) error {
		ln, err := l.Listen(network, address)
		if err != nil {
			return err
		}
		defer ln.Close()
		dial := l.Dial(network, ln.LocalAddr().String())
		for server == nil {
			if err := ln.WaitReadable(task); err != nil {
				return err
			}
			if server, err = ln.TryAccept(); err != nil && err != corolla.ErrWouldBlock {
				return err
			}
		}
		client, err = dial.Await(task)
		return err
	})
	t.Cleanup(func() {
		for _, s := range []*corolla.Socket{client, server} {
			if !s.Closed() {
				t.Error("a socket of socketPair was left open")
			}
		}
	})
	return client, server
}

func closeAll(t *testing.T, socks ...*corolla.Socket) {
	t.Helper()
	for _, s := range socks {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// readN reads exactly n bytes.
func readN(task *corolla.Task, s *corolla.Socket, n int) ([]byte, error) {
	b := make([]byte, n)
	for got := 0; got < n; {
		m, err := s.TryRead(b[got:])
		if err == corolla.ErrWouldBlock {
			err = s.WaitReadable(task)
		}
		if err != nil {
			return b[:got], err
		}
		got += m
	}
	return b, nil
}

func TestSocketCarriesBytesBothWaysAndEnds(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		run(t, l, func(task *corolla.Task) error {
			for _, dir := range [][2]*corolla.Socket{{a, b}, {b, a}} {
				if _, err := dir[0].TryWrite([]byte("hello")); err != nil {
					return err
				}
				if got, err := readN(task, dir[1], 5); string(got) != "hello" || err != nil {
					t.Errorf("read %q, %v", got, err)
				}
			}
			if err := a.CloseWrite(); err != nil {
				return err
			}
			if _, err := readN(task, b, 1); err != io.EOF {
				t.Errorf("read after the peer's CloseWrite: %v, want io.EOF", err)
			}
			if _, err := b.TryRead(make([]byte, 1)); err != io.EOF {
				t.Errorf("second read at the end: %v, want io.EOF", err)
			}
			if _, err := b.TryWrite([]byte("still")); err != nil {
				t.Errorf("write after the peer's half-close: %v", err)
			}
			if got, err := readN(task, a, 5); string(got) != "still" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			return nil
		})
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

func TestCloseWakesWhoWaits(t *testing.T) { // differences 13
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a)
		run(t, l, func(task *corolla.Task) error {
			f := l.Go(func(task *corolla.Task) error { return b.WaitReadable(task) }, corolla.Eager())
			if err := b.Close(); err != nil {
				return err
			}
			if _, err := f.Await(task); !errors.Is(err, net.ErrClosed) {
				t.Errorf("waiter of a closed socket: %v, want net.ErrClosed", err)
			}
			if err := b.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("second Close: %v", err)
			}
			if _, err := b.TryRead(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("TryRead of a closed socket: %v", err)
			}
			if _, err := b.TryWrite(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("TryWrite of a closed socket: %v", err)
			}
			return nil
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

func TestDialErrors(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			addr := ln.LocalAddr().String()
			if _, err := l.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr) {
				t.Errorf("listen twice: %v, want the address and EADDRINUSE", err)
			}
			closeAll(t, ln)
			_, err = l.Dial("tcp", addr).Await(task)
			if !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != "dial "+addr+": connection refused" {
				t.Errorf("dial of nobody: %v", err)
			}
			for _, bad := range []string{"127.0.0.1", "127.0.0.1:99999", "no.such.host.invalid:1"} {
				if _, err := l.Dial("tcp", bad).Await(task); err == nil || !strings.HasPrefix(err.Error(), "dial "+bad+": ") {
					t.Errorf("dial %s: %v", bad, err)
				}
			}
			if _, err := l.Dial("carrier pigeon", addr).Await(task); err == nil {
				t.Error("dial on an unknown network: no error")
			}
			return nil
		})
	})
}

func TestDialCanBeCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer closeAll(t, ln)
			f := l.Dial("tcp", ln.LocalAddr().String())
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("canceled dial: %v", err)
			}
			return nil
		})
	})
}
