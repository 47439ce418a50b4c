package ds_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/corolla-go/corolla/internal/ds"
)

type node struct{ key, place int }

type byKey struct{}

func (byKey) Less(a, b *node) bool { return a.key < b.key }

func (byKey) Place(n *node, i int) { n.place = i }

func TestHeapAgainstSortedSlice(t *testing.T) {
	var h ds.Heap[*node, byKey]
	var model []*node
	rng := rand.New(rand.NewPCG(3, 4))
	check := func() {
		least := slices.MinFunc(model, func(a, b *node) int { return a.key - b.key })
		if h.Min().key != least.key {
			t.Fatalf("Min = %d, want %d", h.Min().key, least.key)
		}
	}
	for range 20_000 {
		switch op := rng.IntN(10); {
		case op < 5 || len(model) == 0:
			n := &node{key: rng.IntN(1000)}
			h.Push(n)
			model = append(model, n)
		case op < 7:
			n := h.Pop()
			i := slices.Index(model, n)
			model = slices.Delete(model, i, i+1)
			if n.place != -1 {
				t.Fatalf("a popped node has place %d", n.place)
			}
		case op < 9:
			i := rng.IntN(len(model))
			n := model[i]
			h.Remove(n.place)
			model = slices.Delete(model, i, i+1)
		default:
			n := model[rng.IntN(len(model))]
			n.key = rng.IntN(1000)
			h.Fix(n.place)
		}
		if h.Len() != len(model) {
			t.Fatalf("Len = %d, want %d", h.Len(), len(model))
		}
		if len(model) > 0 {
			check()
		}
	}
}
