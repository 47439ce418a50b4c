package program

import (
	"errors"
	"maps"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/backlog"
	"github.com/corolla-go/corolla/shard"
)

// The rooms of one process. Each belongs to a shard, shard.Owner, which gives what is said its place and knows who is
// there; members are on any shard. What is said goes from the member's shard to the owner, and from there once to
// each shard with members. So everybody hears the same order, and what one says in its own.
//
// Places are times in microseconds: so a member who comes back to a process that was started again is not taken
// for one who has heard what is to come.

// Bounds.
const (
	keepBytes = 16 << 20 // of messages, for each shard
	maxBehind = 16 << 10 // messages that a shard may have for another, besides those that are on their way
)

// errBehind is told to who says something that a shard has no room for. It is said again a little later.
var errBehind = errors.New("another core is behind")

// owned are the rooms of a process as one shard has them: it owns some, and has members in any.
type owned struct {
	s      *shard.Shard
	to     Audience
	rooms  map[string]*ownedRoom // those that this shard owns
	log    *backlog.Log[Message] // of those
	last   uint64
	behind [][]func(o *owned) // for each shard: what its queue has no room for yet
}

type ownedRoom struct {
	present map[string]int    // connections of each member
	on      []int             // connections on each shard
	said    map[string]uint64 // the places of what is kept, by member and ID
}

func newOwned(s *shard.Shard, to Audience) *owned {
	o := &owned{s: s, to: to, rooms: map[string]*ownedRoom{}, behind: make([][]func(*owned), s.Len())}
	o.log = backlog.New(backlog.Config[Message]{
		Keep: Keep, MaxBytes: keepBytes, Dropped: o.dropped,
		Room: func(m *Message) string { return m.Room },
		Seq:  func(m *Message) uint64 { return m.Seq },
		Size: func(m *Message) int64 { return int64(len(m.Room)+len(m.Member)+2*len(m.ID)+len(m.Text)) + 400 },
	})
	return o
}

// post has something done on a shard, in the order of the calls. What there is no room for waits here.
func (o *owned) post(to int, f func(o *owned)) {
	if len(o.behind[to]) == 0 && o.send(to, f) {
		return
	}
	if o.behind[to] = append(o.behind[to], f); len(o.behind[to]) == 1 {
		o.s.OnRoom(to, func() { o.catchUp(to) })
	}
}

// send reports whether there is no more to do about a message: it is on its way, or the shard has ended, and its
// members with it.
func (o *owned) send(to int, f func(o *owned)) bool {
	err := o.s.Send(to, func(s *shard.Shard) { f((*halls.Of(s)).own) })
	return !errors.Is(err, shard.ErrFull)
}

func (o *owned) catchUp(to int) {
	for len(o.behind[to]) > 0 {
		if !o.send(to, o.behind[to][0]) {
			o.s.OnRoom(to, func() { o.catchUp(to) })
			return
		}
		o.behind[to][0] = nil
		o.behind[to] = o.behind[to][1:]
	}
}

// Join asks the owner.
func (o *owned) Join(t *corolla.Task, room, name, key string, after uint64) (j Joined, err error) {
	from := o.s.Index()
	err = o.s.Call(t, o.s.Owner(room), func(s *shard.Shard) error {
		j = (*halls.Of(s)).own.join(from, room, name, key, after)
		return nil
	})
	return j, err
}

func (o *owned) join(from int, name, want, key string, after uint64) (j Joined) {
	r := o.rooms[name]
	if r == nil {
		r = &ownedRoom{present: map[string]int{}, on: make([]int, o.s.Len()), said: map[string]uint64{}}
		o.rooms[name] = r
	}
	j.Here = slices.Sorted(maps.Keys(r.present))
	j.Member = FreeMember(want, key, j.Here)
	j.Seq = o.last
	if after == 0 {
		j.Missed = o.log.Last(name, History)
	} else {
		j.Missed, j.Gap = o.log.After(name, after)
	}
	r.on[from]++
	if r.present[j.Member]++; r.present[j.Member] == 1 {
		count := len(r.present)
		o.tell(r, func(to Audience) { to.Came(name, j.Member, count) })
	}
	return j
}

// tell tells all shards with members.
func (o *owned) tell(r *ownedRoom, f func(to Audience)) {
	for i, n := range r.on {
		if n > 0 {
			o.post(i, func(o *owned) { f(o.to) })
		}
	}
}

// Leave tells the owner.
func (o *owned) Leave(room, member, why string) {
	from := o.s.Index()
	o.post(o.s.Owner(room), func(o *owned) { o.leave(from, room, member, why) })
}

func (o *owned) leave(from int, name, member, why string) {
	r := o.rooms[name]
	r.on[from]--
	if r.present[member]--; r.present[member] > 0 {
		return
	}
	delete(r.present, member)
	count := len(r.present)
	o.tell(r, func(to Audience) { to.Left(name, member, why, count) })
	o.forget(name)
}

// Say has the owner say it.
func (o *owned) Say(room, member, id, text string, done func(seq uint64, err error)) {
	from := o.s.Index()
	o.post(o.s.Owner(room), func(o *owned) {
		seq, err := o.say(room, member, id, text)
		o.post(from, func(*owned) { done(seq, err) })
	})
}

func (o *owned) say(name, member, id, text string) (uint64, error) {
	r := o.rooms[name]
	if r == nil {
		return 0, errors.New("not a member") // it has left meanwhile
	}
	if seq, again := r.said[member+keyMark+id]; again {
		return seq, nil
	}
	if slices.ContainsFunc(o.behind, func(b []func(*owned)) bool { return len(b) > maxBehind }) {
		return 0, errBehind
	}
	now := o.s.Loop().Time()
	o.last = max(o.last+1, uint64(now.UnixMicro()))
	m := &Message{Room: name, Member: member, ID: id, Text: text, Seq: o.last, At: now.UnixMilli()}
	r.said[member+keyMark+id] = m.Seq
	o.tell(r, func(to Audience) { to.Said(m) })
	o.log.Add(m)
	return m.Seq, nil
}

// dropped is told of what is not kept any more.
func (o *owned) dropped(m *Message) {
	delete(o.rooms[m.Room].said, m.Member+keyMark+m.ID)
	o.forget(m.Room)
}

// forget drops a room of which nothing is left.
func (o *owned) forget(name string) {
	if r := o.rooms[name]; len(r.present) == 0 && len(r.said) == 0 {
		delete(o.rooms, name)
	}
}

// Close has nothing to do: rooms end with their process.
func (o *owned) Close(*corolla.Task) {}
