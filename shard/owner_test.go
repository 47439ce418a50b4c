package shard_test

import (
	"fmt"
	"testing"

	"github.com/corolla-go/corolla/shard"
)

// Keys are spread evenly, alike on every shard and in every run, and one shard more takes only its part.
func TestOwner(t *testing.T) {
	const keys = 10_000
	owners := func(n int) (of [keys]int) {
		r := &runner{t: t, seed: 1}
		if err := r.runN(n, func(s *shard.Shard) error {
			var mine [keys]int
			for i := range mine {
				mine[i] = s.Owner(fmt.Sprint("key ", i))
			}
			return s.Call(s.Task(), 0, func(*shard.Shard) error {
				if of != [keys]int{} && of != mine {
					t.Errorf("%v sees other owners", s)
				}
				of = mine
				return nil
			})
		}); err != nil {
			t.Error(err)
		}
		return of
	}
	four, five := owners(4), owners(5)
	var count [5]int
	moved := 0
	for i := range keys {
		count[four[i]]++
		if four[i] != five[i] {
			if moved++; five[i] != 4 {
				t.Errorf("key %d went from %d to %d", i, four[i], five[i])
			}
		}
	}
	for at, n := range count[:4] {
		if n < keys/4-250 || n > keys/4+250 {
			t.Errorf("shard %d has %d of %d keys", at, n, keys)
		}
	}
	if moved < keys/5-250 || moved > keys/5+250 {
		t.Errorf("%d of %d keys moved to a fifth shard", moved, keys)
	}
	if got := [4]int(four[:4]); got != [4]int{1, 3, 2, 1} { // as they always did
		t.Errorf("the first keys belong to %v", got)
	}
}
