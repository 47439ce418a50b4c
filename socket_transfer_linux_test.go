package corolla_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

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

func TestPassFiles(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	a, b := socketPairOn(t, l, "unix", filepath.Join(t.TempDir(), "s"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, func(task *corolla.Task) error {
		if n, err := a.TryWriteFiles([]byte("one"), r, w); n != 3 || err != nil {
			t.Errorf("pass files: %d, %v", n, err)
		}
		if _, err := a.TryWrite([]byte("two")); err != nil {
			t.Error(err)
		}
		r.Close()
		w.Close()
		if err := b.WaitReadable(task); err != nil {
			return err
		}
		buf := make([]byte, 100)
		n, files, err := b.TryReadFiles(buf)
		if string(buf[:n]) != "one" && string(buf[:n]) != "onetwo" || len(files) != 2 || err != nil {
			t.Fatalf("received %q, %d files, %v", buf[:n], len(files), err)
		}
		if _, err := files[1].Write([]byte("through")); err != nil {
			t.Error(err)
		}
		if m, err := files[0].Read(buf); string(buf[:m]) != "through" || err != nil {
			t.Errorf("through the pipe: %q, %v", buf[:m], err)
		}
		for _, f := range files {
			f.Close()
		}
		if n == 3 {
			if n, files, err := b.TryReadFiles(buf); string(buf[:n]) != "two" || len(files) != 0 || err != nil {
				t.Errorf("then: %q, %d files, %v", buf[:n], len(files), err)
			}
		}
		if _, _, err := b.TryReadFiles(buf); err != corolla.ErrWouldBlock {
			t.Errorf("then: %v", err)
		}
		if _, err := a.TryWriteFiles(nil, os.Stdin); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("files without a byte: %v", err)
		}
		closeAll(t, a)
		if err := b.WaitReadable(task); err != nil {
			return err
		}
		if _, _, err := b.TryReadFiles(buf); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		closeAll(t, b)
		return nil
	})
}

// Two files that are connected to each other, for two processes: adopted here by one loop.
func TestSocketPair(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	a, b, err := corolla.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s, err := l.Adopt(a)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, s)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if s.Network() != "unix" {
		t.Errorf("it is a %s", s.Network())
	}
	if n, err := s.TryWriteFiles([]byte("there"), b); n != 5 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(b, got); string(got) != "there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}
