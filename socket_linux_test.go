package corolla_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

func realLoop(t *testing.T, log *errorLog) *corolla.Loop {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(log.add))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPathsOfUnixSockets(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	name := filepath.Join(t.TempDir(), "s")
	exists := func() bool { _, err := os.Lstat(name); return err == nil }
	// One that was left behind is taken over.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	first, err := l.Listen("unix", name)
	if err != nil {
		t.Fatalf("over a stale path: %v", err)
	}
	// One at which somebody listens is not.
	if _, err := l.Listen("unix", name); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("over a live one: %v", err)
	}
	closeAll(t, first)
	if exists() {
		t.Error("the path is left behind")
	}
	// Nor is it removed when it is not ours any more.
	second, err := l.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(name), os.WriteFile(name, []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	closeAll(t, second)
	if !exists() {
		t.Error("another's file was removed")
	}
	if _, err := l.Listen("unix", name); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("over a plain file: %v", err)
	}
}

// TestAcceptAtTheDescriptorLimit has clients that connect when the process has no descriptors
// left: they are let go, the handler is told once, and once there are descriptors it goes on.
func TestAcceptAtTheDescriptorLimit(t *testing.T) {
	var log errorLog
	l := realLoop(t, &log)
	defer l.Close()
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted, calls := 0, 0
	ln.OnReadable(func() {
		calls++
		for {
			s, err := ln.TryAccept()
			if err != nil {
				if err != corolla.ErrWouldBlock {
					t.Errorf("TryAccept = %v", err)
				}
				return
			}
			accepted++
			closeAll(t, s)
		}
	})
	clients := connectTo(t, ln.LocalAddr().(*net.TCPAddr).Port, 3)
	hoard := takeAllDescriptors(t)
	for left := clients; len(left) > 0; oneTurn(t, l) {
		left = slices.DeleteFunc(slices.Clone(left), ended)
	}
	if accepted != 0 || len(log.errs) != 1 || !strings.Contains(log.errs[0].Error(), "no descriptors are left") {
		t.Errorf("%d accepted; the handler got %v", accepted, log.errs)
	}
	before := calls
	for range 5 {
		oneTurn(t, l)
	}
	if calls != before {
		t.Errorf("called %d times in 5 turns although nobody connects", calls-before)
	}
	for _, fd := range hoard {
		_ = syscall.Close(fd)
	}
	connectTo(t, ln.LocalAddr().(*net.TCPAddr).Port, 3)
	for accepted < 3 {
		oneTurn(t, l)
	}
	if accepted != 3 || len(log.errs) != 1 {
		t.Errorf("%d accepted once there are descriptors; the handler got %v", accepted, log.errs)
	}
}

// connectTo returns the descriptors of n clients of a port of this machine, which are closed at the
// end of the test.
func connectTo(t *testing.T, port, n int) (fds []int) {
	t.Helper()
	for range n {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(fd) })
		fds = append(fds, fd)
		if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	return fds
}

// ended reports whether the peer of a connection has closed or reset it.
func ended(fd int) bool {
	_, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN // nothing is ever sent
}

// oneTurn lets the loop make one turn, in which it does not wait.
func oneTurn(t *testing.T, l *corolla.Loop) {
	t.Helper()
	l.Stop()
	mustRunForever(t, l)
}

// takeAllDescriptors lowers the process's limit for a moment and opens files until there are
// no descriptors left.
func takeAllDescriptors(t *testing.T) (fds []int) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: min(was.Cur, 256), Max: was.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	})
	for {
		fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return fds
		}
		fds = append(fds, fd)
	}
}

// outsider returns a connection of this process's whose other end is a Socket.
func outsider(t *testing.T, l *corolla.Loop, network string) (raw int, s *corolla.Socket) {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		at = filepath.Join(t.TempDir(), "s")
	}
	ln, err := l.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	var c net.Conn
	run(t, l, func(task *corolla.Task) (err error) {
		if c, err = net.Dial(network, ln.LocalAddr().String()); err == nil {
			s, err = acceptOne(task, ln)
		}
		return err
	})
	closeAll(t, ln)
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); c.Close() })
	return int(f.Fd()), s
}

func TestEchoRoundAllocatesNothing(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		l := realLoop(t, new(errorLog))
		at := "127.0.0.1:0"
		if network == "unix" {
			at = filepath.Join(t.TempDir(), "s")
		}
		a, b := socketPairOn(t, l, network, at)
		run(t, l, func(task *corolla.Task) error {
			buf := make([]byte, 100)
			pass := func(from, to *corolla.Socket) {
				if n, err := from.TryWrite(buf[:10]); n != 10 || err != nil {
					t.Errorf("TryWrite = %d, %v", n, err)
				}
				if err := to.WaitReadable(task); err != nil {
					t.Error(err)
				}
				if n, err := to.TryRead(buf); n != 10 || err != nil {
					t.Errorf("TryRead = %d, %v", n, err)
				}
			}
			if n := testing.AllocsPerRun(100, func() { pass(a, b); pass(b, a) }); n != 0 {
				t.Errorf("%s: %v allocations", network, n)
			}
			return nil
		})
		closeAll(t, a, b)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// marking sends pieces, of which every other one is urgent, or carries a file if flag is 0.
func marking(t *testing.T, raw int, flag int, pieces ...string) {
	t.Helper()
	for i, p := range pieces {
		var err error
		switch {
		case i%2 == 0:
			_, err = syscall.Write(raw, []byte(p))
		case flag != 0:
			err = syscall.Sendto(raw, []byte(p), flag, nil)
		default:
			err = syscall.Sendmsg(raw, []byte(p), syscall.UnixRights(raw), nil, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
