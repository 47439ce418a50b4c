package corolla_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

// A short read means that there is no more, but for where the system ends a read although there
// is: at an urgent byte, and behind one with which files were passed. What is behind must be read
// without anything new arriving.

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

func TestReadGoesOnBehindMarks(t *testing.T) {
	for _, c := range []struct {
		name, network string
		flag          int
		want          string
	}{
		{"urgent", "tcp", syscall.MSG_OOB, "abcghi"},
		{"urgent on a Unix socket", "unix", syscall.MSG_OOB, "abcghi"},
		{"passed files", "unix", 0, "abcdefghi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := realLoop(t, new(errorLog))
			defer l.Close()
			raw, s := outsider(t, l, c.network)
			defer closeAll(t, s)
			// What a read leaves behind brings no edge. So all of it is there before the first.
			pieces := []string{"abc", "d", "ghi"}
			if c.flag == 0 {
				pieces[1] = "def"
			}
			marking(t, raw, c.flag, pieces...)
			var got []byte
			s.OnReadable(func() {
				b := make([]byte, 100)
				n, err := s.TryRead(b)
				if err != nil && err != corolla.ErrWouldBlock {
					t.Errorf("TryRead: %v", err)
					l.Stop()
				}
				if got = append(got, b[:n]...); len(got) >= len(c.want) {
					l.Stop()
				}
			})
			mustRunForever(t, l)
			if string(got) != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
			// The next bytes, which are not marked, are read with one call again.
			s.OnReadable(nil)
			if _, err := s.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
				t.Errorf("at the end: %v", err)
			}
			marking(t, raw, 0, "jkl")
			run(t, l, s.WaitReadable)
			if n, err := s.TryRead(make([]byte, 100)); n != 3 || err != nil {
				t.Errorf("TryRead = %d, %v", n, err)
			}
			if err := s.OnceReadable(func() { t.Error("a short read did not mean drained") }); err != nil {
				t.Error(err)
			}
			run(t, l, func(task *corolla.Task) error { return turns(task, 2) })
			_ = s.OnceReadable(nil)
		})
	}
}

func TestSpliceGoesOnBehindAnUrgentByte(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	raw, in := outsider(t, l, "tcp")
	a, b := socketPair(t, l)
	defer closeAll(t, in, a, b)
	marking(t, raw, syscall.MSG_OOB, "abc", "X", "def")
	if err := syscall.Shutdown(raw, syscall.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	run(t, l, func(task *corolla.Task) error {
		n, err := in.SpliceTo(a).Await(task)
		if n != 6 || err != nil {
			t.Errorf("Splice = %d, %v", n, err)
		}
		got, err := readN(task, b, 6)
		if string(got) != "abcdef" {
			t.Errorf("arrived: %q", got)
		}
		return err
	})
}

// TestManyPassedFiles passes as many as the system lets, and one more.
func TestManyPassedFiles(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	a, b := socketPairOn(t, l, "unix", filepath.Join(t.TempDir(), "s"))
	defer closeAll(t, a, b)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := make([]syscall.Conn, 254)
	for i := range files {
		files[i] = f
	}
	if n, err := a.TryWriteFiles([]byte("x"), files...); n != 0 || err == nil || !strings.Contains(err.Error(), "254 files: at most 253") {
		t.Errorf("254 files: %d, %v", n, err)
	}
	if n, err := a.TryWriteFiles([]byte("x"), f, nil); n != 0 || !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "number 2 is nil") {
		t.Errorf("a file that is nil: %d, %v", n, err)
	}
	if n, err := a.TryWriteFiles([]byte("x"), files[:253]...); n != 1 || err != nil {
		t.Fatalf("253 files: %d, %v", n, err)
	}
	run(t, l, b.WaitReadable)
	n, got, err := b.TryReadFiles(make([]byte, 10))
	if n != 1 || len(got) != 253 || err != nil {
		t.Errorf("TryReadFiles = %d, %d files, %v", n, len(got), err)
	}
	for _, f := range got {
		f.Close()
	}
}

func TestStalePathOfADatagramSocket(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	name := filepath.Join(t.TempDir(), "s")
	for _, network := range []string{"unixgram", "unix"} { // whichever it was that left the path
		var left io.Closer
		if network == "unix" {
			ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			ln.SetUnlinkOnClose(false)
			left = ln
		} else {
			c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			left = c
		}
		if s, err := l.ListenPacket("unixgram", name); err == nil {
			closeAll(t, s)
			t.Errorf("the path of a live %s socket was taken over", network)
		}
		left.Close()
		s, err := l.ListenPacket("unixgram", name)
		if err != nil {
			t.Fatalf("over a stale path of %s: %v", network, err)
		}
		if again, err := l.ListenPacket("unixgram", name); err == nil {
			closeAll(t, again)
			t.Error("the path of our own socket was taken over")
		}
		closeAll(t, s)
		if _, err := os.Lstat(name); err == nil {
			t.Error("the path is left behind")
		}
	}
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
