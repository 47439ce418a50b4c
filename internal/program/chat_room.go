package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// The rooms of the chat. All handlers share them, and none suspends in here: a message is accepted for
// a member whole and at once, or the member is too slow and has to go. So there are no locks, and no task
// or goroutine that writes.

// event is what a member is told, as JSON.
type event struct {
	Type  string   `json:"type"` // hello, joined, left, said
	Room  string   `json:"room,omitempty"`
	Name  string   `json:"name"`
	Text  string   `json:"text,omitempty"`
	Here  []string `json:"here,omitempty"` // of hello: at most maxHere of the others' names
	Count int      `json:"count"`          // members in the room
	At    int64    `json:"at"`             // Unix time, in milliseconds
}

const (
	maxName = 32  // characters
	maxHere = 200 // names, so that a hello fits the queue
)

// rooms are those in which somebody is.
type rooms struct {
	loop   *corolla.Loop
	byName map[string]*room
	counts chatCounts
}

// chatCounts is what /stats shows.
type chatCounts struct {
	Members   int            `json:"members"`   // now
	Rooms     map[string]int `json:"rooms"`     // members of each
	Joined    int            `json:"joined"`    // ever
	Messages  int            `json:"messages"`  // that members have said
	Delivered int            `json:"delivered"` // events accepted for a member
	Dropped   int            `json:"dropped"`   // members that were too slow
}

type room struct {
	of      *rooms
	name    string
	members []*member // in the order in which they came
	taken   map[string]bool
}

type member struct {
	room *room
	name string
	conn *websocket.Conn
}

func newRooms(l *corolla.Loop) *rooms { return &rooms{loop: l, byName: map[string]*room{}} }

// tidyName makes a name of what somebody has typed, or reports that it is none.
func tidyName(text string) (string, bool) {
	text = strings.Join(strings.Fields(text), " ")
	ok := text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxName &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	return text, ok
}

// join adds a member, under another name if that one is taken, and tells everybody.
func (rs *rooms) join(roomName, name string, c *websocket.Conn) *member {
	r := rs.byName[roomName]
	if r == nil {
		r = &room{of: rs, name: roomName, taken: map[string]bool{}}
		rs.byName[roomName] = r
	}
	m := &member{room: r, name: name, conn: c}
	for i := 2; r.taken[strings.ToLower(m.name)]; i++ {
		m.name = fmt.Sprintf("%s (%d)", name, i)
	}
	hello := event{Type: "hello", Room: roomName, Name: m.name, Count: len(r.members) + 1, At: rs.now()}
	for _, other := range r.members[:min(len(r.members), maxHere)] {
		hello.Here = append(hello.Here, other.name)
	}
	if c.TryWritePrepared(encoded(hello)) == nil { // or the connection has failed, and its reader knows
		rs.counts.Delivered++
	}
	r.taken[strings.ToLower(m.name)] = true
	r.members = append(r.members, m)
	rs.counts.Members++
	rs.counts.Joined++
	r.tell(event{Type: "joined", Name: m.name, Count: len(r.members)})
	return m
}

// leave removes a member, unless that was done, and tells the others.
func (m *member) leave(why string) {
	if i := slices.Index(m.room.members, m); i >= 0 {
		m.room.members = slices.Delete(m.room.members, i, i+1)
		m.room.forget(m)
		m.room.tell(event{Type: "left", Name: m.name, Text: why, Count: len(m.room.members)})
	}
}

// say tells the room, the member included.
func (m *member) say(text string) {
	m.room.of.counts.Messages++
	m.room.tell(event{Type: "said", Name: m.name, Text: text, Count: len(m.room.members)})
}

// tell tells all members. Those who do not take it are dropped, of which the others are told.
func (r *room) tell(e event) {
	for next := []event{e}; len(next) > 0; next = next[1:] {
		next[0].At = r.of.now()
		message := encoded(next[0])
		var slow []*member
		r.members = slices.DeleteFunc(r.members, func(m *member) bool {
			err := m.conn.TryWritePrepared(message)
			if err == nil {
				r.of.counts.Delivered++
			}
			if !errors.Is(err, corolla.ErrWouldBlock) {
				return false // if it has failed, its reader knows
			}
			slow = append(slow, m)
			return true
		})
		for _, m := range slow {
			r.forget(m)
			r.of.counts.Dropped++
			_ = m.conn.AIO().Abort() // unless it is closed already
			next = append(next, event{Type: "left", Name: m.name, Text: "too slow", Count: len(r.members)})
		}
	}
}

// forget does the accounts of a member who is gone.
func (r *room) forget(m *member) {
	delete(r.taken, strings.ToLower(m.name))
	r.of.counts.Members--
	if len(r.members) == 0 {
		delete(r.of.byName, r.name)
	}
}

func (rs *rooms) now() int64 { return rs.loop.Time().UnixMilli() }

func encoded(e event) *websocket.Prepared {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers
	}
	return websocket.Prepare(websocket.Text, b)
}

// all returns every member.
func (rs *rooms) all() (ms []*member) {
	for _, r := range rs.byName {
		ms = append(ms, r.members...)
	}
	return ms
}

func (rs *rooms) stats() chatCounts {
	counts := rs.counts
	counts.Rooms = map[string]int{}
	for name, r := range rs.byName {
		counts.Rooms[name] = len(r.members)
	}
	return counts
}
