package websocket

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"sync"

	"github.com/gobwas/ws"
)

// Writing frames. A message goes out as one frame, made in a buffer that many connections share, with its
// header right before the payload: so it takes one write, and cannot be interleaved with another. Writing
// header and payload separately would save the copy, but others could get in between.

// buffer is where a frame is made. The first bytes are room for a header.
type buffer struct{ b []byte }

// Write appends.
func (f *buffer) Write(b []byte) (int, error) {
	f.b = append(f.b, b...)
	return len(b), nil
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func newBuffer() *buffer {
	f := buffers.Get().(*buffer)
	f.b = append(f.b[:0], make([]byte, ws.MaxHeaderSize)...)
	return f
}

func (f *buffer) payload() []byte { return f.b[ws.MaxHeaderSize:] }
func (f *buffer) size() int       { return len(f.b) - ws.MaxHeaderSize }
func (f *buffer) reset()          { f.b = f.b[:ws.MaxHeaderSize] }

// free gives a buffer back, unless it has become large.
func (f *buffer) free() {
	if cap(f.b) <= 2*accepted {
		buffers.Put(f)
	}
}

// finish makes the one frame of a message.
func (f *buffer) finish(h ws.Header) []byte {
	h.Fin = true
	return f.frame(h)
}

// frame puts a header before the payload, masks it if need be, and returns the frame.
func (f *buffer) frame(h ws.Header) []byte {
	payload := f.payload()
	h.Length = int64(len(payload))
	if h.Masked {
		_, _ = rand.Read(h.Mask[:]) // never fails: it ends the program instead
		ws.Cipher(payload, h.Mask, 0)
	}
	frame := f.b[ws.MaxHeaderSize-ws.HeaderSize(h):]
	putHeader(frame, h)
	return frame
}

// putHeader writes a header.
func putHeader(b []byte, h ws.Header) {
	b[0] = h.Rsv<<4 | byte(h.OpCode)
	if h.Fin {
		b[0] |= 0x80
	}
	n := 2
	switch {
	case h.Length < 126:
		b[1] = byte(h.Length)
	case h.Length < 1<<16:
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(h.Length))
		n = 4
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(h.Length))
		n = 10
	}
	if h.Masked {
		b[1] |= 0x80
		copy(b[n:], h.Mask[:])
	}
}

// encode makes the frame of a message.
func encode(f *buffer, kind Kind, b []byte, how squeeze, masked bool) []byte {
	h := ws.Header{OpCode: ws.OpCode(kind), Masked: masked}
	if how != squeezeNone {
		if compress(f, b, how); f.size() < len(b) {
			h.Rsv = ws.Rsv(true, false, false)
			return f.finish(h)
		}
		f.reset() // it became longer, so it goes as it is
	}
	f.b = append(f.b, b...)
	return f.finish(h)
}

// Prepared is a message for many connections: it is encoded once, and compressed at most twice, however
// many it is sent to, except that a client's frames each have a mask of their own. It belongs to one loop.
type Prepared struct {
	kind   Kind
	b      []byte
	frames [squeezes][]byte
}

// Prepare returns a message with a copy of b. It panics if kind is neither Text nor Binary. The text of a
// Text message must be UTF-8; that is not checked.
func Prepare(kind Kind, b []byte) *Prepared {
	kind.check()
	return &Prepared{kind: kind, b: bytes.Clone(b)}
}

// frame returns the frame for servers.
func (p *Prepared) frame(how squeeze) []byte {
	if p.frames[how] == nil {
		f := newBuffer()
		p.frames[how] = bytes.Clone(encode(f, p.kind, p.b, how, false))
		f.free()
	}
	return p.frames[how]
}
