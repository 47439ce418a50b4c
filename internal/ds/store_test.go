package ds_test

import (
	"slices"
	"testing"

	"github.com/corolla-go/corolla/internal/ds"
)

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
