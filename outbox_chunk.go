package corolla

// Chunks of outboxes are this large, unless a single write is larger; a loop keeps a few.
const (
	chunkSize  = 16 << 10
	keptChunks = 64
)

func (l *Loop) takeChunk(size int) []byte {
	n := len(l.chunks)
	switch {
	case size > chunkSize:
		return make([]byte, 0, size)
	case n == 0:
		return make([]byte, 0, chunkSize)
	}
	c := l.chunks[n-1]
	l.chunks = l.chunks[:n-1]
	return c
}

func (l *Loop) giveChunk(c []byte) {
	if cap(c) == chunkSize && len(l.chunks) < keptChunks {
		l.chunks = append(l.chunks, c[:0])
	}
}
