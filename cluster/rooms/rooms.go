// Package rooms has chat rooms that span the nodes of a cluster: what is said in a room on one node is heard by its
// members on all.
//
// What is said is stored in one stream for all rooms, and every node follows it, in order, and keeps a copy of what
// the stream keeps. A message counts when it is acknowledged: then most nodes have it. Each member hears
// each message of its room once, in the order in which they were stored, which for each sender is the order in
// which that one has said them. A member that comes back, to any node, says what it has heard last, and
// hears what it has missed; a sender that comes back says again what was not acknowledged, with the same ID.
//
// Everything here belongs to the loop of the Conn.
package rooms

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/internal/backlog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says how the rooms of a cluster are kept. All nodes must have the same.
type Config struct {
	Name     string        // of the stream and the presence, and of their subjects: "rooms" if empty
	History  int           // messages that a new member hears: 100 if 0
	Keep     int           // messages of a room that are kept, for members who come back: 1000 if 0
	MaxBytes int64         // of all messages, in the stream and in each node's copy: 64 MiB if 0
	MaxAge   time.Duration // of messages; 0 is no limit
	TTL      time.Duration // after which those on a node that died are not present any more: 20 s if 0
}

func (cfg *Config) setDefaults() {
	if cfg.Name == "" {
		cfg.Name = "rooms"
	}
	if cfg.History == 0 {
		cfg.History = 100
	}
	if cfg.Keep == 0 {
		cfg.Keep = 1000
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.TTL == 0 {
		cfg.TTL = 20 * time.Second
	}
}

// MaxName is how long the name of a room, of a member, or the ID of a message may be, in bytes.
const MaxName = 255

// ErrName is returned for a name that is empty or too long.
var ErrName = errors.New("rooms: a name must have 1 to 255 bytes")

// Message is what was said.
type Message struct {
	Room, Sender, ID string
	Data             []byte // shared: it must not be changed
	Seq              uint64 // its place among all messages of all rooms
	Time             time.Time
}

// Rooms are the rooms of a cluster, as one of its nodes has them.
type Rooms struct {
	conn     *cluster.Conn
	cfg      Config
	stream   *cluster.Stream
	reader   *cluster.Reader
	presence *cluster.Presence
	rooms    map[string]*room
	log      *backlog.Log[Message]
	seen     uint64
	caughtUp corolla.Event
	target   uint64
	said     func(*Message)
	presents func(room, member, node string, here bool)
}

// room is one that has members, on any node.
type room struct {
	name    string
	seats   map[*Seat]struct{}
	present map[string]int // nodes that a member is on
}

// Seat is a member of a room, on this node.
type Seat struct {
	rooms        *Rooms
	room, member string
	last         uint64
	deliver      func(*Message)
	left         bool
}

// Open returns the rooms of a cluster when this node has all that they have kept.
func Open(c *cluster.Conn, cfg Config) *corolla.Future[*Rooms] {
	cfg.setDefaults()
	return corolla.Go(c.Loop(), func(t *corolla.Task) (*Rooms, error) {
		stream, err := c.Stream(jetstream.StreamConfig{
			Name:     cfg.Name,
			Subjects: []string{cfg.Name + ".>"},
			MaxBytes: cfg.MaxBytes, MaxAge: cfg.MaxAge, MaxMsgsPerSubject: int64(cfg.Keep),
		}).Await(t)
		if err != nil {
			return nil, err
		}
		r := &Rooms{conn: c, cfg: cfg, stream: stream, rooms: map[string]*room{}}
		r.log = backlog.New(backlog.Config[Message]{
			Keep: cfg.Keep, MaxBytes: cfg.MaxBytes, Size: size,
			Room: func(m *Message) string { return m.Room },
			Seq:  func(m *Message) uint64 { return m.Seq },
		})
		if r.target, err = stream.LastSeq().Await(t); err != nil {
			return nil, err
		}
		if r.presence, err = c.Presence(cfg.Name+"-present", cfg.TTL).Await(t); err != nil {
			return nil, err
		}
		for _, m := range r.presence.Members() {
			r.changed(m, true)
		}
		r.presence.OnChange(r.changed)
		r.reader = stream.Follow(0)
		r.reader.OnMessage(r.hear)
		r.reader.OnEnd(func(err error) {
			if !errors.Is(err, cluster.ErrClosed) {
				c.Loop().Report(fmt.Errorf("rooms: %w", err))
			}
			r.caughtUp.Set()
		})
		if r.target > 0 {
			err = r.caughtUp.Wait(t)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
		return r, nil
	}, corolla.Name("open rooms"))
}

// Close ends them on this node.
func (r *Rooms) Close() {
	r.reader.Close()
	r.presence.Close()
	clear(r.rooms)
}

func checkNames(names ...string) error {
	for _, n := range names {
		if n == "" || len(n) > MaxName {
			return fmt.Errorf("%q: %w", n, ErrName)
		}
	}
	return nil
}

// The headers of a message in the stream.
const (
	headerSender = "Corolla-Sender"
	headerID     = "Corolla-Id"
)

func (r *Rooms) subject(room string) string {
	return r.cfg.Name + "." + base64.RawURLEncoding.EncodeToString([]byte(room))
}

// Say says something in a room, and returns the future of its acknowledgement. What has the same ID as something
// that this sender has said in the room within two minutes is not said again. What one node says in a room is
// heard in that order. The errors are those of Stream.Publish: after ErrTimeout or ErrClosed it may still be heard,
// and only saying it again, with the same ID, tells.
func (r *Rooms) Say(room, sender, id string, data []byte, opts ...cluster.PublishOption) *corolla.Future[cluster.Ack] {
	if err := checkNames(room, sender, id); err != nil {
		f := corolla.NewFuture[cluster.Ack](r.conn.Loop())
		_ = f.Fail(err)
		return f
	}
	whole := strings.Join([]string{url.PathEscape(room), url.PathEscape(sender), url.PathEscape(id)}, "/")
	h := nats.Header{headerSender: {url.PathEscape(sender)}, headerID: {url.PathEscape(id)}}
	opts = append([]cluster.PublishOption{cluster.ID(whole), cluster.Header(h)}, opts...)
	return r.stream.Publish(r.subject(room), data, opts...)
}

// Join makes a member of a room, and calls deliver, on the loop, for each message that it hears from now on; it is nil
// where OnMessage sees to that. The seat first hears what it has missed, in the slice returned: with after 0 the last messages, of which there are History
// at the most, and otherwise all messages after the one with that Seq that are kept. gap says
// that some which it has not heard may not be kept any more.
func (r *Rooms) Join(name, member string, after uint64, deliver func(*Message)) (s *Seat, missed []*Message, gap bool, err error) {
	r.conn.Loop().Check("rooms.Join")
	if err := checkNames(name, member); err != nil {
		return nil, nil, false, err
	}
	if err := r.presence.Enter(presenceKey(name, member), nil); err != nil {
		return nil, nil, false, err
	}
	rm := r.room(name)
	s = &Seat{rooms: r, room: name, member: member, last: max(after, r.seen), deliver: deliver}
	rm.seats[s] = struct{}{}
	if after == 0 {
		return s, r.log.Last(name, r.cfg.History), false, nil
	}
	missed, gap = r.log.After(name, after)
	return s, missed, gap, nil
}

// Seq returns the place of the last message that this node has.
func (r *Rooms) Seq() uint64 { return r.seen }

// Leave ends the membership. Nothing is heard any more.
func (s *Seat) Leave() {
	r := s.rooms
	r.conn.Loop().Check("rooms.Seat.Leave")
	rm := r.rooms[s.room]
	if s.left || rm == nil {
		return
	}
	s.left = true
	delete(rm.seats, s)
	for other := range rm.seats {
		if other.member == s.member {
			return // it is there a second time
		}
	}
	r.presence.Leave(presenceKey(s.room, s.member))
	r.forget(rm)
}

// Here returns who is in a room, on any node, in order.
func (r *Rooms) Here(name string) []string {
	r.conn.Loop().Check("rooms.Here")
	rm := r.rooms[name]
	if rm == nil {
		return nil
	}
	var all []string
	for member := range rm.present {
		all = append(all, member)
	}
	slices.Sort(all)
	return all
}

// Count returns how many members a room has, on all nodes.
func (r *Rooms) Count(name string) int {
	rm := r.rooms[name]
	if rm == nil {
		return 0
	}
	return len(rm.present)
}

// OnMessage calls f for each message of any room from now on, before the seats hear it. It replaces the function set
// before.
func (r *Rooms) OnMessage(f func(*Message)) { r.said = f }

// OnPresence calls f when a member has come to a room in which it was on no node, and says on which it is now; and when it
// has left the last. It replaces the function set before.
func (r *Rooms) OnPresence(f func(room, member, node string, here bool)) { r.presents = f }

func presenceKey(room, member string) string { return url.PathEscape(room) + "/" + member }

func (r *Rooms) changed(m cluster.Member, here bool) {
	escaped, member, ok := strings.Cut(m.Key, "/")
	name, err := url.PathUnescape(escaped)
	if !ok || err != nil {
		return // not from a node with this package
	}
	rm := r.room(name)
	was := rm.present[member]
	if here {
		rm.present[member]++
	} else if rm.present[member]--; rm.present[member] <= 0 {
		delete(rm.present, member)
		r.forget(rm)
	}
	if is := rm.present[member]; r.presents != nil && (was == 0) != (is == 0) {
		r.presents(name, member, m.Node, here)
	}
}

func (r *Rooms) room(name string) *room {
	rm := r.rooms[name]
	if rm == nil {
		rm = &room{name: name, seats: map[*Seat]struct{}{}, present: map[string]int{}}
		r.rooms[name] = rm
	}
	return rm
}

// forget drops a room of which nothing is left.
func (r *Rooms) forget(rm *room) {
	if len(rm.seats) == 0 && len(rm.present) == 0 {
		delete(r.rooms, rm.name)
	}
}

// hear takes a message from the stream.
func (r *Rooms) hear(d *cluster.Delivery) {
	r.seen = d.Seq
	if m, err := r.parse(d); err == nil { // otherwise it is not from a node with this package
		r.log.Add(m)
		if r.said != nil {
			r.said(m)
		}
		r.tell(m)
	}
	if r.seen >= r.target || d.Behind == 0 {
		r.caughtUp.Set()
	}
}

// overhead is what a message takes besides its data, about.
const overhead = 300

func size(m *Message) int64 { return int64(len(m.Data)+len(m.Room)+len(m.Sender)+len(m.ID)) + overhead }

func (r *Rooms) tell(m *Message) {
	rm := r.rooms[m.Room]
	if rm == nil {
		return
	}
	for s := range rm.seats {
		if m.Seq > s.last && s.deliver != nil {
			s.last = m.Seq
			s.deliver(m)
		}
	}
}

func (r *Rooms) parse(d *cluster.Delivery) (*Message, error) {
	name, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(d.Subject, r.cfg.Name+"."))
	sender, err1 := url.PathUnescape(d.Header.Get(headerSender))
	id, err2 := url.PathUnescape(d.Header.Get(headerID))
	return &Message{string(name), sender, id, d.Data, d.Seq, d.Time}, errors.Join(err, err1, err2)
}
