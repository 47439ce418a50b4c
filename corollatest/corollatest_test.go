package corollatest_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/corollatest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { corollatest.Main(m) }

// leaking says which leak the program run by TestMainFails has.
const leaking = "COROLLA_TEST_LEAKING"

var leaks = map[string]struct {
	leak func(t *testing.T)
	want []string // in what is printed; none if nothing is wrong
}{
	"nothing": {func(t *testing.T) { corollatest.Close(t, sim.New(1).NewLoop()) }, nil},
	"a goroutine": {func(*testing.T) {
		go func() { select {} }()
	}, []string{"left behind after the tests:", "1 goroutines, of which 0 are coroutines", "corollatest_test.go"}},
	"a goroutine on purpose": {func(*testing.T) {
		corollatest.Abandon(1)
		go func() { select {} }()
	}, nil},
	"a goroutine that ends": {func(*testing.T) { go func() {}() }, nil},
	"a task": {func(t *testing.T) {
		l := sim.New(1).NewLoop()
		l.Go(func(t *corolla.Task) error { return t.Sleep(time.Hour) })
		l.Soon(l.Stop)
		if err := l.RunForever(); err != nil {
			t.Error(err)
		}
	}, []string{"1 goroutines, of which 1 are coroutines", "Sleep"}},
	"descriptors": {func(t *testing.T) {
		for range 5 {
			f, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, f)
		}
	}, []string{"descriptors, ", "/dev/null"}},
	"a failed test": {func(t *testing.T) { t.Error("failed by itself") }, []string{"failed by itself"}},
}

var kept []*os.File // from the collector

// TestLeaks leaks what its program is told to, and is no test otherwise.
func TestLeaks(t *testing.T) {
	if c, ok := leaks[os.Getenv(leaking)]; ok {
		c.leak(t)
	}
}

// TestMainFails runs this program for each of the leaks.
func TestMainFails(t *testing.T) {
	for name, c := range leaks {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/proc/self/fd"); err != nil && name == "descriptors" {
				t.Skip("there is no /proc here")
			}
			cmd := exec.Command(os.Args[0], "-test.run", "^TestLeaks$")
			cmd.Env = append(os.Environ(), leaking+"="+name)
			out, err := cmd.CombinedOutput()
			var status *exec.ExitError
			failed := errors.As(err, &status) && status.ExitCode() == 1
			if failed != (c.want != nil) || !failed && err != nil {
				t.Errorf("%v: %s", err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("it printed %s\nwithout %q", out, want)
				}
			}
		})
	}
}

// verdict is a testing.TB that takes what would fail a test.
type verdict struct {
	testing.TB
	failed []string
}

func (v *verdict) Helper()                        {}
func (v *verdict) Errorf(format string, _ ...any) { v.failed = append(v.failed, format) }

func TestCloseFails(t *testing.T) {
	for name, leave := range map[string]func(l *corolla.Loop) error{
		"":         func(*corolla.Loop) error { return nil },
		"a timer":  func(l *corolla.Loop) error { l.After(time.Hour, func() {}); return nil },
		"a task":   func(l *corolla.Loop) error { l.Go(func(*corolla.Task) error { return nil }); return nil },
		"a socket": func(l *corolla.Loop) error { _, err := aio.Listen(l, "tcp", "127.0.0.1:0"); return err },
	} {
		l := sim.New(1).NewLoop()
		if err := leave(l); err != nil {
			t.Fatal(err)
		}
		v := &verdict{TB: t}
		corollatest.Close(v, l)
		if (len(v.failed) > 0) != (name != "") {
			t.Errorf("leaving %q: failed with %q", name, v.failed)
		}
		if !l.Stats().Closed {
			t.Errorf("leaving %q: the loop is not closed", name)
		}
		corollatest.Close(t, l) // which a closed one allows
	}
}
