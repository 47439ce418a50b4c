package gen_test

import (
	"iter"
	"testing"

	"github.com/corolla-go/corolla/gen"
)

// BenchmarkPull is the yardstick: a bare coroutine.
func BenchmarkPull(b *testing.B) {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	defer stop()
	for b.Loop() {
		next()
	}
}

func BenchmarkNext(b *testing.B) {
	b.ReportAllocs()
	g := gen.New(func(y *gen.Yield[int, struct{}]) (int, error) {
		for i := 0; ; i++ {
			if _, err := y.Yield(i); err != nil {
				return i, err
			}
		}
	})
	defer g.Close()
	for b.Loop() {
		if _, err := g.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
