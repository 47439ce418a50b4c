package simtest

import (
	"math/rand/v2"
	"slices"
	"time"
)

// breeder decides which runs to make. Every other one goes back to a state that a former run got to,
// the rarer the likelier, and from there to another future; the rest begin anew.
type breeder struct {
	rng   *rand.Rand
	blind bool
	next  uint64         // the next seed that nobody has had
	count map[string]int // in how many runs a state was reached
	from  map[string][]parent
}

// parent is a run that got to some state, and when it first did.
type parent struct {
	recipe recipe
	at     time.Duration
}

// maxParents is how many ways to a state are remembered. Later ones take the place of earlier ones, so
// that what is bred from comes from further on.
const maxParents = 8

// maxForks is how often a run is led on from where another was.
const maxForks = 12

func newBreeder(blind bool) *breeder {
	return &breeder{
		rng: rand.New(rand.NewPCG(1, 0x6272656564)), blind: blind,
		next: 1, count: map[string]int{}, from: map[string][]parent{},
	}
}

// pick returns the recipe of the next run.
func (b *breeder) pick() recipe {
	if !b.blind && len(b.from) > 0 && b.rng.IntN(2) == 0 {
		ways := b.from[b.state()]
		p := ways[b.rng.IntN(len(ways))]
		return p.recipe.from(p.at, b.rng.Uint64N(1<<32))
	}
	b.next++
	return recipe{seed: b.next - 1}
}

// state picks a state, each with a weight of one over the number of runs that reached it.
func (b *breeder) state() string {
	names := make([]string, 0, len(b.from))
	sum := 0.0
	for name := range b.from {
		names = append(names, name)
		sum += 1 / float64(b.count[name])
	}
	slices.Sort(names)
	x := b.rng.Float64() * sum
	for _, name := range names {
		if x -= 1 / float64(b.count[name]); x < 0 {
			return name
		}
	}
	return names[len(names)-1]
}

// learn takes in what a run has reached.
func (b *breeder) learn(r *Run) {
	states := make([]string, 0, len(r.reached))
	for s := range r.reached {
		states = append(states, s)
	}
	slices.Sort(states)
	for _, s := range states {
		b.count[s]++
		if len(r.recipe.forks) >= maxForks {
			continue
		}
		p := parent{r.recipe, r.reached[s] + 1} // the state itself stays
		if ways := b.from[s]; len(ways) < maxParents {
			b.from[s] = append(ways, p)
		} else {
			ways[b.rng.IntN(maxParents)] = p
		}
	}
}
