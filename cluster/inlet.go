package cluster

import (
	"sync"

	"github.com/corolla-go/corolla"
)

// This file brings messages from nats.go's goroutines to the loop. An inlet is what one subscription, or one
// reader of a stream, puts messages into. It has room for so many; when that is used up, put waits, on a
// goroutine of nats.go's, and what comes meanwhile is held back there: by the subscription's Pending, or by
// not asking the stream for more.
//
// The loop is woken once for all that has come until it looks, of all inlets of a Conn. It takes what an inlet
// holds in one piece, and gives back the room in pieces. Callbacks are called for one piece after the
// other for as long as the loop's TurnBudget allows, and then again in the next turn.
//
// Rejected: nats.go's channels of messages, which lose what they have no room for, in messages only and not in
// bytes; and Post for each message, which costs an allocation and a place in the loop's ring.

// feeder has something for the loop.
type feeder interface{ feed() }

// bridge wakes the loop.
type bridge struct {
	loop  *corolla.Loop
	mu    sync.Mutex
	ready []feeder
	wakes int
	spare []feeder // the loop's: the other half of a double buffer
}

// wake makes the loop call f.feed. Safe from any goroutine.
func (b *bridge) wake(f feeder) {
	b.mu.Lock()
	b.ready = append(b.ready, f)
	first := len(b.ready) == 1
	if first {
		b.wakes++
	}
	b.mu.Unlock()
	if first {
		_ = b.loop.Post(b.run) // refused on a closed loop, where nobody wants it
	}
}

func (b *bridge) run() {
	b.mu.Lock()
	ready := b.ready
	b.ready = b.spare[:0]
	b.mu.Unlock()
	for _, f := range ready {
		f.feed()
	}
	clear(ready)
	b.spare = ready
}

const (
	inletMessages = 256
	inletBytes    = 256 << 10
	feedStretch   = 16 // callbacks between two looks at the clock
)

type parcel[T any] struct {
	what T
	size int
}

// inlet is the way of one stream of messages to the loop.
type inlet[T any] struct {
	bridge *bridge

	mu     sync.Mutex
	room   sync.Cond
	items  []parcel[T]
	n, b   int // messages and bytes that have come and are not done with
	waking bool
	shut   bool // nothing more is wanted
	over   bool // nothing more will come
	err    error

	// The rest is the loop's.
	local        []parcel[T]
	head         int
	doneN, doneB int     // not yet given back
	call         func(T) // nil if tasks ask
	calling      bool    // a turn of feed is scheduled
	ended        bool
	reason       error
	waiting      corolla.Waiters
	onEnd        func()
}

func (in *inlet[T]) init(b *bridge) {
	in.bridge = b
	in.room.L = &in.mu
}

// put waits for room, and puts. It reports false if nothing is wanted any more. Safe from any goroutine.
func (in *inlet[T]) put(v T, size int) bool {
	in.mu.Lock()
	for !in.shut && in.n > 0 && (in.n >= inletMessages || in.b+size > inletBytes) {
		in.room.Wait()
	}
	if in.shut {
		in.mu.Unlock()
		return false
	}
	in.items = append(in.items, parcel[T]{v, size})
	in.n++
	in.b += size
	in.wakeAndUnlock()
	return true
}

func (in *inlet[T]) wakeAndUnlock() {
	wake := !in.waking
	in.waking = true
	in.mu.Unlock()
	if wake {
		in.bridge.wake(in)
	}
}

// finish says that nothing more will come, and why, behind what was put before. Safe from any goroutine.
func (in *inlet[T]) finish(err error) {
	in.mu.Lock()
	if in.over {
		in.mu.Unlock()
		return
	}
	in.over, in.err = true, err
	in.wakeAndUnlock()
}

// close says that nothing more is wanted: put returns, and so do the tasks in next. Of the loop.
func (in *inlet[T]) close(err error) {
	in.mu.Lock()
	in.shut = true
	in.items = nil
	in.room.Broadcast()
	in.mu.Unlock()
	in.local, in.head = nil, 0
	in.end(err)
}

func (in *inlet[T]) end(err error) {
	if in.ended {
		return
	}
	in.ended, in.reason = true, err
	in.waiting.WakeAll()
	if in.onEnd != nil {
		in.onEnd()
	}
}

// take makes what has come the loop's, if the loop has nothing left, and reports whether it has something.
func (in *inlet[T]) take() bool {
	if in.head < len(in.local) {
		return true
	}
	in.giveBack()
	in.mu.Lock()
	in.local, in.items, in.head = in.items, in.local[:0], 0
	in.waking = false
	over, err := in.over && len(in.local) == 0, in.err
	in.mu.Unlock()
	if over {
		in.end(err)
	}
	return len(in.local) > 0
}

func (in *inlet[T]) pop() T {
	p := &in.local[in.head]
	v, size := p.what, p.size
	*p = parcel[T]{}
	in.head++
	in.doneN++
	in.doneB += size
	if in.doneN >= inletMessages/4 || in.doneB >= inletBytes/4 {
		in.giveBack()
	}
	return v
}

func (in *inlet[T]) giveBack() {
	if in.doneN == 0 {
		return
	}
	in.mu.Lock()
	in.n -= in.doneN
	in.b -= in.doneB
	in.room.Broadcast()
	in.mu.Unlock()
	in.doneN, in.doneB = 0, 0
}

// feed is called by the loop when there is something.
func (in *inlet[T]) feed() {
	switch {
	case in.ended:
	case in.call != nil:
		if !in.calling {
			in.callAll()
		}
	case in.take():
		for range min(in.waiting.Len(), len(in.local)-in.head) {
			in.waiting.Wake()
		}
	}
}

func (in *inlet[T]) callAll() {
	in.calling = false
	for !in.callSome() {
	}
}

// callSome calls the callback for what there is, and reports whether that is all for this turn. It is not if
// the callback has panicked.
func (in *inlet[T]) callSome() (done bool) {
	defer func() {
		if v := recover(); v != nil {
			in.bridge.loop.Recovered(v, "a callback of package cluster")
		}
	}()
	for n := 1; in.call != nil && in.take(); n++ {
		in.call(in.pop())
		if n%feedStretch == 0 && in.bridge.loop.Overdue() {
			in.calling = true
			in.bridge.loop.Soon(in.callAll)
			return true
		}
	}
	return true
}

// setCall sets the callback, which is called from the next turn on; nil leaves what comes to tasks.
func (in *inlet[T]) setCall(f func(T)) {
	in.call = f
	if f != nil && !in.calling && !in.ended {
		in.calling = true
		in.bridge.loop.Soon(in.callAll)
	}
}

// next parks t until there is something, and takes it.
func (in *inlet[T]) next(t *corolla.Task, on any) (v T, err error) {
	if in.call != nil {
		return v, corolla.ErrBusy
	}
	if in.take() {
		if err := t.Checkpoint(); err != nil {
			return v, err
		}
	}
	for !in.take() {
		if in.ended {
			return v, in.reason
		}
		woken, err := in.waiting.Wait(t, on)
		if err != nil {
			if woken {
				in.waiting.Wake()
			}
			return v, err
		}
	}
	v = in.pop()
	if in.waiting.Len() > 0 && in.take() {
		in.waiting.Wake()
	}
	return v, nil
}

func (in *inlet[T]) tryNext() (v T, err error) {
	switch {
	case in.call != nil:
		return v, corolla.ErrBusy
	case in.take():
		return in.pop(), nil
	case in.ended:
		return v, in.reason
	}
	return v, corolla.ErrWouldBlock
}
