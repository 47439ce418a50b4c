package simtest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// breeder decides which runs to make. Three of four go back to a state that a former run got to, the
// rarer the likelier, and from there to another future; the rest begin anew.
type breeder struct {
	rng   *rand.Rand
	blind bool
	next  uint64         // the next seed that nobody has had
	count map[string]int // in how many runs a state was reached, and not only because they went back to it
	from  map[string][]parent
}

// parent is a run that got to some state, and when it did.
type parent struct {
	recipe recipe
	at     time.Duration
}

// maxParents is how many ways to a state are remembered. Later ones take the place of earlier ones, so
// that what is bred from comes from further on.
const maxParents = 8

// maxForks is how often a run is led on from where another was.
const maxForks = 12

func newBreeder(blind bool, from uint64) *breeder {
	return &breeder{
		rng: rand.New(rand.NewPCG(from, 0x6272656564)), blind: blind,
		next: from, count: map[string]int{}, from: map[string][]parent{},
	}
}

// pick returns the recipe of the next run.
func (b *breeder) pick() recipe {
	if !b.blind && len(b.from) > 0 && b.rng.IntN(4) > 0 {
		ways := b.from[b.state()]
		p := ways[b.rng.IntN(len(ways))]
		return p.recipe.from(p.at, b.rng.Uint64N(1<<32))
	}
	b.next++
	return recipe{seed: b.next - 1}
}

// state picks a state, each with a weight of one over the square of the number of runs that reached it.
func (b *breeder) state() string {
	names := slices.Sorted(maps.Keys(b.from))
	sum := 0.0
	for _, name := range names {
		sum += b.weight(name)
	}
	x := b.rng.Float64() * sum
	for _, name := range names {
		if x -= b.weight(name); x < 0 {
			return name
		}
	}
	return names[len(names)-1]
}

func (b *breeder) weight(state string) float64 {
	n := float64(b.count[state])
	return 1 / (n * n)
}

// learn takes in what a run has reached since it left the way of the run that it was bred from.
func (b *breeder) learn(r *Run) {
	left := time.Duration(-1)
	if n := len(r.recipe.forks); n > 0 {
		left = r.recipe.forks[n-1].at
	}
	for _, s := range slices.Sorted(maps.Keys(r.reached)) {
		moments := slices.DeleteFunc(r.reached[s], func(at time.Duration) bool { return at < left })
		if len(moments) == 0 {
			continue
		}
		b.count[s]++
		if len(r.recipe.forks) >= maxForks {
			continue
		}
		p := parent{r.recipe, moments[b.rng.IntN(len(moments))] + 1} // the state itself stays
		if ways := b.from[s]; len(ways) < maxParents {
			b.from[s] = append(ways, p)
		} else {
			ways[b.rng.IntN(maxParents)] = p
		}
	}
}
