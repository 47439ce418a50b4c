package ds_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/corolla-go/corolla/internal/ds"
)

func TestRingKeepsOrderAndNumbersAcrossGrowth(t *testing.T) {
	var r ds.Ring[int]
	rng := rand.New(rand.NewPCG(1, 2))
	var pushed, popped uint64
	for range 10_000 {
		if r.Len() == 0 || rng.IntN(5) < 3 {
			if n := r.Push(int(pushed)); n != pushed {
				t.Fatalf("Push returned number %d, want %d", n, pushed)
			}
			pushed++
			continue
		}
		if v := r.Pop(); v != int(popped) {
			t.Fatalf("Pop = %d, want %d", v, popped)
		}
		popped++
		if r.At(popped-1) != nil {
			t.Fatal("At of a popped item is not nil")
		}
		if at := r.At(pushed - 1); r.Len() > 0 && (at == nil || *at != int(pushed-1)) {
			t.Fatal("At does not find the newest item")
		}
		if r.At(pushed) != nil {
			t.Fatal("At of an item never pushed is not nil")
		}
	}
}

func TestRingShrinksOnlyWhenEmpty(t *testing.T) {
	var r ds.Ring[int]
	for i := range 100 {
		r.Push(i)
	}
	r.Shrink(16)
	if got := r.Pop(); got != 0 {
		t.Fatalf("Pop after Shrink of a full ring = %d, want 0", got)
	}
	for r.Len() > 0 {
		r.Pop()
	}
	r.Shrink(16)
	if n := r.Push(7); n != 100 || *r.At(100) != 7 {
		t.Fatalf("numbering changed by Shrink: %d", n)
	}
}

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

func TestWhatComesBackKeepsItsOrder(t *testing.T) {
	type store interface {
		Push(int)
		Unpop(int)
		Pop() int
		Len() int
	}
	for name, s := range map[string]store{
		"FIFO":     new(ds.FIFO[int]),
		"Priority": ds.NewPriority(func(a, b int) bool { return a/10 < b/10 }), // tens are equal
	} {
		for v := range 6 {
			s.Push(v)
		}
		a, b := s.Pop(), s.Pop()
		s.Unpop(a)
		s.Unpop(b)
		var got []int
		for s.Len() > 0 {
			got = append(got, s.Pop())
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestListAgainstASlice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var list ds.List[int]
	links := make([]ds.Link[int], 20)
	var want []int
	for range 10_000 {
		i := rnd.IntN(len(links))
		links[i].Value = i
		at := slices.Index(want, i)
		if links[i].In(&list) != (at >= 0) || links[i].Leave() != (at >= 0) {
			t.Fatalf("link %d: In or Leave is wrong; the list is %v", i, want)
		}
		if at >= 0 {
			want = slices.Delete(want, at, at+1)
		} else {
			list.Push(&links[i])
			want = append(want, i)
		}
		var got []int
		for k := list.First(); k != nil; k = k.Next() {
			got = append(got, k.Value)
		}
		if !slices.Equal(got, want) || list.Len() != len(want) {
			t.Fatalf("got %v of %d, want %v", got, list.Len(), want)
		}
		for k := list.Last(); k != nil; k = k.Prev() {
			if n := len(got); n == 0 || got[n-1] != k.Value {
				t.Fatalf("backwards comes %d, want the last of %v", k.Value, got)
			}
			got = got[:len(got)-1]
		}
		if len(got) > 0 {
			t.Fatalf("backwards %v are left out", got)
		}
		if n := len(want); n > 0 && list.Last().Value != want[n-1] {
			t.Fatalf("last is %d of %v", list.Last().Value, want)
		}
	}
}

func TestPushOfAListedLinkPanics(t *testing.T) {
	var a, b ds.List[int]
	var k ds.Link[int]
	a.Push(&k)
	defer func() {
		if recover() == nil {
			t.Error("did not panic")
		}
	}()
	b.Push(&k)
}
