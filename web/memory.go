package web

import (
	"bufio"
	"io"
	"time"
)

// memory keeps buffers for the next request. A sync.Pool would do too, but would be emptied at each
// garbage collection, and locks.
type memory struct {
	readers []*bufio.Reader
	pages   [][]byte
	large   [][]byte
	marks   []mark // of the head that is being parsed
	head    []byte // of the answer that is being written, or all of a small one
}

const (
	readerSize = 4 << 10
	pageSize   = 4 << 10  // of the start of an answer
	largeSize  = 32 << 10 // of what is copied
	maxKept    = 64       // of each
)

func (m *memory) reader(from io.Reader) *bufio.Reader {
	r, ok := last(&m.readers)
	if !ok {
		return bufio.NewReaderSize(from, readerSize)
	}
	r.Reset(from)
	return r
}

func (m *memory) giveReader(r *bufio.Reader) {
	r.Reset(nil)
	keep(&m.readers, r)
}

func (m *memory) page() []byte {
	if p, ok := last(&m.pages); ok {
		return p
	}
	return make([]byte, 0, pageSize)
}

func (m *memory) givePage(p []byte) { keep(&m.pages, p[:0]) }

func (m *memory) copying() []byte {
	if p, ok := last(&m.large); ok {
		return p
	}
	return make([]byte, largeSize)
}

func (m *memory) giveCopying(p []byte) { keep(&m.large, p) }

func last[T any](from *[]T) (v T, ok bool) {
	n := len(*from) - 1
	if n < 0 {
		return v, false
	}
	v = (*from)[n]
	clear((*from)[n:])
	*from = (*from)[:n]
	return v, true
}

func keep[T any](in *[]T, v T) {
	if len(*in) < maxKept {
		*in = append(*in, v)
	}
}

// date is the value of the Date header, made once a second.
type date struct {
	second int64
	text   []byte
}

func (d *date) now(t time.Time) []byte {
	if s := t.Unix(); s != d.second || d.text == nil {
		d.second = s
		d.text = t.UTC().AppendFormat(d.text[:0], "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	return d.text
}
