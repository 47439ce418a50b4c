package corolla_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/sim"
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

// acceptOne waits for a connection.
func acceptOne(task *corolla.Task, ln *corolla.Socket) (*corolla.Socket, error) {
	for {
		if err := ln.WaitReadable(task); err != nil {
			return nil, err
		}
		s, err := ln.TryAccept()
		if err != corolla.ErrWouldBlock {
			return s, err
		}
	}
}

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

// arrived sends a byte from a to b and waits for it.
func arrived(t *testing.T, l *corolla.Loop, a, b *corolla.Socket) {
	t.Helper()
	if _, err := a.TryWrite([]byte("x")); err != nil {
		t.Fatal(err)
	}
	run(t, l, func(task *corolla.Task) error { return b.WaitReadable(task) })
}

// What cannot be watched, because the system watches enough already, is closed again: a program
// at its limits must not lose what is left to it.
func TestWhatCannotBeWatchedIsClosed(t *testing.T) {
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	for name, open := range map[string]func(l *corolla.Loop) error{
		"pipe":   func(l *corolla.Loop) error { _, _, err := l.Pipe(); return err },
		"listen": func(l *corolla.Loop) error { _, err := l.ListenAddr(local); return err },
		"connect": func(l *corolla.Loop) error {
			_, err := l.Connect(local)
			return err
		},
		"packet": func(l *corolla.Loop) error {
			_, err := l.OpenPacket(&net.UDPAddr{IP: local.IP, Port: 53}, nil)
			return err
		},
	} {
		for at := 1; ; at++ {
			w := sim.New(1)
			h := &watchless{left: at}
			l := w.NewLoop(hosttest.Between(func(on host.Host) host.Host {
				h.Host = on
				return h
			}))
			err := open(l)
			if h.left > 0 { // it takes no more than that
				if err != nil || at == 1 {
					t.Errorf("%s: %v", name, err)
				}
			} else if !errors.Is(err, syscall.ENOSPC) || w.Open() != 0 || l.Stats() != (corolla.LoopStats{}) {
				t.Errorf("%s: watch %d fails: %v, %d descriptors are open, %+v", name, at, err, w.Open(), l.Stats())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if h.left > 0 {
				break
			}
		}
	}
}

// watchless is a machine on which a Watch fails: the one that brings left to 0.
type watchless struct {
	host.Host
	left int
}

func (w *watchless) Watch(fd host.FD, want host.Interest) error {
	if w.left--; w.left == 0 {
		return syscall.ENOSPC
	}
	return w.Host.Watch(fd, want)
}

// Whom nobody has accepted must hear that the listener is gone.
func TestConnectionsThatNobodyAccepts(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			var conns []*corolla.Socket
			for range 2 {
				s, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
				if err != nil {
					return err
				}
				conns = append(conns, s)
			}
			closeAll(t, ln)
			for _, s := range conns {
				if b, err := readN(task, s, 1); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("read %q of nobody, %v", b, err)
				}
			}
			closeAll(t, conns...)
			_, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dial to a listener that is closed: %v", err)
			}
			return nil
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

// All functions that OnClosed was given are called, once, in the order in which they came, and those
// that come later at once.
func TestAllWhoWantToKnowAreToldOfTheClose(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for name, end := range map[string]func(*corolla.Socket) error{"Close": (*corolla.Socket).Close, "Reset": (*corolla.Socket).Reset} {
			a, b := socketPair(t, l)
			var tr trace
			for _, word := range []string{"a", "b", "c"} {
				a.OnClosed(func() { tr.add("%s", word) })
			}
			if err := end(a); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := end(a); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second %s: %v", name, err)
			}
			a.OnClosed(func() { tr.add("late") })
			tr.want(t, "a b c late")
			closeAll(t, b)
		}
	})
}
