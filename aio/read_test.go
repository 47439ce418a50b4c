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
	"github.com/corolla-go/corolla/transport"
)

func TestReadPastDeadline(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "a\nb\nc\n")
		_, _ = b.ReadUntil(task, []byte("\n"))
		_ = b.SetReadDeadline(task.Loop().Time().Add(-time.Second))
		if line, err := b.ReadUntil(task, []byte("\n")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ReadUntil past its deadline = %q, %v", line, err)
		}
		buf := make([]byte, 9)
		if n, err := b.Read(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline = %d, %v", n, err)
		}
	})
}

type dataFunc struct{ data func(b []byte) }

func (*dataFunc) Opened(*transport.Conn) {}

func (*dataFunc) Closed(*transport.Conn, error) {}

func (d *dataFunc) Data(_ *transport.Conn, b []byte) { d.data(b) }

func TestScratchOfEagerTask(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		l := task.Loop()
		send(t, task, a, "LINE FOR THE TASK\n")
		if err := b.Socket().WaitReadable(task); err != nil {
			t.Fatal(err)
		}
		p := &dataFunc{}
		done := corolla.NewFuture[struct{}](l)
		p.data = func(in []byte) {
			before := string(in)
			l.Go(func(task *corolla.Task) error { _, err := b.ReadUntil(task, []byte("\n")); return err }, corolla.Eager())
			if string(in) != before {
				t.Errorf("Data was given %q, which an eager task's ReadUntil made %q", before, in)
			}
			_ = done.Resolve(struct{}{})
		}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		send(t, task, c, "for the protocol")
		_, _ = done.Await(task)
		_ = c.Close()
		settle(t, task, func() bool { return srv.Conns() == 0 })
	})
}

func TestReadFull(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "abcdef")
		if err := a.CloseWrite(); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 4)
		if n, err := b.ReadFull(task, buf); n != 4 || err != nil || string(buf) != "abcd" {
			t.Errorf("ReadFull = %d, %v", n, err)
		}
		if n, err := b.ReadFull(task, buf); n != 2 || err != io.ErrUnexpectedEOF {
			t.Errorf("ReadFull at the end = %d, %v", n, err)
		}
		if n, err := b.ReadFull(task, buf); n != 0 || err != io.EOF {
			t.Errorf("ReadFull after it = %d, %v", n, err)
		}
	})
}

func TestLines(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, "one\r\ntwo\n\nlast")
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		var got []string
		for line, err := range b.Lines(task) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
		}
		if s := strings.Join(got, "|"); s != "one|two||last" {
			t.Errorf("lines %q", s)
		}
	})
}

func TestReadUntilLosesNothing(t *testing.T) { // asyncio rule 48
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		b.SetLimit(10)
		send(t, task, a, "short;0123456789abc;rest")
		if got, err := b.ReadUntil(task, []byte(";")); string(got) != "short;" || err != nil {
			t.Errorf("ReadUntil = %q, %v", got, err)
		}
		var op *net.OpError
		if _, err := b.ReadUntil(task, []byte(";")); !errors.Is(err, aio.ErrTooLong) || !errors.As(err, &op) {
			t.Errorf("over the limit: %v", err)
		}
		b.SetLimit(20)
		if got, err := b.ReadUntil(task, []byte(";")); string(got) != "0123456789abc;" || err != nil {
			t.Errorf("with a higher limit: %q, %v", got, err)
		}
		err := task.Timeout(time.Millisecond, func(*corolla.Scope) error {
			_, err := b.ReadUntil(task, []byte(";"))
			return err
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("without a separator: %v", err)
		}
		got := make([]byte, 4) // what had arrived is still there
		if n, err := b.ReadFull(task, got); string(got) != "rest" || err != nil {
			t.Errorf("ReadFull = %d, %v, %q", n, err, got)
		}
		send(t, task, a, "x")
		_ = a.Close()
		if got, err := b.ReadUntil(task, []byte(";")); string(got) != "x" || err != io.ErrUnexpectedEOF {
			t.Errorf("at the end: %q, %v", got, err)
		}
		if got, err := b.ReadUntil(task, []byte(";")); len(got) != 0 || err != io.EOF {
			t.Errorf("after it: %q, %v", got, err)
		}
		if _, err := b.ReadUntil(task, nil); err == nil {
			t.Error("an empty separator is accepted")
		}
	})
}

// The limit of time is for the line: who sends a byte now and then gets no more.
func TestLineThatComesByteByByteHasALimitOfTime(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		slow := task.Loop().Go(func(task *corolla.Task) error {
			for i := byte(0); ; i++ {
				if _, err := a.Write(task, []byte{'a' + i%26}); err != nil {
					return err
				}
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
		})
		err := task.Timeout(50*time.Millisecond, func(*corolla.Scope) error {
			_, err := b.ReadUntil(task, []byte("\n"))
			return err
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the line: %v", err)
		}
		first := make([]byte, 1)
		if _, err := b.Read(task, first); first[0] != 'a' || err != nil {
			t.Errorf("what came is lost: the next is %q, %v", first, err)
		}
		slow.Cancel(nil)
		_, _ = slow.Await(task)
	})
}

// A Read that gives others a turn, and is canceled there, has read nothing and holds nothing.
func TestReadThatIsCanceledInItsTurnLeavesTheReader(t *testing.T) {
	connected(t, func(t *testing.T, task *corolla.Task, a, b *aio.Conn) {
		send(t, task, a, strings.Repeat("x", 200))
		if err := b.Socket().WaitReadable(task); err != nil {
			t.Fatal(err)
		}
		got, buf := 0, make([]byte, 1)
		err := task.Timeout(0, func(*corolla.Scope) error {
			for got < 200 {
				n, err := b.Read(task, buf)
				if got += n; err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || got == 0 || got == 200 {
			t.Fatalf("read %d bytes, %v; want to be stopped in between", got, err)
		}
		rest, err := b.ReadFull(task, make([]byte, 200-got))
		if got+rest != 200 || err != nil {
			t.Errorf("the rest: %d of %d, %v", rest, 200-got, err)
		}
	})
}
