package green_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

var poolRules = []rule{
	{13, "who starts a thread in a full pool waits until there is room", func(e *env) error {
		p := green.NewPool(e.Hub, 2)
		for i := 1; i <= 3; i++ {
			p.Go(func() error {
				e.add("s%d", i)
				e.Sleep(time.Duration(i) * 20 * time.Millisecond)
				e.add("e%d", i)
				return nil
			})
			e.add("sp%d", i)
		}
		p.Wait()
		e.want("sp1 sp2 s1 s2 e1 sp3 s3 e2 e3")
		return nil
	}},
	{14, "a thread of a full pool that starts another runs it itself", func(e *env) error {
		p := green.NewPool(e.Hub, 1)
		err := p.Go(func() error {
			inner := green.Go(p, func() (int, error) { e.Sleep(0); e.add("inner"); return 7, nil })
			e.add("outer")
			v, err := inner.Result()
			if v != 7 || err != nil || p.Stats().Running != 1 {
				e.Errorf("inner: %d, %v; %+v", v, err, p.Stats())
			}
			failed := p.Go(func() error { panic("oops") })
			if !failed.Dead() || failed.Join() == nil {
				e.Error("a panic is lost")
			}
			return nil
		}).Join()
		e.want("inner outer")
		return err
	}},
	{15, "waiting for all from within panics, as a negative size does; in a pool of 0 nothing starts", func(e *env) error {
		p := green.NewPool(e.Hub, 1)
		if err := p.Go(func() error {
			e.refuses("would wait for itself", p.Wait)
			return nil
		}).Join(); err != nil {
			return err
		}
		e.refuses("negative size", func() { green.NewPool(e.Hub, -1) })
		e.refuses("negative size", func() { p.Resize(-1) })
		none := green.NewPool(e.Hub, 0)
		err := e.Timeout(time.Millisecond, func() error { none.Go(e.forever); return nil })
		var late *corolla.TimeoutError
		if !errors.As(err, &late) {
			e.Errorf("Go in a pool of 0: %v", err)
		}
		if s := none.Stats(); s != (green.PoolStats{}) {
			e.Errorf("left behind: %+v", s)
		}
		none.Wait()
		return nil
	}},
	{16, "a pool that is made smaller lets what runs finish; what is free is negative then", func(e *env) error {
		p := green.NewPool(e.Hub, 3)
		done := green.NewEvent[int](e.Hub)
		for range 3 {
			p.Go(func() error { _, err := done.Wait(); return err })
		}
		e.Sleep(0)
		p.Resize(1)
		if s := p.Stats(); s != (green.PoolStats{Size: 1, Running: 3, Free: -2}) {
			e.Errorf("%+v", s)
		}
		for range 2 {
			e.Go(func() error { return p.Go(func() error { e.add("began"); _, err := done.Wait(); return err }).Join() })
		}
		e.Sleep(0)
		if s := p.Stats(); s.Waiting != 2 {
			e.Errorf("%+v", s)
		}
		p.Resize(5) // lets both begin
		e.turns(2)
		e.want("began began")
		err := done.Send(1)
		p.Wait()
		if s := p.Stats(); s != (green.PoolStats{Size: 5, Free: 5}) {
			e.Errorf("%+v", s)
		}
		return err
	}},
	{17, "map yields in order, takes at most one input more than the size, and goes on after an error", func(e *env) error {
		taken := 0
		inputs := func(yield func(int) bool) {
			for i := 1; i <= 6; i++ {
				if taken++; !yield(i) {
					return
				}
			}
		}
		p := green.NewPool(e.Hub, 2)
		ahead := func(i int) int { return min(i+2, 6) }
		i := 0
		for v, err := range green.Map(p, slices.Values([]int{}), func(int) (int, error) { return 0, nil }) {
			e.Errorf("nothing gives %d, %v", v, err)
		}
		for v, err := range green.Map(p, inputs, func(i int) (string, error) {
			e.Sleep(time.Duration(7-i) * time.Millisecond)
			switch i {
			case 3:
				return "", errBad
			case 4:
				panic("oops")
			}
			return fmt.Sprint("r", i), nil
		}) {
			if i++; taken > ahead(i) {
				e.Errorf("%d inputs taken before result %d is consumed", taken, i)
			}
			var p *corolla.PanicError
			switch {
			case i == 3 && err == errBad, i == 4 && errors.As(err, &p):
			case v != fmt.Sprint("r", i) || err != nil:
				e.Errorf("result %d: %q, %v", i, v, err)
			}
			e.Sleep(time.Millisecond)
		}
		if i != 6 || p.Stats().Running != 0 {
			e.Errorf("%d results; %+v", i, p.Stats())
		}
		return nil
	}},
}
