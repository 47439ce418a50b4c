package simtest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
)

func TestRecipesAreRead(t *testing.T) {
	for _, s := range []string{"17", "0", "17+1.5s:4", "17+1.5s:4+2s:9"} {
		if got, err := simtest.ReadRecipe(s); err != nil || got != s {
			t.Errorf("%s is read as %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "-1", "17+", "17+1s", "17+1s:x", "17+x:1", "17+2s:1+1s:1", "17+1s:1+1s:2", "17+-1s:4"} {
		if got, err := simtest.ReadRecipe(s); err == nil {
			t.Errorf("%q is read as %s", s, got)
		}
	}
}

func TestGoingBackDropsWhatCameLater(t *testing.T) {
	for at, want := range map[time.Duration]string{
		3 * time.Second: "17+1s:4+2s:9+3s:5",
		2 * time.Second: "17+1s:4+2s:5",
		time.Second / 2: "17+500ms:5",
	} {
		if got := simtest.RecipeFrom("17+1s:4+2s:9", at, 5); got != want {
			t.Errorf("from %v: %s, want %s", at, got, want)
		}
	}
}

// TestStormsEnd draws every kind of fault many times, and wants that each makes sense and is over when
// the storm is.
func TestStormsEnd(t *testing.T) {
	const from, until = time.Second, 3 * time.Second
	seen := map[sim.FaultKind]int{}
	for seed := range 3000 {
		for _, f := range simtest.Faults(fmt.Sprint(seed), from, until, []string{"a", "b", "c"}, sim.FaultKinds()...) {
			seen[f.Kind]++
			if err := f.Check(); err != nil {
				t.Fatal(err)
			}
			if f.At < from || f.At+f.For > until {
				t.Fatalf("%v is not within %v and %v", f, from, until)
			}
			if f.Peer == f.Host {
				t.Fatalf("%v is of a host and itself", f)
			}
			if again, err := sim.ParseFault(f.String()); err != nil || again != f {
				t.Fatalf("%v is read as %v, %v", f, again, err)
			}
		}
	}
	for _, k := range sim.FaultKinds() {
		if seen[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
}

func TestForkKeepsWhatCameBefore(t *testing.T) {
	kept, drawn := 0, 0
	for seed := range 300 {
		faults := func(recipe string) []sim.Fault {
			return simtest.Faults(recipe, 0, 10*time.Second, []string{"a", "b"}, simtest.Usual()...)
		}
		before := func(f sim.Fault) bool { return f.At < 5*time.Second }
		behind := func(f sim.Fault) bool { return !before(f) }
		whole, forked := faults(fmt.Sprint(seed)), faults(fmt.Sprintf("%d+5s:%d", seed, seed+1000))
		other := faults(fmt.Sprint(seed + 1000))
		want := append(slices.DeleteFunc(slices.Clone(whole), behind), slices.DeleteFunc(other, before)...)
		if !slices.Equal(forked, want) {
			t.Fatalf("seed %d: %v, want %v", seed, forked, want)
		}
		kept += len(slices.DeleteFunc(slices.Clone(forked), behind))
		drawn += len(slices.DeleteFunc(forked, before))
	}
	if kept == 0 || drawn == 0 {
		t.Errorf("%d faults kept and %d drawn: that shows nothing", kept, drawn)
	}
}
