package simtest

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// Run is one run of a program: a World that nobody has used yet. It belongs to the goroutine of the
// program, as the World does.
type Run struct {
	*sim.World
	recipe  recipe
	hosts   []string
	storms  uint64
	faults  []sim.Fault                                  // that strike in this run
	weather func(sim.Fault) (is sim.Fault, strikes bool) // nil if all faults strike as they are
	expects []string
	reached map[string][]time.Duration // when
	events  []sim.Event                // if they are kept
	keep    bool
}

// Host is World.Host; what a storm does it does to the hosts that were made this way.
func (r *Run) Host(name string, ips ...string) *sim.Host {
	if !slices.Contains(r.hosts, name) {
		r.hosts = append(r.hosts, name)
	}
	return r.World.Host(name, ips...)
}

// Expect names states that the program will tell World.Sometimes of. Explore fails if none of its runs
// gets to one of them.
func (r *Run) Expect(states ...string) {
	for _, s := range states {
		if !slices.Contains(r.expects, s) {
			r.expects = append(r.expects, s)
		}
	}
}

// Storm makes things go wrong from now on, for d. It is for the time before the World is driven on,
// with RunUntil or Run, which it does not do itself. What goes wrong is drawn from kinds, or from Usual
// if there are none, and happens to the hosts that there are by now. When the storm is over nothing
// is wrong any more: all hosts run, and every message gets through. What it broke stays broken.
func (r *Run) Storm(d time.Duration, kinds ...sim.FaultKind) {
	if len(r.hosts) == 0 {
		panic("simtest: Storm before there are hosts: make them with Run.Host")
	}
	if len(kinds) == 0 {
		kinds = Usual()
	}
	now := r.Now()
	s := storm{from: now, until: now + d, hosts: slices.Clone(r.hosts), kinds: kinds, index: r.storms}
	r.storms++
	for _, f := range s.faults(r.recipe) {
		if strikes := true; r.weather != nil {
			if f, strikes = r.weather(f); !strikes {
				continue
			}
		}
		r.faults = append(r.faults, f)
		r.Inject(f)
	}
}

// Usual returns the kinds of faults that a storm has unless it is told otherwise: all but names that
// resolve to somebody else's address.
func Usual() []sim.FaultKind {
	return slices.DeleteFunc(sim.FaultKinds(), func(k sim.FaultKind) bool {
		return k == sim.NameLies || k == sim.Heal || k == sim.Restart
	})
}

// Supervise is Host.Start, with PanicsOnly, of a program that is started again a second after it has
// failed, as those that run servers do: one that starts while there are no descriptors cannot listen.
func (r *Run) Supervise(host string, program func(t *corolla.Task) error) *sim.Program {
	return r.Host(host).Start(func(t *corolla.Task) error {
		for {
			err := program(t)
			if err == nil || t.Err() != nil {
				return err
			}
			if err := t.Sleep(time.Second); err != nil {
				return err
			}
		}
	}, r.PanicsOnly())
}

// settled is more than it takes the system to give up a connection that hears nothing any more: 15 minutes
// if something was sent on it.
const settled = 20 * time.Minute

// Settle drives the World for 20 minutes, in which the system gives up every connection whose peer has
// gone, and then returns an error unless so many descriptors are open. A server that has no clients any
// more should have its listener alone.
func (r *Run) Settle(open int) error {
	r.Advance(settled)
	if n := r.Open(); n != open {
		return fmt.Errorf("%d descriptors are open in the end, not %d", n, open)
	}
	return nil
}

// program is what is explored.
type program struct {
	body    func(r *Run) error
	worlds  []sim.Option
	command func(how recipe) string // what replays a run
}

// run runs the program once, on a goroutine of its own, since a program that calls t.FailNow takes that with
// it. weather says which faults strike, and how; nil has all.
func (p program) run(how recipe, keep bool, weather func(sim.Fault) (sim.Fault, bool)) (r *Run, err error) {
	r = &Run{
		World: sim.New(how.seed, p.worlds...), recipe: how, keep: keep, weather: weather,
		reached: map[string][]time.Duration{},
	}
	for _, f := range how.forks {
		r.Reseed(f.at, f.seed)
	}
	if keep {
		r.ObserveTasks()
		r.Observe(r.note)
	} else {
		r.Observe(r.note, sim.Reached, sim.Broken)
	}
	defer p.watch(how)()
	var wg sync.WaitGroup
	wg.Go(func() { r.do(p.body, &err) })
	wg.Wait()
	return r, err
}

// errExit is how a run fails that does not come back from the program.
var errExit = errors.New("the program called t.Fatal, t.FailNow or runtime.Goexit: let it return an error instead")

// do runs the program and ends its World.
func (r *Run) do(body func(*Run) error, failure *error) {
	err := errExit
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		} else if p := (*corolla.PanicError)(nil); errors.As(err, &p) {
			err = fmt.Errorf("%w\n%s", err, p.Stack)
		}
		r.keep = false // what ends the World is no part of the run
		r.Close()
		*failure = errors.Join(err, r.Broken())
	}()
	err = body(r)
}

// maxMoments is how often a run's getting to one state is remembered.
const maxMoments = 16

// note takes an event in.
func (r *Run) note(e sim.Event) {
	if e.Kind == sim.Reached && len(r.reached[e.Text]) < maxMoments {
		r.reached[e.Text] = append(r.reached[e.Text], r.Now())
	}
	if r.keep {
		r.events = append(r.events, e)
	}
}

// Seed returns a number that differs from run to run, for what the program draws itself.
func (r *Run) Seed() uint64 { return r.recipe.seed }
