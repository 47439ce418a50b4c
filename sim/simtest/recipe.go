package simtest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// recipe is what decides a run: a seed, and from some times on another. It is written 17, or
// 17+1.5s:4+2s:9 for seed 17, from 1.5 s on seed 4, and from 2 s on seed 9.
type recipe struct {
	seed  uint64
	forks []fork
}

type fork struct {
	at   time.Duration
	seed uint64
}

func (r recipe) String() string {
	s := strconv.FormatUint(r.seed, 10)
	for _, f := range r.forks {
		s += fmt.Sprintf("+%v:%d", f.at, f.seed)
	}
	return s
}

// from returns a recipe for the run that is the same until at and then another.
func (r recipe) from(at time.Duration, seed uint64) recipe {
	kept := r.forks[:0:0]
	for _, f := range r.forks {
		if f.at < at {
			kept = append(kept, f)
		}
	}
	return recipe{r.seed, append(kept, fork{at, seed})}
}

func parseRecipe(s string) (recipe, error) {
	first, rest, more := strings.Cut(s, "+")
	seed, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return recipe{}, fmt.Errorf("simtest: seed %q: %w", s, errors.Unwrap(err))
	}
	r := recipe{seed: seed}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "+")
		at, seed, _ := strings.Cut(part, ":")
		f := fork{}
		if f.at, err = time.ParseDuration(at); err != nil {
			return recipe{}, fmt.Errorf("simtest: seed %q: %q is not a time and a seed, such as 1.5s:4", s, part)
		}
		if f.seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			return recipe{}, fmt.Errorf("simtest: seed %q: %q is not a time and a seed, such as 1.5s:4", s, part)
		}
		if n := len(r.forks); f.at < 0 || n > 0 && f.at <= r.forks[n-1].at {
			return recipe{}, fmt.Errorf("simtest: seed %q: the times do not rise", s)
		}
		r.forks = append(r.forks, f)
	}
	return r, nil
}
