package shard

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
)

// handout is one address at which one shard accepts for others. All but the fields that never change
// belongs to that shard.
//
// The other shards report, once a turn, how many connections they have accepted and how many were closed,
// so the numbers of LeastConns may be a turn old. Counters that all shards share were rejected: they would
// be read for every connection, and written by all.
type handout struct {
	group *group
	key   string
	shard *Shard
	ln    *corolla.Socket
	addr  net.Addr
	by    Spread

	targets []*target // by shard; nil where none listens
	next    int
	held    *corolla.Moving // accepted, and its shard has no room
	pause   *corolla.Timer
	refuses bool // and has said so; see refuse

	// Guarded by the group's mutex.
	joined []bool // the shards that listen: they may not be targets yet
	over   bool
}

// target is a shard that connections are handed to.
type target struct {
	h     *handout
	shard *Shard

	// The accepting shard's.
	waiting int // handed over and not accepted
	open    int // handed over and not closed

	// The target's.
	feed          *corolla.Feed
	taken, closed int // to be reported
	reporting     bool
}

const (
	maxWaiting = 128 // connections that wait for one shard
	maxAccepts = 64  // in one turn
	pause      = time.Second
)

// control is a message of the package's own, which needs no place.
type control func(to *Shard)

func (f control) run(k *link) bool  { f(k.to); return false }
func (f control) failed(*link, any) {}
func (f control) drop()             {}
func (f control) lost() bool        { return false }

// join has the calling shard get connections.
func (s *Shard) join(h *handout) (*corolla.Socket, error) {
	feed, err := corolla.NewFeed(s.loop, h.addr)
	if err != nil {
		return nil, err
	}
	t := &target{h: h, shard: s, feed: feed}
	h.joined[s.index] = true
	feed.OnTaken(t.wasTaken)
	feed.Socket().OnClosed(t.leave)
	t.tell(func(*Shard) { h.enter(t) })
	return feed.Socket(), nil
}

// tell sends the accepting shard a message.
func (t *target) tell(f control) {
	if !t.shard.ended {
		t.shard.out[t.h.shard.index].push(f)
	}
}

// wasTaken is called when a connection was accepted, or closed before.
func (t *target) wasTaken(s *corolla.Socket) {
	t.taken++
	if s == nil {
		t.closed++
	} else {
		s.OnClosed(t.wasClosed)
	}
	t.report()
}

func (t *target) wasClosed() {
	t.closed++
	t.report()
}

// report tells the accepting shard what has changed, at the end of the turn.
func (t *target) report() {
	if t.reporting {
		return
	}
	t.reporting = true
	t.shard.loop.Soon(func() {
		t.reporting = false
		taken, closed := t.taken, t.closed
		t.taken, t.closed = 0, 0
		t.tell(func(*Shard) {
			t.waiting -= taken
			t.open -= closed
			t.h.goOn()
		})
	})
}

// enter begins to hand connections to a target.
func (h *handout) enter(t *target) {
	if h.ln.Closed() { // in the meantime
		h.shard.out[t.shard.index].push(control(func(*Shard) { _ = t.feed.Socket().Close() })) // or it was closed
		return
	}
	h.targets[t.shard.index] = t
	h.goOn()
}

// leave is called when a target's socket is closed.
func (t *target) leave() {
	h := t.h
	h.group.mu.Lock()
	h.joined[t.shard.index] = false
	h.group.mu.Unlock()
	t.tell(func(*Shard) { h.leave(t) })
}

// leave ends what enter began. When nobody is left, nobody listens. The lock is held so that whoever listens
// next either joins before that or finds the address free.
func (h *handout) leave(t *target) {
	if h.targets[t.shard.index] == t {
		h.targets[t.shard.index] = nil
	}
	h.group.mu.Lock()
	defer h.group.mu.Unlock()
	switch {
	case h.over:
	case slices.Contains(h.joined, true):
		h.goOn()
	default:
		h.end()
		_ = h.ln.Close() // which leaves nothing to be done
	}
}

// closed is called when the listening socket is, which its loop's end may bring about.
func (h *handout) closed() {
	if h.held != nil {
		_ = h.held.Close() // nobody has heard of it
		h.held = nil
	}
	if !h.over { // only this goroutine sets it
		h.group.mu.Lock()
		defer h.group.mu.Unlock()
		h.end()
	}
}

// end takes the handout off the list. The mutex is held.
func (h *handout) end() {
	h.over = true
	delete(h.group.handouts, h.key)
}

// goOn accepts again, now that there may be room.
func (h *handout) goOn() {
	if h.ln.Closed() || h.pause != nil {
		return
	}
	if m := h.held; m != nil {
		h.held = nil
		if !h.give(m) {
			return
		}
	}
	if h.choose() != nil {
		h.ln.OnReadable(h.accept)
	}
}

func (h *handout) accept() {
	for range maxAccepts {
		if h.choose() == nil {
			h.ln.OnReadable(nil) // until goOn
			return
		}
		m, err := corolla.AcceptMoving(h.ln)
		switch {
		case err == corolla.ErrWouldBlock || errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			h.shard.loop.Report(fmt.Errorf("accept at %v: %w; trying again in %v", h.addr, err, pause))
			h.ln.OnReadable(nil)
			h.pause = h.shard.loop.After(pause, func() {
				h.pause = nil
				h.goOn()
			})
			return
		}
		if !h.give(m) {
			return
		}
	}
}

// give hands a connection over, or holds it, until a shard has room.
func (h *handout) give(m *corolla.Moving) bool {
	t := h.choose()
	if h.by == BySource {
		if of, ok := h.bySource(m.PeerAddr()); ok && of != nil {
			if t = of; t.waiting >= maxWaiting {
				h.refuse(m, t)
				return true
			}
			h.refuses = false
		}
	}
	if t == nil {
		h.held = m
		h.ln.OnReadable(nil)
		return false
	}
	h.next = t.shard.index + 1
	t.waiting++
	t.open++
	if h.shard.ended {
		_ = m.Close() // nothing can be sent any more
		return true
	}
	h.shard.out[t.shard.index].push(&handed{m, t})
	return true
}

// refuse closes a connection whose shard has no room, as the system lets none in when a socket's queue is
// full. Holding it was rejected: clients of all other shards would wait behind it.
func (h *handout) refuse(m *corolla.Moving, t *target) {
	if !h.refuses {
		h.refuses = true
		h.shard.loop.Report(fmt.Errorf("accept at %v: refusing clients of %v, where %d connections wait", h.addr, t.shard, t.waiting))
	}
	_ = m.Close() // its peer sees that
}

// choose returns the target that is next, or nil if none has room.
func (h *handout) choose() (best *target) {
	n := len(h.targets)
	for i := range n {
		t := h.targets[(h.next+i)%n]
		if t == nil || t.waiting >= maxWaiting || h.lost(t) {
			continue
		}
		if best == nil || h.by == LeastConns && t.open < best.open {
			best = t
		}
	}
	return best
}

// lost reports whether a target's loop has ended before its time, of which the target cannot tell.
func (h *handout) lost(t *target) bool { return h.shard.out[t.shard.index].gone }

// bySource returns the target for a peer. It reports false if the peer has no IP address to go by.
func (h *handout) bySource(peer net.Addr) (t *target, ok bool) {
	a, ok := peer.(*net.TCPAddr)
	if !ok {
		return nil, false
	}
	var listening []*target
	for _, t := range h.targets {
		if t != nil && !h.lost(t) {
			listening = append(listening, t)
		}
	}
	if len(listening) == 0 {
		return nil, true
	}
	return listening[owner(a.IP.String(), len(listening))], true
}

// handed is a connection that was accepted for another shard.
type handed struct {
	conn *corolla.Moving
	to   *target
}

func (m *handed) run(*link) bool {
	m.to.feed.Offer(m.conn)
	return false
}

func (m *handed) failed(*link, any) {}

func (m *handed) drop() { _ = m.conn.Close() } // nobody has heard of it

func (m *handed) lost() bool { return false }
