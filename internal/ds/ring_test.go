package ds_test

import (
	"math/rand/v2"
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
