package simtest

import (
	"testing"
	"time"

	"github.com/corolla-go/corolla/sim"
)

// What the tests look at.

func ReadRecipe(s string) (string, error) {
	r, err := parseRecipe(s)
	return r.String(), err
}

func RecipeFrom(s string, at time.Duration, seed uint64) string {
	r, err := parseRecipe(s)
	if err != nil {
		panic(err)
	}
	return r.from(at, seed).String()
}

func Faults(recipe string, from, until time.Duration, hosts []string, kinds ...sim.FaultKind) []sim.Fault {
	r, err := parseRecipe(recipe)
	if err != nil {
		panic(err)
	}
	return storm{from: from, until: until, hosts: hosts, kinds: kinds}.faults(r)
}

// Explored returns how many runs an exploration makes until one fails, which one that is, and what the
// summary says.
func Explored(n int, blind bool, body func(r *Run) error) (runs int, failed, summary string) {
	was := *blindFlag
	defer func() { *blindFlag = was }()
	*blindFlag = blind
	e := &explorer{program: program{body: body, command: recipe.String}}
	sum := e.explore(n)
	if sum.failed != nil {
		failed = sum.failed.recipe.String()
	}
	return sum.runs, failed, sum.String()
}

func Draw(title string, events []sim.Event, faults []sim.Fault, failure error) string {
	return draw(title, &Run{events: events, faults: faults}, failure)
}

// Impatient has runs spoken of at once.
func Impatient(t *testing.T) {
	was := patience
	patience = time.Millisecond
	t.Cleanup(func() { patience = was })
}

var Signature = signature
