package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla/sim/simtest"
)

// witness is a test that notes how it fails.
type witness struct {
	testing.TB
	failed string
}

func (w *witness) Name() string                   { return "TestExploreCounter" }
func (w *witness) Errorf(format string, a ...any) { w.failed += fmt.Sprintf(format+"\n", a...) }

// TestSeededBugIsFound explores the counter with the bug that the build tag counterbug puts in. It must be
// found within 1,000 runs, and the report must name what it takes: two crashes of one host.
func TestSeededBugIsFound(t *testing.T) {
	was := cutHalfLines
	defer func() { cutHalfLines = was }()
	cutHalfLines = false
	if err := flag.Set("sim.trace", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("sim.trace", "") }()
	if err := flag.Set("sim.n", "1000"); err != nil { // with -short, too
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("sim.n", "0") }()
	w := &witness{TB: t}
	simtest.Explore(w, 1000, threeReplicas)
	if !strings.Contains(w.failed, "no order explains these answers") {
		t.Fatalf("reported: %s", w.failed)
	}
	_, faults, _ := strings.Cut(w.failed, "faults it takes")
	crashes := strings.Count(faults, "\n    crash ") + strings.Count(faults, "\n    power-loss ")
	if all := strings.Count(faults, "\n    "); crashes < 2 || all > 3 {
		t.Errorf("it takes a crash in the moment of a write, and another one, but %d faults are reported:\n%s", all, faults)
	}
}
