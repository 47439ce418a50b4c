package green_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// What is compared is measured in one run, for machines and days differ: the ratios count.

func benchHub(b *testing.B, main func(h *green.Hub)) {
	b.Helper()
	l, err := corolla.New(corolla.SlowLimit(0))
	leaktest.NeedLoop(b, err)
	defer l.Close()
	h := green.NewHub(l)
	if err := h.Run(func() error { main(h); return nil }); err != nil {
		b.Error(err)
	}
}

// Spawn, run and wait, one by one, and 1,000 at a time.
func BenchmarkSpawn(b *testing.B) {
	const batch = 1000
	b.Run("thread", func(b *testing.B) {
		benchHub(b, func(h *green.Hub) {
			b.ReportAllocs()
			for i := range b.N {
				if v, _ := green.Go(h, func() (int, error) { return i, nil }).Wait(); v != i {
					b.Error("lost")
				}
			}
		})
	})
	b.Run("goroutine", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			result := make(chan int, 1)
			go func() { result <- i }()
			if v := <-result; v != i {
				b.Error("lost")
			}
		}
	})
	b.Run("threads", func(b *testing.B) {
		benchHub(b, func(h *green.Hub) {
			b.ReportAllocs()
			var threads [batch]*green.Thread[int]
			for n := 0; n < b.N; n += batch {
				for i := range threads {
					threads[i] = green.Go(h, func() (int, error) { return i, nil })
				}
				for _, th := range threads {
					_, _ = th.Wait()
				}
			}
		})
	})
	b.Run("goroutines", func(b *testing.B) {
		b.ReportAllocs()
		var results [batch]chan int
		for n := 0; n < b.N; n += batch {
			for i := range results {
				result := make(chan int, 1)
				results[i] = result
				go func() { result <- i }()
			}
			for _, result := range results {
				<-result
			}
		}
	})
}

func BenchmarkYield(b *testing.B) {
	b.Run("thread", func(b *testing.B) {
		benchHub(b, func(h *green.Hub) {
			b.ReportAllocs()
			for range b.N {
				h.Sleep(0)
			}
		})
	})
	b.Run("task", func(b *testing.B) {
		benchHub(b, func(h *green.Hub) {
			b.ReportAllocs()
			t := h.Task()
			for range b.N {
				_ = t.Yield()
			}
		})
	})
}

// Many tiny jobs, 100 at a time.
func BenchmarkMap(b *testing.B) {
	const limit = 100
	job := func(i int) (int, error) { return i * i, nil }
	b.Run("pool", func(b *testing.B) {
		benchHub(b, func(h *green.Hub) {
			b.ReportAllocs()
			n := 0
			for range green.Map(green.NewPool(h, limit), numbers(b.N), job) {
				n++
			}
			if n != b.N {
				b.Errorf("%d results of %d", n, b.N)
			}
		})
	})
	b.Run("goroutines", func(b *testing.B) { // as errgroup's, with its limit
		b.ReportAllocs()
		results := make([]int, b.N)
		room := make(chan struct{}, limit)
		var all sync.WaitGroup
		for i := range b.N {
			room <- struct{}{}
			all.Add(1)
			go func() {
				defer func() {
					<-room
					all.Done()
				}()
				results[i], _ = job(i)
			}()
		}
		all.Wait()
		if slices.Max(results) == 0 && b.N > 1 {
			b.Error("no results")
		}
	})
}
