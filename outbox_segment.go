package corolla

import "github.com/corolla-go/corolla/internal/host"

// An outbox is a queue of segments, linked so that an empty one is two nil pointers. Segments of
// bytes have one size, unless a single write is larger, and a loop keeps some of them for reuse, so
// that a connection whose peer is slow now and then allocates nothing.

// segment is one thing in line for a socket: bytes, or a borrower's turn to write to it.
type segment struct {
	next  *segment
	bytes []byte
	sent  int // of bytes
	turn  *turn
}

const (
	segmentSize  = 16 << 10
	keptSegments = 64
)

// unsent returns the bytes not yet sent.
func (s *segment) unsent() []byte { return s.bytes[s.sent:] }

// push puts a segment at the end of the line.
func (o *Outbox) push(s *segment) {
	if o.last == nil {
		o.first = s
	} else {
		o.last.next = s
	}
	o.last = s
}

// shift removes the first segment.
func (o *Outbox) shift() {
	s := o.first
	if o.first = s.next; o.first == nil {
		o.last = nil
	}
	o.sock.loop.segments.give(s)
}

// segmentPool is shared by the outboxes of a loop.
type segmentPool struct {
	first *segment // of the unused ones
	n     int
	batch [][]byte // reused by write; empty between two calls
	cut   [][]byte // reused by writeSome, likewise
}

// take returns an empty segment with room for size bytes.
func (p *segmentPool) take(size int) *segment {
	s := p.first
	switch {
	case size > segmentSize:
		return &segment{bytes: make([]byte, 0, size)}
	case s == nil:
		return &segment{bytes: make([]byte, 0, segmentSize)}
	}
	p.first, s.next = s.next, nil
	p.n--
	return s
}

// give takes a segment back, and keeps it if it has the usual size and there is room.
func (p *segmentPool) give(s *segment) {
	s.next = nil
	if cap(s.bytes) != segmentSize || p.n == keptSegments {
		return
	}
	s.bytes, s.sent = s.bytes[:0], 0
	s.next, p.first = p.first, s
	p.n++
}

// write writes a segment and those behind it, up to a borrower's turn, in one system call.
func (p *segmentPool) write(to *Socket, first *segment) (int, error) {
	if first.next == nil || first.next.turn != nil {
		return to.TryWrite(first.unsent())
	}
	for s := first; s != nil && s.turn == nil && len(p.batch) < host.MaxBatch; s = s.next {
		p.batch = append(p.batch, s.unsent())
	}
	n, err := to.TryWriteBatch(p.batch)
	clear(p.batch) // it must not keep sent data alive
	p.batch = p.batch[:0]
	return n, err
}
