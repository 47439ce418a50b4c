package corolla_test

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

func TestAdoptListenerAndHandItBack(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	theirs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := theirs.Addr().String()
	ln, err := l.Adopt(theirs.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	theirs.Close() // the duplicate goes on
	run(t, l, func(task *corolla.Task) error {
		c, err := l.Dial("tcp", addr).Await(task)
		if err != nil {
			return err
		}
		if err := ln.WaitReadable(task); err != nil {
			return err
		}
		s, err := ln.TryAccept()
		if err != nil {
			return err
		}
		closeAll(t, c, s)
		return nil
	})
	f, err := ln.Detach()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ln.Detach(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("detached twice: %v", err)
	}
	back, err := net.FileListener(f)
	f.Close()
	if err != nil || back.Addr().String() != addr {
		t.Fatalf("handed back: %v, %v", back, err)
	}
	back.Close()
}

// Processes that accept from one socket share its mode: one that leaves must not make the others block.
func TestAdoptedListenerStaysInItsMode(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	ln, err := l.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ln.Detach()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err := l.Adopt(f)
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, first)
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); flags&unix.O_NONBLOCK == 0 || err != nil {
		t.Errorf("in blocking mode again: %#x, %v", flags, err)
	}
}

func TestAdoptConnectionAndDetach(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s, err := l.Adopt(ours.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	run(t, l, func(task *corolla.Task) error {
		if c, err := s.PeerCredentials(); err != nil || c.PID != os.Getpid() || c.UID != os.Getuid() {
			t.Errorf("credentials: %+v, %v", c, err)
		}
		if _, err := peer.Write([]byte("hello")); err != nil {
			return err
		}
		if got, err := readN(task, s, 5); string(got) != "hello" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		return nil
	})
	var out corolla.Outbox
	out.Init(s, func(error) {})
	for out.Len() == 0 {
		if err := out.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Detach(); err == nil || !strings.Contains(err.Error(), "bytes are unsent") {
		t.Errorf("detached with something to send: %v", err)
	}
	out.Drop()
	f, err := s.Detach()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := io.Copy(io.Discard, peer); err != nil { // the end comes: there is no other duplicate
		t.Error(err)
	}
}

func TestAdoptWhatCannotBePolled(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Adopt(f); !errors.Is(err, syscall.EPERM) {
		t.Errorf("a plain file: %v", err)
	}
	f.Close()
	if _, err := l.Adopt(f); err == nil || !strings.Contains(err.Error(), "closed file") {
		t.Errorf("a closed file: %v", err)
	}
}

func TestTerminal(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	s, other, err := l.Terminal()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Resize(30, 100), s.Resize(0, 0)); err != nil {
		t.Error(err)
	}
	if err := s.Resize(-1, 5); err == nil {
		t.Error("a terminal of -1 rows")
	}
	theirs, err := l.Adopt(other)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	run(t, l, func(task *corolla.Task) error {
		if _, err := theirs.TryWrite([]byte("hello\n")); err != nil {
			t.Error(err)
		}
		if got, err := readN(task, s, 7); string(got) != "hello\r\n" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		closeAll(t, theirs)
		if got, err := readN(task, s, 1); len(got) != 0 || err != io.EOF {
			t.Errorf("at the end: %q, %v", got, err)
		}
		closeAll(t, s)
		return nil
	})
}

// Its own number may be another's by then, and its events must not be taken for that one's.
func TestClosedDuplicateIsForgotten(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	s, err := l.Adopt(r)
	if err != nil {
		t.Fatal(err)
	}
	number := s.FD()
	closeAll(t, s)
	others := []*corolla.Socket{}
	for given := false; !given; { // the system gives the lowest number that is free
		a, b, err := l.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, a, b)
		given = a.FD() >= number || b.FD() >= number
	}
	if !slices.ContainsFunc(others, func(s *corolla.Socket) bool { return s.FD() == number }) {
		t.Fatalf("the number %d was not given to another", number)
	}
	for _, s := range others {
		s.OnReadable(func() { t.Error("something to read") })
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	run(t, l, func(task *corolla.Task) error { return task.Sleep(5 * ms) })
	closeAll(t, others...)
}

func TestModeOfTheDescriptorIsPutBack(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	blocks := func(f *os.File) bool {
		raw, err := f.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		flags := uintptr(0)
		if err := raw.Control(func(fd uintptr) { flags, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0) }); err != nil {
			t.Fatal(err)
		}
		return flags&syscall.O_NONBLOCK == 0
	}
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(p[0]), "r"), os.NewFile(uintptr(p[1]), "w")
	defer r.Close()
	defer w.Close()
	s, err := l.Adopt(r)
	if err != nil {
		t.Fatal(err)
	}
	if blocks(r) {
		t.Error("the descriptor blocks while it is adopted")
	}
	closeAll(t, s)
	if !blocks(r) {
		t.Error("the descriptor does not block any more")
	}
	a, b, err := l.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.Detach()
	if err != nil || !blocks(f) {
		t.Errorf("a detached descriptor does not block; %v", err)
	}
	f.Close()
	closeAll(t, b)
}

func TestTerminalGivesLineByLine(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	s, other, err := l.Terminal()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Adopt(other)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	run(t, l, func(task *corolla.Task) error {
		if _, err := s.TryWrite([]byte("one\ntwo\n")); err != nil {
			return err
		}
		got, err := readN(task, theirs, 8) // in two reads
		if string(got) != "one\ntwo\n" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		closeAll(t, s, theirs)
		return nil
	})
}

func TestOnExit(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run(t, l, func(task *corolla.Task) error {
		done := corolla.NewFuture[int](l)
		stop, err := l.OnExit(cmd.Process, func() { done.Resolve(1) })
		if err != nil {
			return err
		}
		if _, err := done.Await(task); err != nil {
			return err
		}
		stop()
		return cmd.Wait()
	})
	if _, err := l.OnExit(cmd.Process, func() {}); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a process that was waited for: %v", err)
	}
}

// TestInherited runs itself as systemd would.
func TestInherited(t *testing.T) {
	if os.Getenv("COROLLA_TEST_INHERITED") != "" {
		inherited(t)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The shell knows the number of the process that it becomes.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run '^TestInherited$'`, os.Args[0])
	cmd.Env = append(os.Environ(), "COROLLA_TEST_INHERITED="+ln.Addr().String(), "LISTEN_FDS=2", "LISTEN_FDNAMES=web:")
	cmd.ExtraFiles = []*os.File{f, f}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func inherited(t *testing.T) {
	files, err := corolla.Inherited()
	if err != nil || len(files) != 2 || files[0].Name() != "web" || files[1].Name() != "LISTEN_FD_4" {
		t.Fatalf("%v, %v", files, err)
	}
	l := realLoop(t, new(errorLog))
	defer l.Close()
	ln, err := l.Adopt(files[0])
	if err != nil || ln.LocalAddr().String() != os.Getenv("COROLLA_TEST_INHERITED") {
		t.Errorf("adopted %v, %v", ln, err)
	}
	for _, f := range files {
		f.Close()
	}
	if again, err := corolla.Inherited(); again != nil || err != nil || os.Getenv("LISTEN_FDS") != "" {
		t.Errorf("a second time: %v, %v", again, err)
	}
	for env, want := range map[string]string{"": "", "no": "LISTEN_FDS", "-1": "LISTEN_FDS", "100000": "LISTEN_FDS"} {
		t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		t.Setenv("LISTEN_FDS", env)
		if files, err := corolla.Inherited(); files != nil || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("LISTEN_FDS=%q: %v, %v", env, files, err)
		}
	}
}

// What was given away is the new owner's: closing the loop does not close it.
func TestDetachedFileOutlivesTheLoop(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	r, w, err := l.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Detach()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.TryWrite([]byte("kept")); err != nil {
		t.Error(err)
	}
	closeAll(t, w)
	leaktest.Close(t, l)
	b := make([]byte, 10)
	if n, err := f.Read(b); string(b[:n]) != "kept" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
