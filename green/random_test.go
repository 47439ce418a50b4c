package green_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
)

// Random programs of threads that start, wait for, link, kill and time out each other, in pools and
// out of them, on a simulated loop. Whatever they do: every thread ends once, no link is lost or
// called twice, nobody is left waiting, and nothing leaks.

func TestRandomPrograms(t *testing.T) {
	seeds := uint64(10_000)
	if testing.Short() {
		seeds = 500
	}
	for seed := range seeds {
		randomProgram(t, seed)
		if t.Failed() {
			t.Fatalf("failed with seed %d", seed)
		}
	}
}

// program is what the threads of one program share, and what is known of it.
type program struct {
	*green.Hub
	t       testing.TB
	rng     *rand.Rand
	pool    *green.Pool
	event   *green.Event[int]
	threads []*actor
	links   []*linked
	local   green.Local[int]
	started int
	lost    int  // starts that were cut short
	ending  bool // the pool keeps its size
}

// actor is a thread, and what it should come to.
type actor struct {
	id     int
	th     *green.Thread[int]
	begun  int
	ended  int
	killed error // by the first Kill that was told it had worked
}

// linked is a link, and whether it should have been called.
type linked struct {
	called   int
	unlinked bool
}

const maxThreads = 30

func randomProgram(t testing.TB, seed uint64) {
	t.Helper()
	var errs []error
	w := sim.New(seed)
	l := w.NewLoop(corolla.ErrorHandler(func(err error) { errs = append(errs, err) }))
	h := green.NewHub(l)
	p := &program{Hub: h, t: t, rng: rand.New(rand.NewPCG(seed, 0))}
	err := h.Run(func() error {
		p.pool = green.NewPool(h, p.rng.IntN(4))
		p.event = green.NewEvent[int](h)
		for range 2 + p.rng.IntN(4) {
			p.start(h)
		}
		h.Sleep(time.Duration(p.rng.IntN(20)) * time.Millisecond)
		p.ending = true
		p.pool.Resize(5) // nobody waits for ever
		for i := 0; i < len(p.threads); i++ {
			p.check(p.threads[i])
		}
		p.pool.Wait()
		h.Sleep(0)
		return nil
	})
	if err != nil {
		t.Errorf("Run = %v", err)
	}
	for i, link := range p.links {
		if (link.called == 1) == link.unlinked || link.called > 1 {
			t.Errorf("link %d was called %d times; taken back: %v", i, link.called, link.unlinked)
		}
	}
	if s := p.pool.Stats(); s != (green.PoolStats{Size: 5, Free: 5}) {
		t.Errorf("the pool at the end: %+v", s)
	}
	if s := l.Stats(); s != (corolla.LoopStats{}) {
		t.Errorf("left behind on the loop: %+v", s)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	for _, err := range errs {
		if p.lost > 0 && errors.As(err, new(*corolla.UnseenError)) {
			continue // of one whose start was cut short
		}
		t.Errorf("reached the error handler: %v", err)
	}
}

// check waits for a thread, and looks at what it has come to.
func (p *program) check(a *actor) {
	v, err := a.th.Wait()
	again, err2 := a.th.Wait()
	if v != again || err != err2 || !a.th.Dead() {
		p.t.Errorf("thread %d: %d, %v; then %d, %v", a.id, v, err, again, err2)
	}
	if a.ended != 1 || a.begun > 1 || a.begun == 1 != a.th.Started() {
		p.t.Errorf("thread %d has begun %d times and ended %d times", a.id, a.begun, a.ended)
	}
	if a.begun == 0 && (a.killed == nil || err != a.killed) {
		p.t.Errorf("thread %d never ran; killed with %v, it ended with %v", a.id, a.killed, err)
	}
	if err == nil && v != a.id {
		p.t.Errorf("thread %d returned %d", a.id, v)
	}
}

// start starts a thread that does something.
func (p *program) start(in green.Starter) {
	if p.started == maxThreads {
		return
	}
	a := &actor{id: p.started}
	p.started++
	body := func() (v int, err error) {
		a.begun++
		if got := p.local.Get(p.Hub); got != 0 {
			p.t.Errorf("thread %d has the value of thread %d", a.id, got)
		}
		p.local.Set(p.Hub, a.id+1)
		defer p.cleanup(a, &v)
		err = p.steps()
		if got := p.local.Get(p.Hub); got != a.id+1 {
			p.t.Errorf("thread %d has lost its value, and has %d", a.id, got)
		}
		return a.id, err
	}
	p.lost++ // unless all goes well
	p.await(func() { a.th = green.Go(in, body) })
	if a.th == nil {
		return // there was no room in time, or it ran within the call, and longer than that
	}
	p.lost--
	p.threads = append(p.threads, a)
	a.th.Link(func(*green.Thread[int]) { a.ended++ })
}

// await gives f some time.
func (p *program) await(f func()) {
	_ = p.MoveOn(p.soon(), func() error { f(); return nil })
}

func (p *program) soon() time.Duration { return time.Duration(p.rng.IntN(8)) * time.Millisecond }

func (p *program) cleanup(a *actor, v *int) {
	*v = a.id
	switch p.rng.IntN(6) {
	case 0:
		p.Sleep(p.soon())
	case 1:
		_ = recover() // and so it survives, for a while
	case 2:
		p.await(func() { _, _ = p.any().Wait() })
	}
}

// any is a thread, which may have ended.
func (p *program) any() *green.Thread[int] {
	return p.threads[p.rng.IntN(len(p.threads))].th
}

func (p *program) steps() error {
	for range 1 + p.rng.IntN(6) {
		if err := p.step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) step() error {
	me := p.Task()
	switch p.rng.IntN(14) {
	case 0, 1:
		p.Sleep(p.soon())
	case 2:
		p.start(p.Hub)
	case 3:
		p.start(p.pool)
	case 4:
		p.await(func() {
			if th := p.any(); th.Task() != me {
				_, _ = th.Wait()
			}
		})
	case 5, 6:
		p.kill()
	case 7:
		p.link()
	case 8:
		return p.Timeout(p.soon(), p.steps)
	case 9:
		return p.MoveOn(p.soon(), p.steps)
	case 10:
		if !p.ending {
			p.pool.Resize(p.rng.IntN(4))
		}
	case 11:
		p.happens()
	case 12:
		p.sum()
	case 13:
		switch p.rng.IntN(4) {
		case 0:
			panic("a thread's own")
		case 1:
			return errors.New("a thread's own")
		}
	}
	return nil
}

func (p *program) kill() {
	a := p.threads[p.rng.IntN(len(p.threads))]
	why := fmt.Errorf("kill of thread %d", a.id)
	kill := a.th.Kill
	if p.rng.IntN(3) == 0 {
		kill = a.th.Cancel
	}
	if a.killed == nil && !a.th.Dead() { // before, for who kills itself does not come back
		a.killed = why
	}
	if !kill(why) && a.killed == why {
		a.killed = nil
	}
}

func (p *program) link() {
	link := &linked{}
	p.links = append(p.links, link)
	unlink := p.any().Link(func(*green.Thread[int]) { link.called++ })
	if p.rng.IntN(3) == 0 {
		p.Sleep(p.soon())
		link.unlinked = unlink()
	}
}

// happens sends an event, or waits for one.
func (p *program) happens() {
	switch {
	case p.rng.IntN(2) == 0:
		p.await(func() { _, _ = p.event.Wait() })
	case p.event.Ready():
		_ = p.event.Reset()
	default:
		_ = p.event.Send(1)
	}
}

// sum runs a Map in the pool, and gives it some time.
func (p *program) sum() {
	p.await(func() {
		next := 0
		for v, err := range green.Map(p.pool, numbers(p.rng.IntN(6)), func(i int) (int, error) {
			p.Sleep(p.soon() / 4)
			return i, nil
		}) {
			if v != next || err != nil {
				p.t.Errorf("result %d of a Map: %d, %v", next, v, err)
			}
			if next++; p.rng.IntN(8) == 0 {
				return
			}
		}
	})
}
