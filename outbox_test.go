package corolla_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// boxed returns an outbox on one end of a simulated connection that takes whole writes, of which
// buffer bytes fit before the other end has read.
func boxed(t *testing.T, buffer int, test func(l *corolla.Loop, out *corolla.Outbox, a, b *corolla.Socket)) {
	t.Helper()
	l := sim.New(1, sim.Buffer(buffer), sim.Whole()).NewLoop(corolla.ErrorHandler(func(err error) { t.Error(err) }))
	a, b := socketPair(t, l)
	out := new(corolla.Outbox)
	out.Init(a, func(err error) { t.Errorf("sending failed: %v", err) })
	test(l, out, a, b)
	for _, s := range []*corolla.Socket{a, b} {
		if !s.Closed() {
			closeAll(t, s)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func put(t *testing.T, out *corolla.Outbox, n int) {
	t.Helper()
	if err := out.Write([]byte(strings.Repeat("x", n))); err != nil {
		t.Error(err)
	}
}

func TestFirstWriteOfATurnLeavesAtOnceAndTheRestTogether(t *testing.T) {
	const large = 16 << 10
	boxed(t, 1<<20, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			put(t, out, 1)
			if out.Len() != 0 {
				t.Error("the first write of a turn waits")
			}
			put(t, out, 1)
			put(t, out, 1)
			if out.Len() != 2 {
				t.Errorf("of more writes %d bytes wait, want 2", out.Len())
			}
			if err := task.Yield(); err != nil {
				return err
			}
			if out.Len() != 0 {
				t.Error("they still wait in the next turn")
			}
			put(t, out, 1)
			put(t, out, 1)
			put(t, out, large)
			if out.Len() != 1+large {
				t.Errorf("a large write overtook another: %d wait", out.Len())
			}
			if err := turns(task, 2); err != nil {
				return err
			}
			put(t, out, 1)
			if err := task.Yield(); err != nil {
				return err
			}
			put(t, out, large)
			if out.Len() != 0 {
				t.Error("a large write waits")
			}
			put(t, out, large)
			if out.Len() != 0 {
				t.Error("the second large write of a turn waits")
			}
			if err := out.WriteBatch([][]byte{make([]byte, large-1), make([]byte, 1)}); err != nil || out.Len() != 0 {
				t.Errorf("a batch that is large in all waits: %v", err)
			}
			got, err := readN(task, b, 3+2+large+1+3*large)
			if err != nil {
				t.Errorf("received %d bytes: %v", len(got), err)
			}
			return nil
		})
	})
}

func TestBatchIsWrittenInOrder(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			out.SetMarks(0, 1)
			bufs := [][]byte{[]byte("ab"), nil, []byte("cdef"), {}, []byte("g")}
			if err := out.WriteBatch(bufs); err != nil {
				return err
			}
			if out.Above() != (out.Len() > 1) {
				t.Error("a batch above the high mark says nothing")
			}
			if out.Len() != 2 || len(bufs[1]) != 0 || string(bufs[4]) != "g" {
				t.Errorf("%d bytes wait; the batch is %q", out.Len(), bufs)
			}
			emptied := false
			out.WhenEmpty(func() { emptied = true })
			got, err := readN(task, b, 7)
			if string(got) != "abcdefg" || err != nil {
				t.Errorf("received %q, %v", got, err)
			}
			if err := out.WaitEmpty(task); err != nil || !emptied {
				t.Errorf("WaitEmpty = %v; told %v", err, emptied)
			}
			return nil
		})
	})
}

func TestOutboxThatIsFinished(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, a, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			put(t, out, 8)
			waiting := l.Go(out.WaitEmpty, corolla.Eager())
			calls := 0
			out.Finish(func() { calls++ })
			if calls != 0 || waiting.Done() {
				t.Error("done with bytes to send")
			}
			if err := out.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after Finish: %v", err)
			}
			if _, err := readN(task, b, 8); err != nil {
				return err
			}
			if _, err := waiting.Await(task); err != nil || calls != 1 {
				t.Errorf("WaitEmpty = %v; told %d times", err, calls)
			}
			out.Finish(func() { calls++ }) // at once: nothing is to be sent
			if calls != 2 {
				t.Error("not told at once")
			}
			closeAll(t, a)
			if _, err := readN(task, b, 1); err != io.EOF {
				t.Errorf("at the end: %v", err)
			}
			if err := out.Wait(task); err != net.ErrClosed {
				t.Errorf("Wait on a closed socket: %v", err)
			}
			return nil
		})
	})
}

// Whoever waits for an outbox hears of it when it is dropped with the socket, and is not left
// above its mark.
func TestClosedSocketDropsItsOutbox(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, a, _ *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			out.SetMarks(1, 2)
			put(t, out, 50)
			room := l.Go(out.Wait, corolla.Eager())
			empty := l.Go(out.WaitEmpty, corolla.Eager())
			out.WhenEmpty(func() { t.Error("told that all was sent") })
			closeAll(t, a)
			for _, f := range []*corolla.Future[struct{}]{room, empty} {
				if _, err := f.Await(task); err != net.ErrClosed {
					t.Errorf("waiting on a socket that is closed: %v", err)
				}
			}
			if out.Len() != 0 || out.Above() {
				t.Errorf("%d bytes, above %v", out.Len(), out.Above())
			}
			return nil
		})
	})
}

func TestWhoWaitedForAnOutboxIsWokenByItNoMore(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			put(t, out, 8)
			l.Soon(func() { task.Unpark() })
			if err := out.WaitEmpty(task); err != nil {
				return err
			}
			if out.Len() == 0 {
				t.Error("nothing waits")
			}
			slept := l.Go(func(task *corolla.Task) error { // frees the outbox while the first task sleeps
				_, err := readN(task, b, 8)
				return err
			})
			until := l.Now() + 100*ms
			l.At(until, func() { task.Unpark() })
			if err := task.Park("what an outbox has nothing to do with"); err != nil || l.Now() < until {
				t.Errorf("Park returned at %v, before it was unparked at %v: %v", l.Now(), until, err)
			}
			_, err := slept.Await(task)
			return err
		})
	})
}

func TestWaitSaysWhySendingHasFailed(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		var out corolla.Outbox
		failures := 0
		out.Init(a, func(err error) {
			failures++
			if out.Write([]byte("more")) == nil || !errors.Is(out.Err(), err) {
				t.Errorf("within the failure %v: Err() = %v", err, out.Err())
			}
		})
		run(t, l, func(task *corolla.Task) error {
			if err := b.Reset(); err != nil {
				return err
			}
			for out.Err() == nil {
				_ = out.Write([]byte("x"))
				if err := task.Sleep(ms); err != nil {
					return err
				}
			}
			for _, wait := range []func(*corolla.Task) error{out.Wait, out.WaitEmpty} {
				if err := wait(task); err == nil || err != out.Err() {
					t.Errorf("waiting: %v, want %v", err, out.Err())
				}
			}
			return nil
		})
		if failures != 1 {
			t.Errorf("told of %d failures", failures)
		}
		closeAll(t, a)
	})
}

func TestUncorkedOutboxSendsWhatDidNotFitLater(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, _, b *corolla.Socket) {
		run(t, l, func(task *corolla.Task) error {
			out.Cork()
			put(t, out, 12)
			if err := turns(task, 2); err != nil || out.Len() != 12 {
				t.Errorf("a corked outbox has sent: %d bytes left, %v", out.Len(), err)
			}
			out.Uncork()
			if out.Len() != 7 {
				t.Errorf("%d bytes left", out.Len())
			}
			_, err := readN(task, b, 12)
			return err
		})
	})
}

// Any number may wait for an outbox, and all hear when the connection is lost.
func TestAllWhoWaitForAnOutboxHearOfItsFailure(t *testing.T) { // asyncio rule 47
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			var out corolla.Outbox
			out.Init(a, func(error) {})
			for !out.Above() {
				if err := out.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
			var waiting []*corolla.Future[struct{}]
			for _, wait := range []func(*corolla.Task) error{out.Wait, out.WaitEmpty, out.Wait} {
				waiting = append(waiting, l.Go(wait, corolla.Eager()))
			}
			if waiting[0].Done() || waiting[1].Done() || waiting[2].Done() {
				t.Error("one has not waited")
			}
			if err := b.Reset(); err != nil {
				return err
			}
			for _, f := range waiting {
				if _, err := f.Await(task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("waiting: %v", err)
				}
			}
			if err := out.Wait(task); err == nil || err != out.Err() {
				t.Errorf("Wait after the loss: %v, want %v", err, out.Err())
			}
			return nil
		})
		closeAll(t, a)
	})
}

// Who is told that sending has failed may ask the outbox to send, and is told nothing twice.
func TestOutboxThatIsFailingSendsNoMore(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		var failures []error
		var out corolla.Outbox
		out.Init(a, func(err error) {
			if failures = append(failures, err); len(failures) < 10 {
				out.TrySend()
			}
		})
		run(t, l, func(task *corolla.Task) error {
			if err := b.Reset(); err != nil {
				return err
			}
			if err := a.WaitReadable(task); err != nil { // the reset has come
				return err
			}
			out.Cork()
			if err := out.Write([]byte("hello")); err != nil {
				return err
			}
			out.Uncork()
			return nil
		})
		if len(failures) != 1 || !errors.Is(failures[0], syscall.ECONNRESET) || !errors.Is(out.Err(), syscall.ECONNRESET) {
			t.Errorf("told %v; Err is %v", failures, out.Err())
		}
		closeAll(t, a)
	})
}
