package shard

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/corolla-go/corolla"
)

// A link carries the messages of one shard to one other, so a queue has one sender and one receiver.
//
// What is sent is first kept on the sender's side, which needs no lock, and handed over at the end of the
// turn. Only if the receiver is not about to look anyway is it woken. It runs a batch within one callback:
// a callback for each message would cost more than most messages do.
//
// How many may be on their way is counted by the sender. The receiver adds up what it has run, in a number
// that the sender reads when it has no place left, and tells it of that only if it has said that it waits.
// Having said so it reads the number again, so neither misses the other.
//
// A channel was rejected: to select on it a loop needs a goroutine, and each message would wake it. So was
// one queue for all senders: one that floods would take the places of the others.

// message is what a link carries.
type message interface {
	// run runs the message on the receiver's loop, and reports whether it held a place.
	run(k *link) (placed bool)
	// failed says on the receiver's goroutine that run has panicked, or ended the goroutine if v is nil.
	failed(k *link, v any)
	// lost says on the sender's loop that the message will never run, and reports whether the error
	// handler has to be told.
	lost() bool
}

type link struct {
	from, to *Shard
	back     *link // from to to from

	// The sender's.
	places  places
	pending []message
	onRoom  []func()
	seen    uint64 // of ran
	gone    bool   // the receiver has ended

	// Both sides'.
	ran     atomic.Uint64 // messages that held a place
	wanting atomic.Bool   // the sender waits for places
	mu      sync.Mutex
	items   []message
	posted  bool // the receiver is about to look
	closed  bool // the receiver has ended

	// The receiver's.
	batch   []message
	at      int     // in batch
	current message // the one that runs
	report  int     // messages that have run and are not in ran
	deliver func()
	room    func()
}

// places are those of a link's queue.
type places struct {
	free    int
	waiting corolla.Waiters
	waking  int // tasks that were given a place and have not sent yet: nobody may overtake them
}

// give gives a place to the next in line.
func (p *places) give() {
	if p.waiting.Wake() == nil {
		p.free++
	} else {
		p.waking++
	}
}

func newLink(from, to *Shard, limit int) *link {
	k := &link{from: from, to: to, places: places{free: limit}}
	k.deliver, k.room = k.runSome, k.hasRoom
	return k
}

func (k *link) String() string { return fmt.Sprintf("room for a message to %v", k.to) }

// free reports whether there is a place, with no task in line for it.
func (k *link) free() bool {
	if k.places.free == 0 {
		k.hand()
		k.reclaim()
	}
	return k.places.free > 0 && k.places.waking == 0
}

// take takes a place, if there is one.
func (k *link) take() bool {
	if !k.free() {
		return false
	}
	k.places.free--
	return true
}

// reclaim takes back the places of messages that have run.
func (k *link) reclaim() {
	n := k.ran.Load()
	for ; k.seen < n; k.seen++ {
		k.places.give()
	}
}

// want has the receiver call hasRoom when it has run something.
func (k *link) want() {
	k.wanting.Store(true)
	k.reclaim() // what it has run before it could see that
}

// hasRoom is called on the sender's loop.
func (k *link) hasRoom() {
	k.reclaim()
	for len(k.onRoom) > 0 && (k.free() || k.gone || k.from.ended) {
		f := k.onRoom[0]
		k.onRoom = k.onRoom[1:]
		f()
	}
	if len(k.onRoom) > 0 || k.places.waiting.Len() > 0 {
		k.want()
		k.goOn()
	}
}

// goOn serves those that came while tasks were given places, once these have sent.
func (k *link) goOn() {
	p := &k.places
	if p.waking > 0 || p.free == 0 {
		return
	}
	for p.free > 0 && p.waiting.Len() > 0 {
		p.free--
		p.give()
	}
	if len(k.onRoom) > 0 && k.free() {
		k.from.loop.Soon(k.room)
	}
}

// enough is how many messages are handed over before the end of the turn, so that the receiver can begin.
const enough = 1024

// push sends a message that has a place, or needs none.
func (k *link) push(m message) {
	s := k.from
	if len(k.pending) == 0 {
		s.dirty = append(s.dirty, k)
		if !s.flushes {
			s.flushes = true
			s.loop.Soon(s.flush)
		}
	}
	if k.pending = append(k.pending, m); len(k.pending) == enough {
		k.hand()
	}
}

// flush hands over what was sent in the turn.
func (s *Shard) flush() {
	s.flushes = false
	for i, k := range s.dirty {
		s.dirty[i] = nil
		k.hand()
	}
	s.dirty = s.dirty[:0]
}

// hand hands over what is pending.
func (k *link) hand() {
	if len(k.pending) == 0 {
		return
	}
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		lost := k.pending
		k.pending = nil
		k.broken(lost)
		return
	}
	if len(k.items) == 0 {
		k.items, k.pending = k.pending, k.items
	} else {
		k.items = append(k.items, k.pending...)
		clear(k.pending)
		k.pending = k.pending[:0]
	}
	wake := !k.posted
	k.posted = true
	k.mu.Unlock()
	if wake {
		k.from.stats.Wakes++
		_ = k.to.loop.Post(k.deliver) // or it is being closed, and will see what is in items
	}
}

// runSome runs messages on the receiver's loop: those that are there, but no longer than a turn may take.
func (k *link) runSome() {
	s := k.to
	if k.at == len(k.batch) {
		clear(k.batch)
		k.mu.Lock()
		k.batch, k.items = k.items, k.batch[:0]
		k.mu.Unlock()
		k.at = 0
	}
	outer := s.flushes
	s.flushes = true // the answers leave when all have run
	for !k.runBatch() {
	}
	s.flushes = outer
	if !outer {
		s.flush()
	}
	if k.at < len(k.batch) {
		s.loop.Soon(k.deliver)
		return
	}
	k.mu.Lock()
	k.posted = len(k.items) > 0
	more := k.posted
	k.mu.Unlock()
	if more {
		s.loop.Soon(k.deliver)
	}
}

// runBatch runs messages until there are none, time is up or one panics. It reports false after a panic.
func (k *link) runBatch() (over bool) {
	defer func() {
		if m := k.current; m != nil {
			v := recover()
			k.current = nil
			k.report++ // whatever it was, at worst there is a place too many
			m.failed(k, v)
		}
		k.tell()
	}()
	for k.at < len(k.batch) {
		k.current = k.batch[k.at]
		k.at++
		if k.current.run(k) {
			k.report++
		}
		k.current = nil
		if k.at%32 == 0 {
			if k.report >= k.to.group.limit/4 {
				k.tell()
			}
			if k.to.loop.Overdue() {
				break
			}
		}
	}
	return true
}

// tell makes known what has run.
func (k *link) tell() {
	if k.report == 0 {
		return
	}
	k.to.stats.Run += uint64(k.report)
	k.ran.Add(uint64(k.report))
	k.report = 0
	if k.wanting.Load() && k.wanting.CompareAndSwap(true, false) {
		_ = k.from.loop.Post(k.room) // or nobody is left to be told
	}
}

// close ends the link on the receiver's goroutine, and tells the sender what will not run.
func (k *link) close() {
	k.mu.Lock()
	k.closed = true
	lost := append(k.batch[k.at:], k.items...)
	k.batch, k.items, k.at = nil, nil, 0
	k.mu.Unlock()
	_ = k.from.loop.Post(func() { k.broken(lost) }) // or nobody is left to be told
}

// broken tells the sender that the receiver has ended.
func (k *link) broken(lost []message) {
	k.gone = true
	n := 0
	for _, m := range lost {
		if m.lost() {
			n++
		}
	}
	if n > 0 {
		k.from.loop.Report(&LostError{From: k.from.index, To: k.to.index, Messages: n})
	}
	for k.places.waiting.Len() > 0 {
		k.places.give()
	}
	k.hasRoom()
}

// LostError is given to the error handler of a loop whose shard has sent messages that will never run,
// because the shard that they were for has ended before its time: its loop was stopped, or has failed.
type LostError struct{ From, To, Messages int }

func (e *LostError) Error() string {
	return fmt.Sprintf("shard: %d messages from shard %d to shard %d are lost: it has ended", e.Messages, e.From, e.To)
}

// plain is a message of Send.
type plain func(to *Shard)

func (f plain) run(k *link) bool { f(k.to); return true }

func (f plain) failed(k *link, v any) {
	if v != nil {
		k.to.loop.Recovered(v, fmt.Sprintf("a message from %v, %s", k.from, name(f)))
	}
}

func (f plain) lost() bool { return true }

// name returns what a function is called, and where it is.
func name(f func(*Shard)) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil {
		return "a function"
	}
	file, line := fn.FileLine(fn.Entry())
	return fmt.Sprintf("%s (%s:%d)", fn.Name(), file, line)
}

// last is what a shard sends last.
type last struct{}

func (last) run(k *link) bool {
	s := k.to
	if s.ends++; s.ended && s.ends == s.Len() {
		s.loop.Stop()
	}
	return false
}

func (last) failed(*link, any) {}
func (last) lost() bool        { return false }
