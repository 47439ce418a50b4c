package rooms

// This file has how much a node keeps: as much as the stream does, Keep messages for each room, and MaxBytes for all
// of them, of which the oldest go first.

// overhead is what a message takes besides its data, about.
const overhead = 300

// log is all messages that are kept, in their order.
type log struct {
	most    int64
	bytes   int64
	n       int      // messages
	entries []logged // some of them may be gone from their rooms already
}

type logged struct {
	room *room
	seq  uint64
}

func size(m *Message) int64 { return int64(len(m.Data)+len(m.Room)+len(m.Sender)+len(m.ID)) + overhead }

// keep adds a message, and drops those for which there is no room any more.
func (r *Rooms) keep(rm *room, m *Message) {
	l := &r.log
	rm.kept = append(rm.kept, m)
	l.entries = append(l.entries, logged{rm, m.Seq})
	l.bytes += size(m)
	l.n++
	if len(rm.kept) > r.cfg.Keep {
		l.drop(rm)
	}
	for l.bytes > l.most && l.n > 1 {
		e := l.entries[0]
		l.entries = l.entries[1:]
		if e.kept() {
			l.drop(e.room)
			r.forget(e.room)
		}
	}
	if len(l.entries) > 2*l.n+1024 {
		l.compact()
	}
}

// kept reports whether a message is still in its room.
func (e logged) kept() bool { return len(e.room.kept) > 0 && e.room.kept[0].Seq <= e.seq }

func (l *log) drop(rm *room) {
	l.bytes -= size(rm.kept[0])
	l.n--
	rm.kept[0] = nil
	rm.kept = rm.kept[1:]
	rm.full = true
}

func (l *log) compact() {
	left := make([]logged, 0, l.n)
	for _, e := range l.entries {
		if e.kept() {
			left = append(left, e)
		}
	}
	l.entries = left
}
