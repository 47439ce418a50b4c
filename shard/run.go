package shard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
)

// How shards end. A body that returns does not end its shard, since others may still send to it: its loop
// goes on until every body has returned. If one fails, the bodies of the others are canceled. Then each
// loop ends its other tasks, as Loop.Run does, and says on every link that this was its last message. A
// loop that has heard that from every shard has nothing more to expect, and closes. So every message is
// run, and in the order in which it was sent, up to the end; only what such a late message itself sends is
// refused, as its shard has ended.
//
// A loop that ends before its time, because it was stopped or its machine has failed, closes its links
// instead, and the senders are told what is lost.
//
// All this goes by messages and tasks, and never by blocking a goroutine whose loop still runs: a
// simulated machine would not know.

// DefaultQueueSize is how many messages of one shard may be on their way to one other.
const DefaultQueueSize = 4096

// Option configures Run.
type Option func(*options)

type options struct {
	limit int
	grace time.Duration // 0 is any
	pin   bool
	loop  func(i int) []corolla.Option
	on    []corolla.Option
}

// QueueSize sets how many messages, at least 1, of one shard may be on their way to one other.
func QueueSize(n int) Option { return func(o *options) { o.limit = max(n, 1) } }

// Pin binds each shard to a processor, as corolla.BindThread does: shard 0 to the first that the program
// may use, and so on. A loop that is woken is then slower to begin, as Go has to wake its thread, so this
// is for loops that are busy.
func Pin() Option { return func(o *options) { o.pin = true } }

// LoopOptions gives the options of each shard's loop.
func LoopOptions(f func(i int) []corolla.Option) Option { return func(o *options) { o.loop = f } }

// On gives every shard's loop an option: that of a host of package sim (see sim.Host.Boot) has all shards run
// there.
func On(opt corolla.Option) Option { return func(o *options) { o.on = append(o.on, opt) } }

// Error says which shard has failed. It is also the cause with which the bodies of the others are
// canceled.
type Error struct {
	Shard int
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("shard %d: %v", e.Shard, e.Err) }

// Unwrap returns the error of the shard.
func (e *Error) Unwrap() error { return e.Err }

// Run makes n shards, or as many as the program may use processors if n is 0 or less, and runs body in a
// task on each. It returns when all have ended and their loops are closed.
//
// When every body has returned, the shards end: their other tasks are canceled, and messages that were
// sent are run. If a body fails, or a loop, the bodies of the other shards are canceled, with an *Error as
// the cause. Run then returns that *Error, joined with those of shards that have failed for reasons of
// their own. A panic in a body is a *corolla.PanicError; with corolla.ErrorPolicy(corolla.Crash) it goes
// out of Run.
//
// Run blocks its goroutine, so it panics in a task or a callback of a loop, as in the program of sim.Host.Start
// or in the body of another Run; use corolla.Offload there, and sim.Host.Boot on a simulated machine.
func Run(n int, body func(s *Shard) error, opts ...Option) error {
	corolla.CheckNoLoop("shard.Run")
	g := &group{body: body, options: options{limit: DefaultQueueSize}}
	g.addrs, g.handouts = map[string]net.Addr{}, map[string]*handout{}
	for _, o := range opts {
		o(&g.options)
	}
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if err := g.build(n); err != nil {
		return err
	}
	return g.run()
}

// group is all shards of one Run.
type group struct {
	options
	body   func(s *Shard) error
	shards []*Shard
	left   atomic.Int64 // bodies that have not ended

	mu     sync.Mutex
	failed []*Error // in the order in which they did
	listening
}

// build makes the loops and the links.
func (g *group) build(n int) error {
	for i := range n {
		opts := []corolla.Option{corolla.LoopName(fmt.Sprintf("shard %d", i))}
		if g.loop != nil {
			opts = append(opts, g.loop(i)...)
		}
		opts = append(opts, g.on...)
		l, err := corolla.New(opts...)
		if err != nil {
			err = &Error{i, err}
			for _, s := range g.shards {
				err = errors.Join(err, s.loop.Close())
			}
			return err
		}
		s := &Shard{group: g, index: i, loop: l}
		s.flusher = s.flush
		g.shards = append(g.shards, s)
	}
	g.left.Store(int64(n))
	for _, from := range g.shards {
		for _, to := range g.shards {
			k := newLink(from, to, g.limit)
			from.out, to.in = append(from.out, k), append(to.in, k)
		}
	}
	for _, s := range g.shards {
		for i, k := range s.out {
			k.back = s.in[i]
		}
	}
	return nil
}

// run runs the shards, and waits for all of them.
func (g *group) run() error {
	var all sync.WaitGroup
	all.Add(len(g.shards))
	for _, s := range g.shards {
		go func() {
			defer all.Done()
			s.live()
		}()
	}
	all.Wait()
	var errs []error
	for _, e := range g.failed {
		errs = append(errs, e)
	}
	for _, s := range g.shards {
		if s.result.panicked != nil {
			panic(s.result.panicked)
		}
		if s.result.closing != nil {
			errs = append(errs, &Error{s.index, s.result.closing})
		}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// fail records that a shard has failed, unless only because another has.
func (g *group) fail(s *Shard, err error) {
	g.mu.Lock()
	first := len(g.failed) == 0
	if !first && corolla.IsOnly(err, corolla.ErrCanceled, context.Canceled, ErrEnded) {
		g.mu.Unlock()
		return
	}
	e := &Error{s.index, err}
	g.failed = append(g.failed, e)
	g.mu.Unlock()
	if !first {
		return
	}
	for _, o := range g.shards {
		if o != s {
			_ = o.loop.Post(func() { o.cancel(e) }) // or it has ended
		}
	}
}

// bodyEnded is called once for each shard, and ends all when no body is left.
func (g *group) bodyEnded() {
	if g.left.Add(-1) > 0 {
		return
	}
	for _, s := range g.shards {
		_ = s.loop.Post(s.over.Set) // or it has ended
	}
}
