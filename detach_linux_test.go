package corolla_test

import (
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

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
