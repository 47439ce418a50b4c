package simtest

import (
	"regexp"
	"strings"

	"github.com/corolla-go/corolla/sim"
)

// shrink leaves out faults for as long as the program still fails in the same way, and returns the
// run with those that are left. Each of them is needed: without any one of them it does not fail.
func (p program) shrink(how recipe, faults []sim.Fault, failure error) []sim.Fault {
	want := signature(failure)
	fails := func(left []sim.Fault) bool {
		_, err := p.run(how, false, without(left))
		return err != nil && signature(err) == want
	}
	for step := max(len(faults)/2, 1); ; step = max(step/2, 1) {
		shrunk := false
		for i := 0; i < len(faults); {
			rest := append(append([]sim.Fault{}, faults[:i]...), faults[min(i+step, len(faults)):]...)
			if fails(rest) {
				faults, shrunk = rest, true
			} else {
				i += step
			}
		}
		if step == 1 && !shrunk {
			return faults
		}
	}
}

// without leaves out all faults but these.
func without(left []sim.Fault) func(sim.Fault) bool {
	n := map[sim.Fault]int{}
	for _, f := range left {
		n[f]++
	}
	return func(f sim.Fault) bool {
		n[f]--
		return n[f] < 0
	}
}

var numbers = regexp.MustCompile(`[0-9][0-9a-fµ.:]*`)

// signature is what two failures have in common that are the same but for times and numbers.
func signature(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return numbers.ReplaceAllString(first, "#")
}
