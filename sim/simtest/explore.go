package simtest

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla/sim"
)

var (
	seedFlag  = flag.String("sim.seed", "", "explore only the run with this `seed`, as a failure has reported it")
	nFlag     = flag.Int("sim.n", 0, "explore so many `runs` instead of what the test says")
	fromFlag  = flag.Uint64("sim.from", 1, "the first `seed` of an exploration, for another one each night")
	blindFlag = flag.Bool("sim.blind", false, "draw each seed anew, and do not go back to states that were reached")
	traceFlag = flag.String("sim.trace", "", "write traces into this `folder`")
)

// Option configures Explore.
type Option func(*explorer)

// Worlds sets options of the Worlds.
func Worlds(opts ...sim.Option) Option {
	return func(e *explorer) { e.worlds = append(e.worlds, opts...) }
}

// generation is how many runs are picked before any of them is learned from. It does not depend on the
// number of cores, so neither does what is explored.
const generation = 32

type explorer struct{ program }

// Explore runs body n times, on all cores, each time with another seed, and fails t at the first run
// that fails; see the package. Which runs those are does not depend on the machine. body is called
// on several goroutines at once, so what it shares with other runs must be constant. It says that it
// fails by an error, not by t.Error or t.Fatal: those fail t, but do not say which run it was.
//
// With go test -short it makes a tenth of the runs, and does not want every state to be reached that Sometimes names.
func Explore(t testing.TB, n int, body func(r *Run) error, opts ...Option) {
	t.Helper()
	e := &explorer{program: program{body: body, command: func(how recipe) string { return command(t, how) }}}
	for _, o := range opts {
		o(e)
	}
	if *seedFlag != "" {
		e.replay(t)
		return
	}
	few := testing.Short() && *nFlag == 0
	switch {
	case *nFlag > 0:
		n = *nFlag
	case few:
		n = (n + 9) / 10
	}
	before := t.Failed()
	sum := e.explore(n)
	t.Logf("%s: %s", t.Name(), sum)
	if sum.failed != nil {
		e.report(t, sum.failed.recipe, sum.failed.err)
	} else if t.Failed() && !before {
		t.Errorf("a run called t.Error, which does not say which one it was: let the program return an error, or call Always")
	} else if never := sum.never(); len(never) > 0 && !few {
		t.Errorf("no run got to: %s", strings.Join(never, "; "))
	}
}

// replay makes the one run that the flag names.
func (e *explorer) replay(t testing.TB) {
	t.Helper()
	how, err := parseRecipe(*seedFlag)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.run(how, true, nil)
	if err != nil {
		e.report(t, how, err)
	} else if *traceFlag != "" {
		t.Logf("seed %v passed; its trace: %s", how, write(t, *traceFlag, r, nil))
	} else {
		t.Logf("seed %v passed", how)
	}
}

// outcome is a run that has ended.
type outcome struct {
	*Run
	err error
}

// summary says what an exploration has seen.
type summary struct {
	runs    int
	time    time.Duration // in the Worlds
	faults  int
	count   map[string]int
	expects []string
	failed  *outcome
}

func (e *explorer) explore(n int) summary {
	b := newBreeder(*blindFlag, *fromFlag)
	sum := summary{count: b.count}
	for sum.runs < n && sum.failed == nil {
		how := make([]recipe, min(generation, n-sum.runs))
		for i := range how {
			how[i] = b.pick()
		}
		for _, o := range e.all(how) {
			sum.runs++
			sum.time += o.Now()
			sum.faults += len(o.faults)
			for _, s := range o.expects {
				if !slices.Contains(sum.expects, s) {
					sum.expects = append(sum.expects, s)
				}
			}
			b.learn(o.Run)
			if o.err != nil {
				sum.failed = &o
				break
			}
		}
	}
	return sum
}

// all makes runs on all cores.
func (e *explorer) all(how []recipe) []outcome {
	done := make([]outcome, len(how))
	next := make(chan int, len(how))
	for i := range how {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(how)) {
		wg.Go(func() {
			for i := range next {
				r, err := e.run(how[i], false, nil)
				done[i] = outcome{r, err}
			}
		})
	}
	wg.Wait()
	return done
}

func (s summary) never() (states []string) {
	for _, e := range s.expects {
		if s.count[e] == 0 {
			states = append(states, fmt.Sprintf("%q", e))
		}
	}
	return states
}

func (s summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d runs, %v in their worlds, %d faults", s.runs, s.time.Round(time.Millisecond), s.faults)
	states := make([]string, 0, len(s.count))
	for state := range s.count {
		states = append(states, state)
	}
	for _, state := range s.expects {
		if s.count[state] == 0 {
			states = append(states, state)
		}
	}
	slices.Sort(states)
	for _, state := range states {
		fmt.Fprintf(&b, "\n%8d  %s", s.count[state], state)
	}
	return b.String()
}
