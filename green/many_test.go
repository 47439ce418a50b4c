package green_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// TestExtraThreadEndsWithItsStarter, of which it is a part.
func TestExtraThreadEndsWithItsStarter(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 1)
		outer := p.Go(func() error {
			defer e.add("outer")
			p.Go(func() error {
				defer e.add("inner")
				return e.forever()
			})
			return errors.New("it goes on")
		})
		e.turns(2)
		outer.Kill(errBad)
		if err := outer.Join(); err != errBad {
			e.Errorf("Wait = %v", err)
		}
		e.Sleep(0)
		e.want("outer inner")
		return nil
	})
}

// TestPlaceOfWhoIsKilledInLine goes to the next.
func TestPlaceOfWhoIsKilledInLine(t *testing.T) {
	eachHub(t, func(e *env) error {
		p := green.NewPool(e.Hub, 1)
		first := p.Go(func() error { e.Sleep(0); return nil })
		line := func(word string) *green.Thread[struct{}] {
			return e.Go(func() error { return p.Go(func() error { e.add("%s", word); return nil }).Join() })
		}
		a, b := line("a"), line("b")
		first.Link(func(*green.Thread[struct{}]) { e.Loop().Soon(func() { a.Kill(nil) }) }) // when it has the place
		if err := a.Join(); err != green.ErrKilled {
			e.Errorf("Wait = %v", err)
		}
		err := b.Join()
		e.want("b")
		return err
	})
}

func TestPileYieldsInOrder(t *testing.T) {
	eachHub(t, func(e *env) error {
		pile := green.NewPile[int](green.NewPool(e.Hub, 2))
		for _, v := range []int{3, 1, 2} {
			pile.Go(func() (int, error) { e.Sleep(time.Duration(v) * time.Millisecond); return v, nil })
		}
		var got []int
		for v, err := range pile.All() {
			if got = append(got, v); v == 1 {
				pile.Go(func() (int, error) { return 9, errBad })
			}
			if (v == 9) != (err == errBad) {
				e.Errorf("%d, %v", v, err)
			}
		}
		if !slices.Equal(got, []int{3, 1, 2, 9}) {
			e.Errorf("results %v", got)
		}
		for v := range pile.All() {
			e.Errorf("%d comes twice", v)
		}
		return nil
	})
}

func TestResources(t *testing.T) {
	eachHub(t, func(e *env) error {
		made, broken := 0, false
		create := func() (int, error) {
			if e.Sleep(0); broken {
				return 0, errBad
			}
			made++
			return made, nil
		}
		r := green.NewResources(e.Hub, 2, create)
		get := func() int {
			v, err := r.Get()
			if err != nil {
				e.Error(err)
			}
			return v
		}
		a := get()
		if made != 1 {
			e.Errorf("%d made for the first", made)
		}
		b := get()
		waiters := []*green.Thread[struct{}]{}
		for range 2 {
			waiters = append(waiters, e.Go(func() error { e.add("%d", get()); return nil }))
		}
		e.Sleep(0)
		if s := r.Stats(); s != (green.ResourcesStats{Limit: 2, Made: 2, Waiting: 2}) {
			e.Errorf("%+v", s)
		}
		r.Put(b)
		r.Drop() // a is broken: another is made in its place
		_ = a
		err := errors.Join(waiters[0].Join(), waiters[1].Join())
		e.want("2 3")
		r.Put(3)
		r.Put(2)
		if first := get(); first != 3 { // free for longest
			e.Errorf("got %d", first)
		}
		if err := r.Use(func(v int) error { e.add("%d", v); return errBad }); err != errBad {
			e.Errorf("Use = %v", err)
		}
		e.want("2")
		broken = true
		if _, err := r.Get(); err != errBad {
			e.Errorf("Get = %v", err)
		}
		broken = false
		if v := get(); v != 4 || r.Stats().Made != 2 {
			e.Errorf("got %d; %+v", v, r.Stats())
		}
		stack := green.NewResourceStack(e.Hub, 2, create)
		x, err2 := stack.Get()
		y, err3 := stack.Get()
		stack.Put(x)
		stack.Put(y)
		if v, err := stack.Get(); v != y || err != nil {
			e.Errorf("the stack gives %d, %v", v, err)
		}
		return errors.Join(err, err2, err3)
	})
}

// TestResourcesInATimeout: who gives up waiting, or making one, takes none.
func TestResourcesInATimeout(t *testing.T) {
	eachHub(t, func(e *env) error {
		r := green.NewResources(e.Hub, 1, func() (int, error) { e.Sleep(time.Millisecond); return 1, nil })
		get := func() error { _, err := r.Get(); return err }
		if err := e.Timeout(0, get); err == nil || r.Stats().Made != 0 {
			e.Errorf("Get = %v; %+v", err, r.Stats())
		}
		err := get()
		if err := e.Timeout(0, get); err == nil || r.Stats().Waiting != 0 {
			e.Errorf("Get = %v; %+v", err, r.Stats())
		}
		r.Put(1)
		return errors.Join(err, get())
	})
}

func TestOffload(t *testing.T) {
	eachHub(t, func(e *env) error {
		ticks := 0
		ticker := e.Go(func() error {
			for ; ticks < 3; ticks++ {
				e.Sleep(0)
			}
			return nil
		})
		v, err := green.Offload(e.Hub, func() (int, error) { return 7, nil })
		if _, got := green.Offload(e.Hub, func() (int, error) { return 0, errBad }); v != 7 || got != errBad {
			e.Errorf("Offload = %d, then %v", v, got)
		}
		var p *corolla.PanicError
		if _, got := green.Offload(e.Hub, func() (int, error) { panic("oops") }); !errors.As(got, &p) {
			e.Errorf("Offload = %v", got)
		}
		// In cleanup an error of the job's own is no reason to go on unwinding.
		th := e.Go(func() error {
			defer func() {
				_, err := green.Offload(e.Hub, func() (int, error) { return 0, errBad })
				e.add("%v", err)
			}()
			return e.forever()
		})
		e.Sleep(0)
		th.Kill(nil)
		err = errors.Join(err, ticker.Join())
		if got := th.Join(); got != green.ErrKilled {
			e.Errorf("Wait = %v", got)
		}
		e.want("bad")
		return err
	})
}

// TestBlockingIsOneAtATime also when who called has given up.
func TestBlockingIsOneAtATime(t *testing.T) {
	eachHub(t, func(e *env) error {
		inside, calls := 0, 0
		b := green.NewBlocking(e.Hub, &calls)
		call := func(calls *int) error { // no two at a time, so nothing here needs a lock
			inside++
			*calls++
			if inside--; inside != 0 {
				return errors.New("two at a time")
			}
			return nil
		}
		gave := e.Timeout(0, func() error { return b.Do(call) })
		if !errors.As(gave, new(*corolla.TimeoutError)) {
			e.Errorf("Do in a timeout = %v", gave)
		}
		var threads []*green.Thread[struct{}]
		for range 5 {
			threads = append(threads, e.Go(func() error { return b.Do(call) }))
		}
		var err error
		for _, th := range threads {
			err = errors.Join(err, th.Join())
		}
		if calls != 6 { // who gave up had begun
			e.Errorf("%d calls", calls)
		}
		if err := b.Do(func(*int) error { return errBad }); err != errBad {
			e.Errorf("Do = %v", err)
		}
		return err
	})
}
