// Package backlog keeps the last messages of many rooms, for those who come, and who come back: so many of each room,
// and so many bytes of all, of which the oldest go first. A Log belongs to a loop.
package backlog

import "slices"

// Config says how much is kept, and what a message is.
type Config[M any] struct {
	Keep     int   // messages of each room
	MaxBytes int64 // of all messages

	Room func(*M) string
	Seq  func(*M) uint64 // its place among all messages, which grows
	Size func(*M) int64  // in bytes

	Dropped func(*M) // is called for each message that is not kept any more; nil is nobody
}

// Log has the messages that are kept.
type Log[M any] struct {
	cfg     Config[M]
	rooms   map[string]*room[M]
	order   []*M // of all rooms; some of them may be gone from their rooms already
	n       int  // messages
	bytes   int64
	dropped uint64 // the place of the last that has gone for lack of bytes
}

// room has at least one message.
type room[M any] struct {
	kept []*M
	full bool // there were more
}

// New returns an empty Log.
func New[M any](cfg Config[M]) *Log[M] {
	return &Log[M]{cfg: cfg, rooms: map[string]*room[M]{}}
}

// Add adds the newest message, and drops those for which there is no room any more.
func (l *Log[M]) Add(m *M) {
	name := l.cfg.Room(m)
	r := l.rooms[name]
	if r == nil {
		r = &room[M]{full: l.dropped > 0} // what has gone may have been its own
		l.rooms[name] = r
	}
	r.kept = append(r.kept, m)
	l.order = append(l.order, m)
	l.bytes += l.cfg.Size(m)
	l.n++
	if len(r.kept) > l.cfg.Keep {
		l.drop(r)
	}
	for l.bytes > l.cfg.MaxBytes && l.n > 1 {
		oldest := l.order[0]
		l.order[0] = nil
		l.order = l.order[1:]
		if l.has(oldest) {
			l.dropped = l.cfg.Seq(oldest)
			l.drop(l.rooms[l.cfg.Room(oldest)])
		}
	}
	if len(l.order) > 2*l.n+1024 {
		l.order = slices.Clone(slices.DeleteFunc(l.order, func(m *M) bool { return !l.has(m) }))
	}
}

// has reports whether a message is still in its room.
func (l *Log[M]) has(m *M) bool {
	r := l.rooms[l.cfg.Room(m)]
	return r != nil && l.cfg.Seq(r.kept[0]) <= l.cfg.Seq(m)
}

// drop drops the oldest message of a room.
func (l *Log[M]) drop(r *room[M]) {
	m := r.kept[0]
	l.bytes -= l.cfg.Size(m)
	l.n--
	r.kept[0] = nil
	r.kept = r.kept[1:]
	r.full = true
	if len(r.kept) == 0 {
		delete(l.rooms, l.cfg.Room(m))
	}
	if l.cfg.Dropped != nil {
		l.cfg.Dropped(m)
	}
}

// Last returns the last n messages of a room, or as many as are kept, oldest first.
func (l *Log[M]) Last(name string, n int) []*M {
	r := l.rooms[name]
	if r == nil {
		return nil
	}
	return slices.Clone(r.kept[max(0, len(r.kept)-n):])
}

// After returns the messages of a room that come after a place, oldest first. gap says that there may have been others,
// which are not kept any more.
func (l *Log[M]) After(name string, seq uint64) (ms []*M, gap bool) {
	r := l.rooms[name]
	if r == nil {
		return nil, l.dropped > seq
	}
	i, _ := slices.BinarySearchFunc(r.kept, seq+1, func(m *M, seq uint64) int {
		if l.cfg.Seq(m) < seq {
			return -1
		}
		return 1
	})
	return slices.Clone(r.kept[i:]), i == 0 && r.full
}

// Has reports whether anything of a room is kept.
func (l *Log[M]) Has(name string) bool { return l.rooms[name] != nil }
