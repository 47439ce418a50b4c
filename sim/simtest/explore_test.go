package simtest_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// witness is a test that notes how it fails.
type witness struct {
	testing.TB
	name   string
	failed string
	logged string
}

func (w *witness) Helper()                        {}
func (w *witness) Failed() bool                   { return w.failed != "" }
func (w *witness) Name() string                   { return cmp.Or(w.name, "TestWitness") }
func (w *witness) Log(args ...any)                { w.logged += fmt.Sprintln(args...) }
func (w *witness) Logf(format string, a ...any)   { w.logged += fmt.Sprintf(format+"\n", a...) }
func (w *witness) Errorf(format string, a ...any) { w.failed += fmt.Sprintf(format+"\n", a...) }

// with sets flags for a test.
func with(t *testing.T, flags ...string) {
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		was := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, was) })
	}
}

// lives has a host that crashes now and then, and fails in its life of that number.
func lives(most int) func(r *simtest.Run) error {
	return func(r *simtest.Run) error {
		life := 0
		r.Host("other").Start(func(t *corolla.Task) error { return nil })
		r.Host("mortal").Start(func(t *corolla.Task) error {
			life++
			if life > 1 {
				r.Sometimes(fmt.Sprintf("life %d", life))
			}
			return t.Sleep(10 * time.Second)
		})
		r.Storm(10*time.Second, sim.Crash, sim.Delay, sim.SlowHost, sim.Reset, sim.Partition, sim.Short)
		r.Advance(20 * time.Second)
		if life >= most {
			return fmt.Errorf("lived %d times", life)
		}
		return nil
	}
}

func TestFailureIsShrunkAndReplays(t *testing.T) {
	dir := t.TempDir()
	with(t, "sim.trace="+dir)
	w := &witness{TB: t}
	simtest.Explore(w, 1000, lives(3))
	if n := strings.Count(w.failed, "\n    crash at="); n != 2 || strings.Count(w.failed, "\n    ") != 2 {
		t.Errorf("it takes two crashes of one host, and the report says:\n%s", w.failed)
	}
	if n := strings.Count(w.failed, " for=1ms host=mortal\n"); n != 2 {
		t.Errorf("the crashes are not as short as can be:\n%s", w.failed)
	}
	_, command, _ := strings.Cut(w.failed, "replay: go test -run '^TestWitness$' github.com/corolla-go/corolla/sim/simtest -sim.seed=")
	seed, _, _ := strings.Cut(command, "\n")
	with(t, "sim.seed="+seed)
	again := &witness{TB: t}
	simtest.Explore(again, 1000, lives(3))
	if again.failed != w.failed || w.failed == "" {
		t.Errorf("replayed with %s:\n%s\nwas:\n%s", seed, again.failed, w.failed)
	}
	for _, ext := range []string{".txt", ".html"} {
		if files, _ := filepath.Glob(dir + "/*" + ext); len(files) != 1 {
			t.Errorf("%d files *%s", len(files), ext)
		} else if b, err := os.ReadFile(files[0]); err != nil || strings.Count(string(b), "crash the process") != 2 {
			t.Errorf("%s does not show two crashes: %v", files[0], err)
		}
	}
}

func TestExplorationDoesNotDependOnTheCores(t *testing.T) {
	was := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(was)
	runs, failed, summary := simtest.Explored(300, false, lives(7))
	runtime.GOMAXPROCS(4)
	if n, f, s := simtest.Explored(300, false, lives(7)); n != runs || f != failed || s != summary {
		t.Errorf("on 4 cores: %d runs, %s failed, %s\non one: %d runs, %s failed, %s", n, f, s, runs, failed, summary)
	}
}

// TestRareStatesAreBredFrom wants that what takes several coincidences in a row is found much sooner
// by going back to states that were reached.
func TestRareStatesAreBredFrom(t *testing.T) {
	bred, failed, _ := simtest.Explored(1000, false, lives(6))
	if failed == "" || !strings.Contains(failed, "+") {
		t.Errorf("%d runs, failed: %q", bred, failed)
	}
	if blind, failed, summary := simtest.Explored(10*bred, true, lives(6)); failed != "" {
		t.Errorf("bred runs found it after %d runs, blind ones after %d\n%s", bred, blind, summary)
	}
}

func TestShortExplorations(t *testing.T) {
	with(t, "test.short=true")
	w := &witness{TB: t}
	var calls atomic.Int64
	body := func(r *simtest.Run) error {
		r.Expect("never")
		calls.Add(1)
		return nil
	}
	simtest.Explore(w, 41, body)
	if n := calls.Swap(0); n != 5 || w.failed != "" {
		t.Errorf("%d runs, reported: %s", n, w.failed)
	}
	with(t, "sim.n=41")
	if simtest.Explore(w, 10, body); calls.Load() != 41 || w.failed == "" {
		t.Errorf("%d runs where 41 were asked for, reported: %s", calls.Load(), w.failed)
	}
}

func TestStatesThatNoRunReaches(t *testing.T) {
	with(t, "test.short=false")
	w := &witness{TB: t}
	simtest.Explore(w, 40, func(r *simtest.Run) error {
		r.Expect("here", "there")
		if r.Seed() == 7 {
			r.Sometimes("here")
		}
		return nil
	})
	if !strings.Contains(w.failed, `no run got to: "there"`) || strings.Contains(w.failed, `"here"`) {
		t.Errorf("reported: %s", w.failed)
	}
	if !strings.Contains(w.logged, "       0  there") || !strings.Contains(w.logged, "  here") {
		t.Errorf("logged: %s", w.logged)
	}
}

func TestNumberOfRuns(t *testing.T) {
	with(t, "sim.n=70")
	var calls atomic.Int32
	simtest.Explore(t, 5, func(r *simtest.Run) error { calls.Add(1); return nil })
	if n := calls.Load(); n != 70 {
		t.Errorf("%d runs", n)
	}
}

func TestPage(t *testing.T) {
	page := simtest.Draw("Test<Page>", []sim.Event{
		{Time: 1, Host: "a", Kind: sim.Sent, Peer: "b", Conn: 1, Text: "5 bytes"},
		{Time: 2, Host: "a", Kind: sim.Sent, Peer: "b", Conn: 1, Text: "6 bytes"},
		{Time: 3, Host: "b", Kind: sim.Arrived, Peer: "a", Conn: 1, Text: "5 bytes"},
		{Time: 3, Host: "b", Kind: sim.Call, Text: "read 5 of 5"},
		{Time: 4, Host: "b", Kind: sim.Lost, Peer: "a", Conn: 1, Text: "6 bytes"},
		{Time: 5, Host: "a", Kind: sim.Crashed, Text: "the process"},
		{Time: 5, Host: "b", Kind: sim.Sent, Peer: "a", Conn: 1, Text: "7 bytes", Data: "hi\r\nyou"},
		{Time: 6, Host: "a", Kind: sim.Arrived, Peer: "b", Conn: 1, Text: "7 bytes"},
		{Time: 6, Host: "b", Kind: sim.TaskIs, Task: "main", Text: "parked on <sleep>"},
		{Time: 7, Host: "b", Kind: sim.TaskIs, Task: "main", Text: "parked on a read"},
		{Time: 7, Host: "b", Kind: sim.TaskIs, Task: "other", Text: "ready"},
		{Time: 8, Host: "b", Kind: sim.TaskIs, Task: "other", Text: "ended"},
		{Time: 8, Host: "b", Kind: sim.Stuck, Text: "task 1 waits"},
	}, []sim.Fault{{Kind: sim.Crash, At: 5, Host: "a"}}, errors.New("it & failed"))
	for text, want := range map[string]int{
		"Test&lt;Page&gt;</h1>": 1, "it &amp; failed": 1, "crash at=5ns host=a": 1, `class="name"`: 2,
		`class="arrow arrive"`: 2, `class="arrow lose"`: 1, `<title>5 bytes</title>`: 1, "read 5": 0,
		`class="down"`: 1, "b: task 1 waits": 1,
		"<title>7 bytes: hi you</title>": 1, ">hi you</text>": 1,
		"<td>main</td><td>parked on a read</td><td>7ns</td>": 1, "6ns parked on &lt;sleep&gt;<br>": 1, "other": 0,
	} {
		if n := strings.Count(page, text); n != want {
			t.Errorf("%q is there %d times, not %d", text, n, want)
		}
	}
}
