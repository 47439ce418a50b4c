package eventlet

import (
	"errors"
	"strings"
	"time"

	"github.com/corolla-go/corolla/green"
)

const ms = time.Millisecond

func spawnThenStatement(r run) error {
	th := r.Go(r.say("spawned"))
	r.Say("statement")
	_ = th.Join()
	r.Say("waited")
	return nil
}

func sleepAlternates(r run) error {
	r.GoAfter(20*ms, r.say("late"))
	r.GoAfter(10*ms, r.say("early"))
	loop := func(name string) *green.Thread[struct{}] {
		return r.Go(func() error {
			for i := range 3 {
				r.Say("%s%d", name, i)
				r.Sleep(0)
			}
			return nil
		})
	}
	a, b := loop("a"), loop("b")
	_, _ = a.Join(), b.Join()
	r.Say("both done")
	r.Sleep(30 * ms)
	r.Say("end")
	return nil
}

func spawnInside(r run) error {
	r.Go(func() error {
		r.Say("parent")
		r.Go(r.say("child"))
		return nil
	})
	r.Go(r.say("sibling"))
	r.Sleep(0)
	r.Say("main")
	r.Sleep(0)
	return nil
}

func timersOrder(r run) error {
	r.GoAfter(30*ms, r.say("third"))
	r.GoAfter(10*ms, r.say("first"))
	r.GoAfter(20*ms, func() error {
		r.Say("second")
		r.GoAfter(0, r.say("set by second"))
		return nil
	})
	r.Sleep(25 * ms)
	r.Say("main at 25")
	r.Sleep(15 * ms)
	r.Say("end")
	return nil
}

func uncaught(r run) error {
	bad := r.Go(func() error {
		r.Say("bad")
		return errBoom
	})
	good := green.Go(r.Hub, func() (string, error) {
		r.Sleep(10 * ms)
		r.Say("good goes on")
		return "fine", nil
	})
	r.Say("bad: %s", outcome(bad))
	r.Say("good: %s", outcome(good))
	return nil
}

func waitMany(r run) error {
	for _, fail := range []bool{false, true} {
		th := green.Go(r.Hub, func() (int, error) {
			r.Sleep(10 * ms)
			if fail {
				return 0, errBoom
			}
			return 7, nil
		})
		wait := func() (string, error) { return outcome(th), nil }
		a, b := green.Go(r.Hub, wait), green.Go(r.Hub, wait)
		r.Say("main: %s", outcome(th))
		r.Say("main again: %s", outcome(th))
		r.Say("others: [%s, %s]", outcome(a), outcome(b))
	}
	return nil
}

func links(r run) error {
	th := green.Go(r.Hub, func() (int, error) {
		r.Say("work")
		return 1, nil
	})
	link := func(what string) func() bool {
		return th.Link(func(*green.Thread[int]) { r.Say("%s", what) })
	}
	link("link 1")
	unlink := link("dropped")
	link("link 2")
	unlink()
	w := r.Go(func() error {
		r.Say("waiter %s", outcome(th))
		return nil
	})
	r.Sleep(0)
	r.Sleep(0)
	r.Say("main")
	link("late link")
	r.Say("end")
	return w.Join()
}

func linkRaises(r run) error {
	th := green.Go(r.Hub, func() (int, error) { return 5, nil })
	th.Link(func(*green.Thread[int]) { r.Say("link 1") })
	th.Link(func(*green.Thread[int]) {
		r.Say("bad link")
		panic(errBoom)
	})
	th.Link(func(*green.Thread[int]) { r.Say("never") })
	r.Sleep(10 * ms)
	r.Say("result: %s", outcome(th))
	return nil
}

func killUnstarted(r run) error {
	th := r.Go(r.say("never"))
	th.Link(func(*green.Thread[struct{}]) { r.Say("link") })
	th.Kill(nil)
	r.Say("killed it")
	r.Say("wait: %s", outcome(th))
	r.Sleep(10 * ms)
	r.Say("end")
	return nil
}

func killOrder(r run) error {
	th := r.Go(func() error {
		defer r.Say("cleanup")
		r.Sleep(time.Second)
		return nil
	})
	r.Sleep(0)
	r.Go(r.say("queued"))
	r.Say("before")
	th.Kill(nil)
	r.Say("after")
	r.Say("wait: %s", outcome(th))
	return nil
}

func killWaitsInCleanup(r run) error {
	th := r.Go(func() error {
		defer func() {
			r.Sleep(10 * ms)
			r.Say("cleaned up")
		}()
		r.Sleep(time.Second)
		return nil
	})
	r.Sleep(5 * ms)
	th.Kill(nil)
	r.Say("dead: %s", python(th.Dead()))
	r.Say("wait: %s", outcome(th))
	r.Say("dead: %s", python(th.Dead()))
	return nil
}

func python(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func killSwallowed(r run) error {
	th := green.Go(r.Hub, func() (string, error) {
		func() {
			defer func() {
				if recover() != nil {
					r.Say("swallowed")
				}
			}()
			r.Sleep(time.Second)
		}()
		r.Sleep(10 * ms)
		r.Say("lives on")
		return "alive", nil
	})
	r.Sleep(5 * ms)
	th.Kill(nil)
	r.Say("wait: %s", outcome(th))
	return nil
}

func killCustom(r run) error {
	th := r.Go(func() error {
		r.Sleep(time.Second)
		return nil
	})
	r.Sleep(5 * ms)
	th.Kill(errBoom)
	r.Say("killed: %s", outcome(th))
	done := green.Go(r.Hub, func() (string, error) { return "result", nil })
	r.Sleep(0)
	done.Kill(nil)
	r.Say("finished: %s", outcome(done))
	return nil
}

func killSelf(r run) error {
	var th *green.Thread[struct{}]
	th = r.Go(func() error {
		defer r.Say("cleanup")
		r.Say("kills itself")
		th.Kill(nil)
		r.Say("never")
		return nil
	})
	r.Say("wait: %s", outcome(th))
	return nil
}

func cancelBeforeStart(r run) error {
	work := func() (string, error) {
		r.Say("started")
		r.Sleep(10 * ms)
		return "finished", nil
	}
	started := green.Go(r.Hub, work)
	r.Sleep(0)
	fresh := green.Go(r.Hub, work)
	started.Cancel(nil)
	fresh.Cancel(nil)
	r.Say("fresh: %s", outcome(fresh))
	r.Say("started: %s", outcome(started))
	later := r.GoAfter(10*ms, func() error { return nil })
	later.Cancel(nil)
	r.Say("later: %s", outcome(later))
	return nil
}

func mixFirstWins(r run) error {
	answer := green.NewEvent[string](r.Hub)
	ask := func(name string, d time.Duration) *green.Thread[struct{}] {
		return r.Go(func() error {
			r.Sleep(d)
			r.Say("%s answers", name)
			_ = answer.Send(name) // or another was quicker
			return nil
		})
	}
	threads := []*green.Thread[struct{}]{ask("a", 30*ms), ask("b", 10*ms), ask("c", 20*ms)}
	first, err := answer.Wait()
	r.Say("first: %s", result(first, err))
	for _, th := range threads {
		th.Kill(nil)
	}
	r.Sleep(50 * ms)
	var all []string
	for _, th := range threads {
		all = append(all, outcome(th))
	}
	r.Say("%s", strings.Join(all, " "))
	return nil
}

func mixLinksAndKill(r run) error {
	starts := 0
	var start func()
	start = func() {
		starts++
		r.Say("start %d", starts)
		r.Go(func() error {
			r.Sleep(10 * ms)
			if starts < 3 {
				return errBoom
			}
			r.Say("work done")
			return nil
		}).Link(func(th *green.Thread[struct{}]) {
			if errors.Is(th.Join(), errBoom) {
				r.Say("died")
				start()
			} else {
				r.Say("ended well")
			}
		})
	}
	start()
	r.Sleep(100 * ms)
	r.Say("end")
	return nil
}
