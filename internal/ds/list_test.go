package ds_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/corolla-go/corolla/internal/ds"
)

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
