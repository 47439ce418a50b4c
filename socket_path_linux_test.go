package corolla_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
)

func TestPermissionsOfUnixSockets(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o660: true, 0o777: true, 0: false, os.ModeDir | 0o700: false, 0o1000: false} {
		name := filepath.Join(t.TempDir(), "s")
		s, err := l.Listen("unix", name, corolla.FileMode(mode))
		if (err == nil) != good {
			t.Errorf("%#o: %v", mode, err)
		}
		if err != nil {
			continue
		}
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%#o: %v, %v", mode, st.Mode(), err)
		}
		_ = s.Close()
	}
}

// TestLockOfAPath: whoever asks for a lock gets the path alone, even while nothing listens on it.
func TestLockOfAPath(t *testing.T) {
	l := realLoop(t, new(errorLog))
	defer l.Close()
	name := filepath.Join(t.TempDir(), "s")
	a, err := l.Listen("unix", name, corolla.LockFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil { // as if it were stale
		t.Fatal(err)
	}
	if _, err := l.Listen("unix", name, corolla.LockFile()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	_ = a.Close()
	b, err := l.Listen("unix", name, corolla.LockFile())
	if err != nil {
		t.Errorf("once the first is closed: %v", err)
		return
	}
	_ = b.Close()
	if _, err := l.Listen("unix", filepath.Join(name, "no", "where"), corolla.LockFile()); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no place for a lock: %v", err)
	}
}
