package green_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/corolla-go/corolla/green"
)

// TestWaitInALink has Eventlet's most common link: one that waits for the thread that has just ended.
func TestWaitInALink(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		failed := errors.New("failed")
		var got []error
		th := h.Go(func() error { return failed })
		th.Link(func(th *green.Thread[struct{}]) {
			got = append(got, th.Join())
			_, err := th.Wait()
			got = append(got, err)
		})
		if err := th.Join(); !errors.Is(err, failed) || !slices.Equal(got, []error{failed, failed}) {
			t.Errorf("the link got %v, main %v", got, err)
		}
		return nil
	})
}

// TestMapGoesOnBesideASlowFirst wants that jobs begin as soon as the pool has room, although the first
// result is still to come: one more than the pool has places.
func TestMapGoesOnBesideASlowFirst(t *testing.T) {
	eachHost(t, func(t *testing.T, h *green.Hub) error {
		began, taken := 0, 0
		release := green.NewEvent[int](h)
		inputs := func(yield func(int) bool) {
			for n := range 6 {
				if taken++; !yield(n) {
					return
				}
			}
		}
		results := green.Map(green.NewPool(h, 2), inputs, func(n int) (int, error) {
			if began++; n == 0 {
				return release.Wait()
			}
			return n, nil
		})
		h.Go(func() error {
			for range 20 {
				h.Sleep(0)
			}
			if began != 3 || taken != 3 {
				t.Errorf("%d of %d inputs began before the first result", began, taken)
			}
			return release.Send(0)
		})
		var got []int
		for v, err := range results {
			if err != nil {
				return err
			}
			got = append(got, v)
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
			t.Errorf("results %v", got)
		}
		return nil
	})
}
