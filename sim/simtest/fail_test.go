package simtest_test

import (
	"bytes"
	"errors"
	"log"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim/simtest"
)

func TestWaysToFail(t *testing.T) {
	with(t, "test.short=false")
	for name, c := range map[string]struct {
		body func(r *simtest.Run) error
		want string
	}{
		"error":  {func(r *simtest.Run) error { return errors.New("an error") }, "an error"},
		"panic":  {func(r *simtest.Run) error { panic("a panic") }, "panic: a panic\n"},
		"broken": {func(r *simtest.Run) error { r.Always(r.Seed() != 3, "not three"); return nil }, "not three"},
		"deadlock": {func(r *simtest.Run) error {
			r.Host("a").Start(func(t *corolla.Task) error {
				_, err := corolla.NewFuture[int](t.Loop()).Await(t)
				return err
			})
			return r.World.Run()
		}, "nothing more can happen"},
		"goexit": {func(r *simtest.Run) error { runtime.Goexit(); return nil }, "let it return an error instead"},
		"panic of main": {func(r *simtest.Run) error {
			r.Host("a").Start(func(*corolla.Task) error { panic("a panic") })
			return r.World.Run()
		}, "fail_test.go:"}, // in its stack
		"panic of a callback": {func(r *simtest.Run) error {
			r.Host("a").Start(func(t *corolla.Task) error {
				t.Loop().Soon(func() { panic("a panic") })
				return t.Sleep(time.Second)
			})
			return r.World.Run()
		}, "no panics, but: panic in callback"},
	} {
		t.Run(name, func(t *testing.T) {
			with(t, "sim.trace="+t.TempDir())
			w := &witness{TB: t}
			simtest.Explore(w, 10, c.body)
			if !strings.Contains(w.failed, c.want) || !strings.Contains(w.failed, "none of its 0 faults") {
				t.Errorf("reported: %s", w.failed)
			}
		})
	}
}

func TestProgramsThatDoNotRepeat(t *testing.T) {
	w := &witness{TB: t}
	var calls atomic.Int32
	simtest.Explore(w, 1, func(r *simtest.Run) error {
		if calls.Add(1) == 1 {
			return errors.New("only once")
		}
		return nil
	})
	if !strings.Contains(w.failed, "does not repeat itself") {
		t.Errorf("reported: %s", w.failed)
	}
}

// TestProgramsThatFailTheTest says so, as it cannot tell which run it was.
func TestProgramsThatFailTheTest(t *testing.T) {
	w := &witness{TB: t}
	var once sync.Once
	simtest.Explore(w, 40, func(r *simtest.Run) error {
		once.Do(func() { w.Errorf("by the program") })
		return nil
	})
	if !strings.Contains(w.failed, "a run called t.Error") {
		t.Errorf("reported: %s", w.failed)
	}
}

// TestCommandsAreQuoted wants that what is printed can be pasted into a shell, from anywhere in the module.
func TestCommandsAreQuoted(t *testing.T) {
	for name, want := range map[string]string{
		"TestA":             "'^TestA$'",
		"TestA/b":           "'^TestA$/^b$'",
		"TestA/1+1_(it's)x": `'^TestA$/^1\+1_\(it'\''s\)x$'`,
		"TestA/$HOME":       `'^TestA$/^\$HOME$'`,
	} {
		with(t, "sim.trace="+t.TempDir())
		w := &witness{TB: t, name: name}
		simtest.Explore(w, 1, func(r *simtest.Run) error { return errors.New("an error") })
		want = "go test -run " + want + " github.com/corolla-go/corolla/sim/simtest -sim.seed=1\n"
		if !strings.Contains(strings.ReplaceAll(w.failed, "-tags= ", ""), want) {
			t.Errorf("%s: reported %s\nwant %s", name, w.failed, want)
		}
	}
}

// TestRunsThatDoNotEndAreNamed has a run wait for something that is not simulated, until it is spoken of.
func TestRunsThatDoNotEndAreNamed(t *testing.T) {
	simtest.Impatient(t)
	said := make(spoken, 1)
	log.SetOutput(said)
	defer log.SetOutput(os.Stderr)
	line := ""
	simtest.Explore(t, 1, func(r *simtest.Run) error {
		line = <-said
		return nil
	})
	if !strings.Contains(line, "seed 1 has not ended") || !strings.Contains(line, "-sim.seed=1") {
		t.Errorf("logged: %s", line)
	}
}

// spoken is a log.
type spoken chan string

func (s spoken) Write(b []byte) (int, error) {
	select {
	case s <- string(bytes.TrimSpace(b)):
	default:
	}
	return len(b), nil
}

// TestSignatures: two times of one failure have one signature: what is left out must not change what fails, but when.
func TestSignatures(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"late by 3ms", "late by 1m2.5s", true},
		{"sim: broken at 4.5s: once", "sim: broken at 250µs: once", true},
		{"lived 3 times", "lived 12 times", true},
		{"one\nand more", "one", true},
		{"lived 3 times", "died 3 times", false},
	} {
		if got := simtest.Signature(errors.New(c.a)) == simtest.Signature(errors.New(c.b)); got != c.same {
			t.Errorf("%q and %q are the same: %v", c.a, c.b, got)
		}
	}
}
