package shard_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// runner runs shards on one kind of machine.
type runner struct {
	t    *testing.T
	seed uint64 // of a simulated World; 0 is the real machine
	errs []error
	mu   sync.Mutex // guards errs, which is what reached the error handlers

	trace *bytes.Buffer // nil if nobody wants it
	world *sim.World    // nil on this machine
}

// work takes time.
func (r *runner) work() {
	if r.world != nil {
		r.world.Spend(time.Millisecond)
		return
	}
	for begin := time.Now(); time.Since(begin) == 0; {
	}
}

// seeds are how many Worlds a test sees.
const seeds = 3

// eachHost runs a test on this machine and in simulated Worlds. What reaches an error handler fails it,
// unless it takes that.
func eachHost(t *testing.T, test func(t *testing.T, r *runner)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		leaktest.Close(t, l)
		onOne(t, &runner{t: t}, test)
	})
	for seed := uint64(1); seed <= seeds; seed++ {
		t.Run(fmt.Sprint("sim ", seed), func(t *testing.T) { onOne(t, &runner{t: t, seed: seed}, test) })
	}
}

func onOne(t *testing.T, r *runner, test func(t *testing.T, r *runner)) {
	t.Helper()
	test(t, r)
	for _, err := range r.errs {
		t.Errorf("reached an error handler: %v", err)
	}
}

func (r *runner) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// take returns what has reached the error handlers, which then fails nothing.
func (r *runner) take() []error {
	errs := r.errs
	r.errs = nil
	return errs
}

// run is shard.Run with four shards, whatever the number of processors.
func (r *runner) run(body func(s *shard.Shard) error, opts ...shard.Option) error {
	return r.runN(4, body, opts...)
}

func (r *runner) runN(n int, body func(s *shard.Shard) error, opts ...shard.Option) (err error) {
	opts = append([]shard.Option{r.loops()}, opts...)
	if r.seed == 0 {
		return shard.Run(n, body, opts...)
	}
	var worldOpts []sim.Option
	if r.trace != nil {
		worldOpts = append(worldOpts, sim.Trace(r.trace))
	}
	w := sim.New(r.seed, worldOpts...)
	defer w.Close()
	r.world = w
	var panicked any
	p := w.Host("machine").Boot(func(on corolla.Option) error {
		defer func() { panicked = recover() }()
		return shard.Run(n, body, append(opts, shard.On(on))...)
	})
	stuck := w.Run()
	if panicked != nil {
		panic(panicked)
	}
	if !p.Done() {
		return stuck
	}
	if n := w.Open(); n != 0 {
		r.t.Errorf("%d simulated descriptors left open", n)
	}
	return p.Err()
}

// loops gives the loops options besides those of every test.
func (r *runner) loops(more ...corolla.Option) shard.Option {
	return shard.LoopOptions(func(int) []corolla.Option {
		return append([]corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(r.add)}, more...)
	})
}

// must is run for shards that must not fail.
func (r *runner) must(body func(s *shard.Shard) error, opts ...shard.Option) {
	r.t.Helper()
	if err := r.run(body, opts...); err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

var errTest = errors.New("on purpose")

// nothing is a message.
func nothing(*shard.Shard) {}

// forever waits until the body is canceled.
func forever(s *shard.Shard) error { return s.Task().Park("the end of time") }
