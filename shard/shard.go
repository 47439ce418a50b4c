// Package shard uses every core: it runs several loops, each on a goroutine of its own.
//
//	err := shard.Run(0, func(s *shard.Shard) error {
//		ln, err := s.Listen("tcp", ":7000", shard.BySystem)
//		if err != nil {
//			return err
//		}
//		return aio.NewServer(aio.NewListener(ln), serve).Serve(s.Task())
//	})
//
// State belongs to one loop, as ever, and what belongs to a loop is touched on that loop only. What
// crosses goes as a message: a function that runs on the other loop, after everything that this one has
// sent there before. Send, Put, Call and Broadcast send messages; Owner says which shard a key belongs
// to; a Value has an instance for each shard. Whoever touches what belongs to another shard is told so by
// a panic that names both.
//
// Messages of one turn are handed over together, and wake the other loop once. A shard may have so many
// messages on their way to another; beyond that Send says ErrFull, and Put parks. Nothing here blocks a
// loop, so two shards that fill each other's queues go on: what is parked is the tasks that send.
//
// Connections come to all shards by the system, which spreads them over sockets that listen at one
// address, or by one shard that accepts for all; see Shard.Listen. Move moves one that is open.
package shard

import (
	"fmt"

	"github.com/corolla-go/corolla"
)

// Shard is one of several loops, and what connects it with the others. It belongs to its loop.
type Shard struct {
	group *group
	index int
	loop  *corolla.Loop

	body   *corolla.Future[struct{}] // nil until it is started
	task   *corolla.Task             // the body's
	early  error                     // why the body is canceled
	over   corolla.Event             // every body has ended
	ends   int                       // shards that send this one nothing any more
	heard  corolla.Event             // that is all of them
	result result

	bounded *corolla.Timer // nil, or when tasks must have ended; see Main

	out, in []*link
	dirty   []*link // with messages that were not handed over
	flushes bool    // flush is about to run
	flusher func()  // flush, bound once
	spare   []*call // to be used again
	ended   bool    // nothing can be sent any more
	stats   Stats

	values map[any]any
}

// Index returns the shard's number, from 0.
func (s *Shard) Index() int { return s.index }

// Len returns how many shards there are.
func (s *Shard) Len() int { return len(s.group.shards) }

// Loop returns the shard's loop.
func (s *Shard) Loop() *corolla.Loop { return s.loop }

// Task returns the task that runs the body given to Run. It is for the body; other code has tasks of its
// own.
func (s *Shard) Task() *corolla.Task { return s.task }

func (s *Shard) String() string { return fmt.Sprintf("shard %d", s.index) }

// Stats counts a shard's messages.
type Stats struct {
	Sent    uint64 // to any shard
	Run     uint64 // from any
	Wakes   uint64 // of loops, to hand messages over
	Pending int    // sent, and not yet run
	Waiting int    // tasks and callbacks that wait for room
}

// Stats returns the shard's numbers.
func (s *Shard) Stats() Stats {
	s.loop.Check("shard.Shard.Stats")
	st := s.stats
	for _, k := range s.out {
		k.reclaim()
		st.Pending += s.group.limit - k.places.free
		st.Waiting += k.places.waiting.Len() + len(k.onRoom)
	}
	return st
}

// A Value has an instance for each shard: what a global variable is to a program with one loop. The zero
// Value is ready to use.
//
//	var rooms = shard.Value[map[string]*Room]{New: func(*shard.Shard) map[string]*Room { return map[string]*Room{} }}
//
// The instances end with Run.
type Value[T any] struct {
	// New makes a shard's instance when it is first asked for. Nil means T's zero value.
	New func(s *Shard) T
}

// Of returns a shard's instance. It panics unless called on the shard's loop.
func (v *Value[T]) Of(s *Shard) *T {
	s.loop.Check("shard.Value.Of")
	if p, ok := s.values[v]; ok {
		return p.(*T)
	}
	p := new(T)
	if v.New != nil {
		*p = v.New(s)
	}
	if s.values == nil {
		s.values = map[any]any{}
	}
	s.values[v] = p
	return p
}
