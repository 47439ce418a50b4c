// Package leaktest is corollatest under the name that this module's own tests have for it, and what only they
// need.
package leaktest

import (
	"errors"
	"runtime"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/corollatest"
)

// Main is corollatest.Main.
func Main(m *testing.M) { corollatest.Main(m) }

// Loop is corollatest.Loop.
func Loop(t testing.TB, l *corolla.Loop) { t.Helper(); corollatest.Loop(t, l) }

// Close is corollatest.Close.
func Close(t testing.TB, l *corolla.Loop) { t.Helper(); corollatest.Close(t, l) }

// Abandon is corollatest.Abandon.
func Abandon(n int) { corollatest.Abandon(n) }

// NeedLoop skips a test on a system that has no event loop, and fails it if making one failed for
// any other reason.
func NeedLoop(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skipf("no event loop on %s; the simulated one is tested", runtime.GOOS)
	}
	if err != nil {
		t.Fatal(err)
	}
}
