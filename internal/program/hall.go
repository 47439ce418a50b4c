package program

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// This file has who is connected to a shard, and tells them what happens in their rooms. A message is accepted for a
// member whole and at once, or the member is too slow and has to go; so there is no lock and no task that writes. Only
// a member who has just come is waited for, until it has what it has missed.

// event is what a member is told, as JSON.
type event struct {
	Type   string   `json:"type"` // hello, said, joined, left; ack, waiting: of what it has said itself
	Room   string   `json:"room,omitempty"`
	Name   string   `json:"name,omitempty"`
	Text   string   `json:"text,omitempty"`
	ID     string   `json:"id,omitempty"`     // that who has said it gave it
	Seq    uint64   `json:"seq,omitempty"`    // its place; of hello: that of all that follows at once
	Here   []string `json:"here,omitempty"`   // of hello: at most maxHere of the others' names
	Count  int      `json:"count,omitempty"`  // members in the room
	Missed int      `json:"missed,omitempty"` // of hello: how many messages follow at once
	Gap    bool     `json:"gap,omitempty"`    // of hello: there may be more that was missed
	On     *where   `json:"on,omitempty"`     // of hello
	At     int64    `json:"at,omitempty"`     // Unix time, in milliseconds
}

const (
	maxName   = 32                     // characters
	maxHere   = 200                    // names, so that a hello fits the queue
	maxUnsaid = 16                     // messages of a member that wait to be acknowledged; then it is not read
	sayAgain  = 100 * time.Millisecond // after a message was refused
)

// where is where a member is.
type where struct {
	Node       string `json:"node,omitempty"`
	Worker     int    `json:"worker,omitempty"`
	Generation int    `json:"generation"`
	Shard      int    `json:"shard"`
	Version    string `json:"version"`
}

// chatCounts is what /stats shows besides.
type chatCounts struct {
	Members   int            `json:"members"`   // now
	Rooms     map[string]int `json:"rooms"`     // members of each
	Joined    int            `json:"joined"`    // ever
	Messages  int            `json:"messages"`  // that members have said
	Delivered int            `json:"delivered"` // events accepted for a member
	Dropped   int            `json:"dropped"`   // members that were too slow
}

// halls are where the members of each shard are.
var halls = shard.Value[*hall]{New: newHall}

// hall has the members of a shard.
type hall struct {
	s      *shard.Shard
	own    *owned                 // what this shard owns, where there is no cluster
	rooms  *corolla.Future[Rooms] // owned or not
	opened Rooms                  // what that has come to
	queue  int                    // bytes that may wait for a member
	on     where
	byName map[string]*hallRoom
	counts chatCounts
	srv    *web.Server // that it is served by
	toEnd  corolla.Event
	going  *parting // nil until it is to end
}

type hallRoom struct {
	members []*member // in the order in which they came
}

// parting is how members are told to go.
type parting struct {
	code websocket.Code
	text string
}

// member is a connection to a room.
type member struct {
	hall   *hall
	room   string
	id     string // name and key
	conn   *websocket.Conn
	last   uint64  // the place of the last message that it was given
	behind bool    // it has not all that it has missed yet
	early  []early // what came meanwhile

	unsaid  []said // what it says, until that is acknowledged
	saying  bool
	pause   time.Duration
	changed corolla.Event // unsaid is shorter
	gone    bool
}

type early struct {
	seq   uint64 // of a message; otherwise 0
	frame *websocket.Prepared
}

// said is what a member says.
type said struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func newHall(s *shard.Shard) *hall {
	h := &hall{s: s, queue: 64 << 10, on: where{Shard: s.Index(), Version: Version}, byName: map[string]*hallRoom{}}
	h.own = newOwned(s, h)
	h.opened = h.own
	h.rooms = corolla.NewFuture[Rooms](s.Loop())
	_ = h.rooms.Resolve(h.own) // the first time
	return h
}

// enter adds a connection to a room, and sends it what it has missed.
func (h *hall) enter(t *corolla.Task, m *member, name, key string, after uint64) error {
	r := h.byName[m.room]
	if r == nil {
		r = new(hallRoom)
		h.byName[m.room] = r
	}
	m.hall, m.behind = h, true
	r.members = append(r.members, m)
	j, err := h.opened.Join(t, m.room, name, key, after)
	if err != nil {
		h.remove(m)
		return err
	}
	m.id = j.Member
	h.counts.Members++
	h.counts.Joined++
	if m.gone { // it was too slow meanwhile
		h.opened.Leave(m.room, m.id, "too slow")
		h.counts.Members--
		return nil
	}
	m.last = max(after, j.Seq)
	return m.greet(t, j)
}

// greet sends what a member has missed, and what comes meanwhile, as fast as it takes that.
func (m *member) greet(t *corolla.Task, j Joined) error {
	h := m.hall
	hello := event{
		Type: "hello", Room: m.room, Name: MemberName(m.id), Gap: j.Gap, Seq: m.last, Missed: len(j.Missed), On: &h.on,
		Count: len(j.Here), At: h.now(),
	}
	if !slices.Contains(j.Here, m.id) {
		hello.Count++
	}
	for _, other := range j.Here {
		if len(hello.Here) < maxHere && other != m.id {
			hello.Here = append(hello.Here, MemberName(other))
		}
	}
	frames := []*websocket.Prepared{encoded(hello)}
	for _, missed := range j.Missed {
		frames = append(frames, encoded(saidEvent(missed)))
	}
	for len(frames) > 0 {
		for _, f := range frames {
			if err := m.conn.WritePrepared(t, f); err != nil {
				return err
			}
			h.counts.Delivered++
		}
		frames = frames[:0]
		for _, e := range m.early {
			if e.seq == 0 || e.seq > m.last {
				frames = append(frames, e.frame)
				m.last = max(m.last, e.seq)
			}
		}
		m.early = nil
	}
	m.behind = false
	return nil
}

// leave ends a membership, unless that was done.
func (m *member) leave(why string) {
	if m.gone || m.id == "" {
		return
	}
	m.hall.remove(m)
	m.hall.counts.Members--
	m.hall.opened.Leave(m.room, m.id, why)
}

func (h *hall) remove(m *member) {
	m.gone = true
	m.changed.Set()
	r := h.byName[m.room]
	if i := slices.Index(r.members, m); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
	if len(r.members) == 0 {
		delete(h.byName, m.room)
	}
}

// say has something said, after what the member has said before.
func (m *member) say(t *corolla.Task, s said) error {
	m.hall.counts.Messages++
	m.unsaid = append(m.unsaid, s)
	m.pump()
	for len(m.unsaid) >= maxUnsaid && !m.gone {
		m.changed.Clear()
		if err := m.changed.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

// pump says what is to be said, one after the other: what was refused is said again before what comes behind it.
func (m *member) pump() {
	if m.saying || m.gone || len(m.unsaid) == 0 {
		return
	}
	m.saying = true
	h, s := m.hall, m.unsaid[0]
	h.opened.Say(m.room, m.id, s.ID, s.Text, func(seq uint64, err error) {
		switch {
		case m.gone:
		case err != nil:
			m.hears(0, encoded(event{Type: "waiting", ID: s.ID, Text: err.Error()}))
			m.pause = min(max(2*m.pause, sayAgain), 10*sayAgain)
			h.s.Loop().After(m.pause, func() {
				m.saying = false
				m.pump()
			})
		default:
			m.hears(0, encoded(event{Type: "ack", ID: s.ID, Seq: seq}))
			m.saying, m.pause = false, 0
			m.unsaid = m.unsaid[1:]
			m.changed.Set()
			m.pump()
		}
	})
}

// hears gives a member an event; one who does not take it is dropped.
func (m *member) hears(seq uint64, f *websocket.Prepared) {
	h := m.hall
	switch {
	case m.gone || seq > 0 && !m.behind && seq <= m.last:
		return
	case m.behind && len(m.early) < Keep:
		m.early = append(m.early, early{seq, f})
		return
	case !m.behind:
		m.last = max(m.last, seq)
		err := m.conn.TryWritePrepared(f)
		if err == nil {
			h.counts.Delivered++
		}
		if !errors.Is(err, corolla.ErrWouldBlock) {
			return // if it has failed, its reader knows
		}
	}
	h.counts.Dropped++
	if m.id == "" { // it has not joined yet
		h.remove(m)
	}
	m.leave("too slow")
	_ = m.conn.AIO().Abort() // unless it is closed already
}

// tell tells all members of a room on this shard.
func (h *hall) tell(room string, seq uint64, e event) {
	r := h.byName[room]
	if r == nil {
		return
	}
	f := encoded(e)
	for _, m := range slices.Clone(r.members) { // some may have to go
		m.hears(seq, f)
	}
}

func saidEvent(m *Message) event {
	return event{Type: "said", Name: MemberName(m.Member), Text: m.Text, ID: m.ID, Seq: m.Seq, At: m.At}
}

// Said tells what was said in a room.
func (h *hall) Said(m *Message) { h.tell(m.Room, m.Seq, saidEvent(m)) }

// Came tells that there is somebody new.
func (h *hall) Came(room, member string, count int) {
	h.tell(room, 0, event{Type: "joined", Name: MemberName(member), Count: count, At: h.now()})
}

// Left tells that somebody is gone.
func (h *hall) Left(room, member, why string, count int) {
	h.tell(room, 0, event{Type: "left", Name: MemberName(member), Text: why, Count: count, At: h.now()})
}

func (h *hall) now() int64 { return h.s.Loop().Time().UnixMilli() }

func encoded(e event) *websocket.Prepared {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers
	}
	return websocket.Prepare(websocket.Text, b)
}

// end has everything end, in the way told.
func (h *hall) end(how parting) {
	h.going = &how
	h.toEnd.Set()
}

// goAway closes the connection of each member.
func (h *hall) goAway() {
	h.rooms.Cancel(nil) // who waits for them has nothing to wait for any more
	for _, r := range h.byName {
		for _, m := range r.members {
			h.s.Loop().Go(func(t *corolla.Task) error {
				_ = m.conn.Close(t, h.going.code, h.going.text) // it has gone in any case
				return nil
			})
		}
	}
}

func (h *hall) stats() chatCounts {
	counts := h.counts
	counts.Rooms = map[string]int{}
	for name, r := range h.byName {
		counts.Rooms[name] = len(r.members)
	}
	return counts
}
