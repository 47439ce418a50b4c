package simtest

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla/sim"
)

// change is a fault of a run, and what it is now.
type change struct{ was, is sim.Fault }

// shrink leaves out faults for as long as the program still fails in the same way, then makes those that
// are left shorter, and returns them. Each of them is needed: without any one of them it does not fail.
func (p program) shrink(how recipe, faults []sim.Fault, failure error) []change {
	list := make([]change, len(faults))
	for i, f := range faults {
		list[i] = change{f, f}
	}
	want := signature(failure)
	fails := func(list []change) bool {
		_, err := p.run(how, false, only(list))
		return err != nil && signature(err) == want
	}
	list = fewer(list, fails)
	for i := range list {
		for try := range shorter(list[i].is) {
			was := list[i].is
			if list[i].is = try; !fails(list) {
				list[i].is = was
				break
			}
		}
	}
	return list
}

// fewer leaves out what is not needed.
func fewer(list []change, fails func([]change) bool) []change {
	for step := max(len(list)/2, 1); ; step = max(step/2, 1) {
		shrunk := false
		for i := 0; i < len(list); {
			rest := append(slices.Clone(list[:i]), list[min(i+step, len(list)):]...)
			if fails(rest) {
				list, shrunk = rest, true
			} else {
				i += step
			}
		}
		if step == 1 && !shrunk {
			return list
		}
	}
}

// shorter yields a fault that lasts half as long, and so on, down to a millisecond.
func shorter(f sim.Fault) iter.Seq[sim.Fault] {
	return func(yield func(sim.Fault) bool) {
		for f.For > time.Millisecond {
			if f.For = max((f.For / 2).Round(time.Millisecond), time.Millisecond); !yield(f) {
				return
			}
		}
	}
}

// only leaves out all faults but these, and has these strike as they are now.
func only(list []change) func(sim.Fault) (sim.Fault, bool) {
	left := slices.Clone(list)
	return func(f sim.Fault) (sim.Fault, bool) {
		i := slices.IndexFunc(left, func(c change) bool { return c.was == f })
		if i < 0 {
			return f, false
		}
		is := left[i].is
		left = slices.Delete(left, i, i+1)
		return is, true
	}
}

var numbers = regexp.MustCompile(`([0-9][0-9a-f.:]*(ns|µs|ms|s|m|h)?)+`)

// signature is what two failures have in common that are the same but for times and numbers.
func signature(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return numbers.ReplaceAllString(first, "#")
}
