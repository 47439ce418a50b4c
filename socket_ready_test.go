package corolla_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// fill writes until a write is taken in part or not at all.
func fill(t *testing.T, s *corolla.Socket, write func(b []byte) (int, error)) (sent int) {
	t.Helper()
	b := make([]byte, 1<<20)
	for {
		n, err := write(b)
		if sent += n; err == corolla.ErrWouldBlock || err == nil && n < len(b) {
			return sent
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A write that is taken in part says that there is no more room: a callback for room is not called
// before the peer has read.
func TestPartOfAWriteMeansFull(t *testing.T) {
	for _, batch := range []bool{false, true} {
		l := sim.New(1, sim.Buffer(100_000), sim.Whole()).NewLoop()
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			write := a.TryWrite
			if batch {
				write = func(b []byte) (int, error) { return a.TryWriteBatch([][]byte{b[:10], b[10:]}) }
			}
			sent, told := fill(t, a, write), false
			if err := a.OnceWritable(func() { told = true }); err != nil {
				return err
			}
			if err := task.Sleep(100 * ms); err != nil {
				return err
			}
			if told {
				t.Error("told of room before the peer has read")
			}
			if _, err := readN(task, b, sent); err != nil {
				return err
			}
			if err := task.Sleep(100 * ms); err != nil || !told {
				t.Errorf("not told of room: %v", err)
			}
			return nil
		})
		closeAll(t, a, b)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteOfVeryManyBuffers(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		defer closeAll(t, a, b)
		if n, err := a.TryWriteBatch(nil); n != 0 || err != nil {
			t.Errorf("TryWriteBatch of nothing = %d, %v", n, err)
		}
		run(t, l, func(task *corolla.Task) error {
			bufs := make([][]byte, 200)
			for i := range bufs {
				bufs[i] = []byte{byte(i)}
			}
			sent := 0
			for sent < len(bufs) { // those that are left are written at once: it was not full
				n, err := a.TryWriteBatch(bufs[sent:])
				if err == corolla.ErrWouldBlock && l.Simulated() { // which takes a part of what it could
					err = a.WaitWritable(task)
				}
				if err != nil {
					return err
				}
				sent += n
			}
			got, err := readN(task, b, len(bufs))
			for i, c := range got {
				if int(c) != i {
					t.Fatalf("byte %d is %d", i, c)
				}
			}
			return err
		})
	})
}

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
			if err == nil {
				t.Error("no error")
			}
			if err := b.OnceReadable(func() {}); err != nil {
				t.Errorf("after a wait that was canceled: %v", err)
			}
			return b.OnceReadable(nil)
		})
	})
}

// shedding is a machine without descriptors for some of those who connect.
type shedding struct {
	host.Host
	sheds []bool // for each call of Accept
}

func (s *shedding) Accept(fd host.FD) (host.Accepted, error) {
	if len(s.sheds) > 0 {
		shed := s.sheds[0]
		s.sheds = s.sheds[1:]
		if shed {
			return host.Accepted{}, host.ErrShed
		}
	}
	return s.Host.Accept(fd)
}

func TestEachWantOfDescriptorsIsReportedOnce(t *testing.T) {
	var log errorLog
	h := new(shedding)
	l := sim.New(1).NewLoop(corolla.ErrorHandler(log.add), hosttest.Between(func(on host.Host) host.Host {
		h.Host = on
		return h
	}))
	a, b := socketPair(t, l)
	closeAll(t, a, b)
	ln, err := l.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		dials := []*corolla.Future[*corolla.Socket]{l.Dial("tcp", "127.0.0.1:80"), l.Dial("tcp", "127.0.0.1:80")}
		for _, d := range dials {
			if _, err := d.Await(task); err != nil {
				return err
			}
		}
		for i := range dials {
			h.sheds = []bool{true, true, true, false}
			if _, err := acceptOne(task, ln); err != nil {
				return err
			}
			if len(log.errs) != i+1 || !strings.Contains(log.errs[i].Error(), "accept at 127.0.0.1:80: ") {
				t.Errorf("reported: %v", log.errs)
			}
		}
		return nil
	})
}

// A datagram of no bytes is one, and not the end of anything.
func TestEmptyDatagramIsNotTheEnd(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	a, err := l.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.OpenPacket(nil, a.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, a, b)
	run(t, l, func(task *corolla.Task) error {
		for _, text := range []string{"", "text"} {
			if err := b.TryWriteTo([]byte(text), nil); err != nil {
				return err
			}
			if err := a.WaitReadable(task); err != nil {
				return err
			}
			buf := make([]byte, 10)
			if n, err := a.TryRead(buf); string(buf[:n]) != text || err != nil {
				t.Errorf("TryRead = %q, %v, want %q", buf[:n], err, text)
			}
		}
		if _, _, _, err := a.TryReadFrom(nil); err != corolla.ErrWouldBlock {
			t.Errorf("TryReadFrom of nothing: %v", err)
		}
		told := false
		if err := a.OnceReadable(func() { told = true }); err != nil {
			return err
		}
		if err := turns(task, 3); err != nil || told {
			t.Errorf("a socket with nothing to read is ready: %v", err)
		}
		return a.OnceReadable(nil)
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
