package shard

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/corolla-go/corolla"
)

// ErrFull is returned by Send when as many messages as may be are on their way to the other shard.
var ErrFull = errors.New("shard: the other shard's queue is full")

// ErrEnded is returned when a message cannot be sent, or will not be answered, because the shard that it
// is for, or the one that sends it, has ended.
var ErrEnded = errors.New("shard: the shard has ended")

// Send runs f on another shard's loop, after everything that this shard has sent there before. It never
// waits: the error is ErrFull if the queue is full, or if tasks wait in Put for room in it, and ErrEnded
// once either shard has ended. A shard may send to itself: f then runs in a later turn.
//
// f runs in a callback, with the shard that it runs on. If it panics, the other loop's error handler gets
// that. What f refers to belongs to the other shard from then on, unless nobody changes it any more.
func (s *Shard) Send(to int, f func(to *Shard)) error {
	k, err := s.link("shard.Shard.Send", to)
	switch {
	case err != nil:
		return err
	case !k.take():
		return ErrFull
	}
	s.send(k, plain(f))
	return nil
}

// Put is Send that parks t while the queue is full. Those that wait are served in the order in which they
// came.
func (s *Shard) Put(t *corolla.Task, to int, f func(to *Shard)) error {
	return s.put(t, "shard.Shard.Put", to, plain(f))
}

// OnRoom calls f once, on this loop, when Send may succeed again: in the next turn if it would now. Once
// the other shard has ended it does so too, and Send says ErrEnded.
func (s *Shard) OnRoom(to int, f func()) {
	k, err := s.link("shard.Shard.OnRoom", to)
	k.onRoom = append(k.onRoom, f)
	if err == nil && !k.free() {
		k.want()
	}
	if err != nil || k.free() {
		s.loop.Soon(k.room)
	}
}

// Broadcast is Send to every shard, this one included. If one of the queues is full, or a shard has
// ended, nothing is sent to any.
func (s *Shard) Broadcast(f func(to *Shard)) error {
	for to := range s.out {
		k, err := s.link("shard.Shard.Broadcast", to)
		if err != nil {
			return err
		}
		k.free() // which may tell an error handler of an end, and that may send
	}
	room := true
	for _, k := range s.out {
		if k.gone {
			return ErrEnded
		}
		room = room && k.places.any()
	}
	if !room {
		return ErrFull
	}
	for _, k := range s.out {
		k.places.free--
	}
	for _, k := range s.out {
		k.push(plain(f))
	}
	s.stats.Sent += uint64(len(s.out))
	return nil
}

// Call runs f on another shard's loop, as Send does, parks t until it has run, and returns its error; a
// panic in f is a *corolla.PanicError. It waits for room too. f does not wait for anything itself: if it
// has to, it starts a task there, which sends its answer back.
//
// When Call returns, f has run or never will, so f may set variables of its caller. If t is canceled
// while f has not begun, it never does, and the error is t's; if f has begun, Call still waits for it.
func (s *Shard) Call(t *corolla.Task, to int, f func(to *Shard) error) error {
	if s.loop.Check("shard.Shard.Call"); t.Scope().Err() != nil {
		if err := t.Yield(); err != nil { // and nothing is sent, which could begin meanwhile
			return err
		}
	}
	c := s.newCall()
	c.task, c.f = t, f
	if err := s.put(t, "shard.Shard.Call", to, c); err != nil {
		return err
	}
	err := c.wait()
	if c.done && len(s.spare) < 1024 { // else the other shard may still have it
		*c = call{}
		s.spare = append(s.spare, c)
	}
	return err
}

// newCall returns a call, which may have been used before.
func (s *Shard) newCall() *call {
	n := len(s.spare)
	if n == 0 {
		return new(call)
	}
	c := s.spare[n-1]
	s.spare = s.spare[:n-1]
	return c
}

// send pushes a message that has a place.
func (s *Shard) send(k *link, m message) {
	s.stats.Sent++
	k.push(m)
}

// link returns the link to another shard.
func (s *Shard) link(method string, to int) (*link, error) {
	s.loop.Check(method)
	if to < 0 || to >= len(s.out) {
		panic(fmt.Sprintf("%s: there is no shard %d, only 0 to %d", method, to, len(s.out)-1))
	}
	k := s.out[to]
	if s.ended || k.gone {
		return k, ErrEnded
	}
	return k, nil
}

// put sends a message, and parks t until there is a place for it.
func (s *Shard) put(t *corolla.Task, method string, to int, m message) error {
	k, err := s.link(method, to)
	if err == nil {
		err = t.Checkpoint()
	}
	switch {
	case err != nil:
		return err
	case k.take():
		s.send(k, m)
		return nil
	}
	k.want()
	if k.take() {
		s.send(k, m)
		return nil
	}
	woken, err := k.places.waiting.Wait(t, k) // the wake-up hands over the place
	if err == nil && (s.ended || k.gone) {
		err = ErrEnded
	}
	if woken {
		if k.places.waking--; err == nil {
			s.send(k, m)
		} else {
			k.places.give()
		}
		k.goOn()
	}
	return err
}

// call is a message that is answered.
type call struct {
	task  *corolla.Task
	f     func(to *Shard) error
	err   error
	state atomic.Uint32
	done  bool // on the caller's loop
}

// The states of a call. It leaves the first one once: the two shards may want different things at once.
const (
	sent uint32 = iota
	begun
	finished
	withdrawn
)

func (c *call) String() string { return "another shard's answer" }

// wait parks the caller until the call is done, or withdraws it.
func (c *call) wait() error {
	defer c.leave() // even if the task is unwound
	for !c.done {
		if err := c.task.Park(c); err != nil && !c.leave() {
			return err
		}
	}
	return c.err
}

// leave withdraws a call that has not begun, and reports whether it is done: else it has waited for it.
func (c *call) leave() (done bool) {
	if c.done {
		return true
	}
	if c.state.CompareAndSwap(sent, withdrawn) || c.state.Load() == withdrawn {
		return false
	}
	err := c.task.Shielded(func(*corolla.Scope) error { return c.rest() })
	if err == nil {
		return true
	}
	// The loop is being closed, so no answer will come. What the function does is the caller's to read, and
	// nothing that it does can wait for this loop.
	for c.state.Load() == begun {
		runtime.Gosched()
	}
	c.done = true
	return true
}

// rest waits for a call that has begun.
func (c *call) rest() error {
	for !c.done {
		if err := c.task.Park(c); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) run(k *link) bool {
	if c.state.CompareAndSwap(sent, begun) {
		c.err = c.f(k.to)
		c.answer(k)
	}
	return true
}

func (c *call) failed(k *link, v any) {
	if v == nil {
		c.err = corolla.ErrGoexit
	} else {
		c.err = k.to.loop.Caught(v, fmt.Sprintf("a call from %v", k.from))
	}
	c.answer(k)
}

// answer sends the call back.
func (c *call) answer(k *link) {
	c.state.Store(finished)
	k.back.push((*answer)(c))
}

func (c *call) drop() {}

func (c *call) lost() bool {
	if c.state.CompareAndSwap(sent, withdrawn) {
		c.err = ErrEnded
		(*answer)(c).settle()
	}
	return false
}

// answer is a call on its way back. It needs no place: whoever calls waits, so there are no more answers
// than tasks.
type answer call

func (a *answer) run(*link) bool {
	a.settle()
	return false
}

func (a *answer) settle() {
	a.done = true
	a.task.Unpark()
}

func (a *answer) failed(*link, any) {}
func (a *answer) drop()             {}
func (a *answer) lost() bool        { return false }
