package shard_test

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/echotest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim/simtest"
)

// What a good exploration of messages has seen, the last one only a long one.
const (
	putCanceled  = "a Put was canceled while it waited for room"
	callCanceled = "a Call was canceled, and its function never ran"
	queueFull    = "a Broadcast met a full queue"
	lostByStop   = "messages were lost, as their shard was stopped"
)

// talk is what the shards of one Run say to each other, and how it must come out.
type talk struct {
	run     *simtest.Run
	rng     *rand.Rand
	all     []*said
	order   [3][3]int // how many messages were accepted, by sender and receiver
	heard   [3][3]int // how many have run
	stopped [3]bool   // loops that were
	lost    int
}

// said is one message.
type said struct {
	from, to int
	number   int // among those from there to here; 0 if it was not accepted yet, or is a call
	accepted bool
	refused  bool
	ran      int
}

func newTalk(r *simtest.Run, life uint64) *talk {
	return &talk{run: r, rng: rand.New(rand.NewPCG(r.Seed(), life))}
}

// options are those of loops with a talk.
func (k *talk) options(int) []corolla.Option {
	return []corolla.Option{corolla.TurnBudget(100 * time.Microsecond), corolla.ErrorHandler(func(err error) {
		if lost := new(shard.LostError); errors.As(err, &lost) {
			k.lost += lost.Messages
			k.run.Sometimes(lostByStop)
		}
		k.run.Always(!errors.As(err, new(*corolla.PanicError)), "nothing panics")
	})}
}

// size draws a queue's.
func (k *talk) size() shard.Option { return shard.QueueSize([]int{1, 3, 100}[k.rng.IntN(3)]) }

// message returns a message that is to be sent.
func (k *talk) message(from, to int) (*said, func(*shard.Shard)) {
	m := &said{from: from, to: to}
	k.all = append(k.all, m)
	return m, func(o *shard.Shard) {
		m.ran++
		k.run.Always(m.ran == 1 && !m.refused && o.Index() == to, "a message runs once, where it is for, unless its sender has an error")
		if m.number > 0 {
			k.run.Always(m.number == k.heard[from][to]+1, "messages keep their sender's order")
			k.heard[from][to] = m.number
		}
		if k.rng.IntN(3) == 0 {
			k.run.Spend(time.Duration(k.rng.IntN(300)) * time.Microsecond)
		}
	}
}

// sent notes what became of a message.
func (k *talk) sent(m *said, err error, ordered bool) {
	if m.accepted, m.refused = err == nil, err != nil; err == nil && ordered {
		k.order[m.from][m.to]++
		m.number = k.order[m.from][m.to]
	}
}

// say sends messages in all ways, until the storm is over. Now and then its shard fails.
func (k *talk) say(s *shard.Shard, t *corolla.Task) error {
	for k.run.Now() < echotest.Length {
		if err := t.Sleep(time.Duration(k.rng.IntN(1000)) * 50 * time.Microsecond); err != nil {
			return err
		}
		n := 1 + k.rng.IntN(4)
		if k.rng.IntN(20) == 0 {
			n = 100 // more than run in a turn, if the queue has room
		}
		for range n {
			k.sayOne(s, t, k.rng.IntN(s.Len()))
		}
		switch k.rng.IntN(150) {
		case 0:
			k.stopped[s.Index()] = true
			s.Loop().Stop()
		case 1:
			s.Task().Cancel(errTest)
		}
	}
	return nil
}

func (k *talk) sayOne(s *shard.Shard, t *corolla.Task, to int) {
	// Of those that wait, some are canceled at once, and some while they do.
	patience := time.Duration(k.rng.IntN(8)) * 100 * time.Microsecond
	switch k.rng.IntN(4) {
	case 0:
		m, f := k.message(s.Index(), to)
		k.sent(m, s.Send(to, f), true)
	case 1:
		m, f := k.message(s.Index(), to)
		err := t.Timeout(patience, func(*corolla.Scope) error {
			err := s.Put(t, to, f)
			k.sent(m, err, true)
			return err
		})
		if err != nil && m.refused && patience > 0 {
			k.run.Sometimes(putCanceled)
		}
	case 2:
		m, f := k.message(s.Index(), to)
		err := t.Timeout(patience, func(*corolla.Scope) error {
			return s.Call(t, to, func(o *shard.Shard) error { f(o); return nil })
		})
		k.run.Always(err != nil || m.ran == 1, "a Call without an error has called")
		if k.sent(m, err, false); m.ran == 1 {
			m.accepted, m.refused = true, false // it had begun before it was canceled
		} else if patience > 0 {
			k.run.Sometimes(callCanceled)
		}
	case 3:
		var all [3]*said
		var run [3]func(*shard.Shard)
		for i := range all {
			all[i], run[i] = k.message(s.Index(), i)
		}
		err := s.Broadcast(func(o *shard.Shard) { run[o.Index()](o) })
		for _, m := range all {
			k.sent(m, err, true)
		}
		if err == shard.ErrFull {
			k.run.Sometimes(queueFull)
		}
	}
}

// over is called when the shards have ended, all but by a crash.
func (k *talk) over() {
	missing := 0
	for _, m := range k.all {
		if m.accepted && m.ran == 0 {
			missing++
			k.run.Always(k.stopped[m.to], "a message is lost only if the shard that it is for was stopped")
		}
	}
	k.run.Always(k.lost <= missing, "what is reported as lost has not run")
}
