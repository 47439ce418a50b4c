package corolla

// Chunks of outboxes are this large, unless a single write is larger; a loop keeps a few.
const (
	chunkSize  = 16 << 10
	keptChunks = 64
)

// chunks is a stock of memory for outboxes.
type chunks struct{ idle [][]byte }

func (s *chunks) take(size int) []byte {
	n := len(s.idle)
	switch {
	case size > chunkSize:
		return make([]byte, 0, size)
	case n == 0:
		return make([]byte, 0, chunkSize)
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return c
}

func (s *chunks) give(c []byte) {
	if cap(c) == chunkSize && len(s.idle) < keptChunks {
		s.idle = append(s.idle, c[:0])
	}
}
