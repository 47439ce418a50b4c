package shard_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/shard"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// runner runs shards on one kind of machine.
type runner struct {
	t    *testing.T
	host func(i int) []corolla.Option

	mu   sync.Mutex
	errs []error // what reached the error handlers
}

// eachHost runs a test on each kind of machine. What reaches an error handler fails it, unless it takes
// that.
func eachHost(t *testing.T, test func(t *testing.T, r *runner)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		leaktest.Close(t, l)
		use(t, func(int) []corolla.Option { return nil }, test)
	})
}

func use(t *testing.T, host func(i int) []corolla.Option, test func(t *testing.T, r *runner)) {
	t.Helper()
	r := &runner{t: t, host: host}
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

func (r *runner) runN(n int, body func(s *shard.Shard) error, opts ...shard.Option) error {
	return shard.Run(n, body, append([]shard.Option{r.loops()}, opts...)...)
}

func (r *runner) loops(more ...corolla.Option) shard.Option {
	return shard.LoopOptions(func(i int) []corolla.Option {
		opts := append(r.host(i), corolla.SlowLimit(0), corolla.ErrorHandler(r.add))
		return append(opts, more...)
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
