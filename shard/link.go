package shard

import (
	"fmt"
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
	// drop frees what a message that will never run holds, on whichever goroutine has it.
	drop()
	// lost says on the sender's loop that the message will never run, and reports whether the error
	// handler has to be told.
	lost() bool
}

type link struct {
	from, to *Shard
	back     *link // from to to from

	// The sender's.
	places  places
	pending *batch
	onRoom  []func()
	seen    uint64 // of ran
	gone    bool   // the receiver has ended

	// Both sides'.
	ran     atomic.Uint64         // messages that held a place
	wanting atomic.Bool           // the sender waits for places
	box     atomic.Pointer[batch] // handed over and not taken; nil if there is nothing
	empty   atomic.Pointer[batch] // given back, to be used again

	// The receiver's.
	batch   *batch  // nil if none
	at      int     // in batch
	current message // the one that runs
	report  int     // messages that have run and are not in ran
	deliver func()
	room    func()
}

// batch is what is handed over at a time.
type batch struct{ messages []message }

// closed is in the box of a link whose receiver has ended.
var closed = new(batch)

// places are those of a link's queue.
type places struct {
	free    int
	waiting corolla.Waiters
	waking  int // tasks that were given a place and have not sent yet: nobody may overtake them
}

// any reports whether there is a place that is nobody's yet.
func (p *places) any() bool { return p.free > 0 && p.waking == 0 }

// give gives a place to the next in line.
func (p *places) give() {
	if p.waiting.Wake() == nil {
		p.free++
	} else {
		p.waking++
	}
}

func newLink(from, to *Shard, limit int) *link {
	k := &link{from: from, to: to, places: places{free: limit}, pending: new(batch)}
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
	return k.places.any()
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
		k.call(f)
	}
	if len(k.onRoom) > 0 || k.places.waiting.Len() > 0 {
		k.want()
		k.goOn()
	}
}

// call calls a callback of OnRoom, whose panic is not to keep others from being told.
func (k *link) call(f func()) {
	defer func() {
		if v := recover(); v != nil {
			k.from.loop.Recovered(v, fmt.Sprintf("a callback of OnRoom for %v, %s", k.to, name(f)))
		}
	}()
	f()
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
	b := k.pending
	if len(b.messages) == 0 {
		s.dirty = append(s.dirty, k)
		if !s.flushes {
			s.flushes = true
			corolla.AtTurnEnd(s.loop, s.flusher)
		}
	}
	if b.messages = append(b.messages, m); len(b.messages) == enough {
		k.hand()
	}
}

// flush hands over what was sent in the turn, and what an error handler sends that is told meanwhile.
func (s *Shard) flush() {
	s.flushes = true
	for i := 0; i < len(s.dirty); i++ {
		s.dirty[i].hand()
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	s.flushes = false
}

// hand hands over what is pending. The receiver is posted each time: whether it has yet to run what it was
// posted before cannot be told without a lock.
func (k *link) hand() {
	b := k.pending
	if len(b.messages) == 0 {
		return
	}
	if !k.box.CompareAndSwap(nil, b) {
		k.add(b)
	} else if k.pending = k.empty.Swap(nil); k.pending == nil {
		k.pending = new(batch)
	}
	if k.gone {
		return
	}
	k.from.stats.Wakes++
	_ = k.to.loop.Post(k.deliver) // or it is being closed, and will see what is in the box
}

// add hands over what is pending together with what the receiver has not taken yet.
func (k *link) add(b *batch) {
	before := k.box.Swap(nil)
	if before == closed {
		k.box.Store(closed)
		k.pending = new(batch)
		k.refused(b.messages)
		return
	}
	if before == nil { // the receiver has just taken it
		before = &batch{}
	}
	before.messages = append(before.messages, b.messages...)
	clear(b.messages)
	b.messages = b.messages[:0]
	if !k.box.CompareAndSwap(nil, before) { // the receiver has just ended
		k.refused(before.messages)
	}
}

// runSome runs messages on the receiver's loop: a batch, or the rest of one, but no longer than a turn may
// take. It is called once for every time that the link was posted, and once for every rest, in any order.
func (k *link) runSome() {
	s := k.to
	if k.batch == nil {
		if k.batch = k.box.Swap(nil); k.batch == nil {
			return
		}
	}
	outer := s.flushes
	s.flushes = true // the answers leave when all have run
	for !k.runBatch() {
	}
	if s.flushes = outer; !outer {
		s.flush()
	}
	if b := k.batch; k.at < len(b.messages) {
		s.loop.Soon(k.deliver)
	} else {
		clear(b.messages)
		b.messages = b.messages[:0]
		k.batch, k.at = nil, 0
		k.empty.Store(b)
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
	for b := k.batch.messages; k.at < len(b); {
		k.current = b[k.at]
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
	var lost []message
	if k.batch != nil {
		lost = k.batch.messages[k.at:]
		k.batch = nil
	}
	if b := k.box.Swap(closed); b != nil {
		lost = append(lost, b.messages...)
	}
	dropAll(lost)                                   // here, as the sender may have ended too
	_ = k.from.loop.Post(func() { k.broken(lost) }) // or nobody is left to be told
}

// refused is called on the sender's side with what the receiver will not take.
func (k *link) refused(lost []message) {
	dropAll(lost)
	k.broken(lost)
}

func dropAll(messages []message) {
	for _, m := range messages {
		m.drop()
	}
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
	if len(k.onRoom) > 0 { // later: this may be within Send
		k.from.loop.Soon(k.room)
	}
}
