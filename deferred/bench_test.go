package deferred_test

import (
	"testing"

	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
)

func inc(v int) (int, error) { return v + 1, nil }

// BenchmarkFire makes a Deferred, adds a callback and fires it.
func BenchmarkFire(b *testing.B) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		d := deferred.New[int](l)
		d.AddCallback(inc)
		_ = d.Callback(1)
	}
}

// BenchmarkThen changes the type, which takes a Deferred more.
func BenchmarkThen(b *testing.B) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		d := deferred.New[int](l)
		deferred.Then(d, func(v int) (bool, error) { return v == 1, nil })
		_ = d.Callback(1)
	}
}

// BenchmarkChain1000 is a Deferred with a thousand callbacks.
func BenchmarkChain1000(b *testing.B) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		d := deferred.New[int](l)
		for range 1000 {
			d.AddCallback(inc)
		}
		_ = d.Callback(1)
	}
}

// BenchmarkInner1000 is a thousand Deferreds, each of which waits for the one before.
func BenchmarkInner1000(b *testing.B) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		first := deferred.New[int](l)
		d := first
		for range 1000 {
			inner := d
			d = deferred.Succeed(l, 0).ChainCallback(func(int) *deferred.Deferred[int] { return inner })
		}
		_ = first.Callback(1)
	}
}

// BenchmarkGather1000 gathers a thousand Deferreds that fire one after the other.
func BenchmarkGather1000(b *testing.B) {
	l := sim.New(1).NewLoop()
	defer l.Close()
	b.ReportAllocs()
	ds := make([]*deferred.Deferred[int], 1000)
	for b.Loop() {
		for i := range ds {
			ds[i] = deferred.New[int](l)
		}
		deferred.Gather(l, ds)
		for i, d := range ds {
			_ = d.Callback(i)
		}
	}
}
