package web

import (
	"io"
	"maps"
	"net/http"
	"sync"
)

// Sizes of the buffers in which errands read and write. A request begins with a small one.
const (
	onLoopSmall = 4 << 10
	onLoopLarge = 32 << 10
)

var onLoopPools = [2]sync.Pool{
	{New: func() any { b := make([]byte, 0, onLoopSmall); return &b }},
	{New: func() any { b := make([]byte, 0, onLoopLarge); return &b }},
}

// onLoopBuffer returns an empty buffer.
func onLoopBuffer(large bool) *[]byte {
	if large {
		return onLoopPools[1].Get().(*[]byte)
	}
	return onLoopPools[0].Get().(*[]byte)
}

func dropOnLoopBuffer(b *[]byte) {
	if b == nil {
		return
	}
	*b = (*b)[:0]
	if cap(*b) == onLoopLarge {
		onLoopPools[1].Put(b)
	} else {
		onLoopPools[0].Put(b)
	}
}

// onLoopBody is the body of a request as the handler sees it. A read that was canceled goes on, and
// what it finds is there for the next one.
type onLoopBody struct {
	x    *onLoopCall
	lane onLoopLane
	over bool // closed, or the handler has returned

	// An errand's while the lane is busy.
	buf     *[]byte // nil if all was read
	next    int     // in buf
	large   bool    // the last buffer was filled
	err     error
	trailer http.Header // found at the end
}

var _ io.ReadCloser = (*onLoopBody)(nil)

// Read parks the task until there is something.
func (b *onLoopBody) Read(p []byte) (int, error) {
	b.x.h.loop.Check("Read of a request's body")
	for {
		if err := b.x.wait(&b.lane, "the body of a request"); err != nil {
			return 0, err
		}
		switch {
		case b.over:
			return 0, http.ErrBodyReadAfterClose
		case b.buf != nil:
			n := copy(p, (*b.buf)[b.next:])
			if b.next += n; b.next == len(*b.buf) {
				b.drop()
			}
			return n, nil
		case b.err != nil:
			b.showTrailer()
			return 0, b.err
		case b.lane.err != nil:
			return 0, b.lane.err
		case len(p) == 0:
			return 0, nil
		}
		b.x.send(&b.lane, b.fill)
	}
}

// fill is the errand.
func (b *onLoopBody) fill() error {
	buf := onLoopBuffer(b.large)
	n, err := b.x.r.Body.Read((*buf)[:cap(*buf)])
	*buf = (*buf)[:n]
	b.large = n == cap(*buf)
	if b.err = err; err == io.EOF {
		b.trailer = b.x.r.Trailer.Clone()
	}
	if b.next = 0; n == 0 {
		dropOnLoopBuffer(buf)
		buf = nil
	}
	b.buf = buf
	return nil
}

// showTrailer gives the handler the trailers, in the map that it may have copied with the request.
func (b *onLoopBody) showTrailer() {
	switch r := b.x.inner; {
	case b.trailer == nil:
	case r.Trailer == nil:
		r.Trailer = b.trailer
	default:
		maps.Copy(r.Trailer, b.trailer)
	}
	b.trailer = nil
}

func (b *onLoopBody) drop() {
	dropOnLoopBuffer(b.buf)
	b.buf = nil
}

// Close makes further reads fail. net/http closes the real body when the handler has returned.
func (b *onLoopBody) Close() error {
	b.x.h.loop.Check("Close of a request's body")
	b.over = true
	if !b.lane.busy {
		b.drop()
	}
	return nil
}
