package websocket

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Compression (RFC 7692), without context takeover in either direction: each message is compressed by
// itself, so a connection keeps neither a window nor a compressor, of which one takes more than a megabyte. A few of each are enough for a whole program, since nothing waits while it uses one.
//
// The standard library's compressor always has a window of 32 KiB. A peer that asks for a smaller one is
// served all the same: a message not longer than the window cannot refer beyond it, and a longer one is
// only Huffman coded, which refers to nothing.

// tailOfFlush is what a flush ends with, which is not sent (RFC 7692, section 7.2.1). To read a message,
// it is put back, and a last, empty block is added.
const (
	tailOfFlush = "\x00\x00\xff\xff"
	tailOfInput = tailOfFlush + "\x01\x00\x00\xff\xff"
)

// A squeeze is a way to compress.
type squeeze int

const (
	squeezeNone squeeze = iota
	squeezeFull
	squeezeNarrow // with no window at all
	squeezes      // how many there are
)

var (
	compressors [squeezes]sync.Pool
	inflaters   sync.Pool
)

// compress appends b, compressed, to buf.
func compress(buf *buffer, b []byte, how squeeze) {
	w, _ := compressors[how].Get().(*flate.Writer)
	if w == nil {
		level := flate.BestSpeed
		if how == squeezeNarrow {
			level = flate.HuffmanOnly
		}
		w, _ = flate.NewWriter(buf, level) // fails only for an unknown level
	} else {
		w.Reset(buf)
	}
	_, _ = w.Write(b) // a buffer never fails
	_ = w.Flush()
	buf.b = bytes.TrimSuffix(buf.b, []byte(tailOfFlush))
	compressors[how].Put(w)
}

// inflater reads one message at a time.
type inflater struct {
	flate io.ReadCloser // also a flate.Resetter
	in    []byte
	tail  string
}

// ReadByte makes the decompressor read no further than it needs to.
func (f *inflater) ReadByte() (byte, error) {
	switch {
	case len(f.in) > 0:
		b := f.in[0]
		f.in = f.in[1:]
		return b, nil
	case len(f.tail) > 0:
		b := f.tail[0]
		f.tail = f.tail[1:]
		return b, nil
	}
	return 0, io.EOF
}

func (f *inflater) Read(b []byte) (int, error) {
	if len(f.in) == 0 && len(f.tail) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.in)
	f.in = f.in[n:]
	m := copy(b[n:], f.tail)
	f.tail = f.tail[m:]
	return n + m, nil
}

var (
	errInflatedTooBig = errors.New("the decompressed message is too long")
	errAfterTheEnd    = errors.New("compressed data goes on after its last block")
)

// inflate decompresses a message. It stops as soon as there is more than limit bytes of it.
func inflate(b []byte, limit int) ([]byte, error) {
	f, _ := inflaters.Get().(*inflater)
	if f == nil {
		f = new(inflater)
		f.flate = flate.NewReader(f)
	}
	defer inflaters.Put(f)
	f.in, f.tail = b, tailOfInput
	defer func() { f.in = nil }()
	if err := f.flate.(flate.Resetter).Reset(f, nil); err != nil {
		return nil, err
	}
	out := make([]byte, 0, min(limit+1, 4*len(b)+64))
	for {
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		n, err := f.flate.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, errInflatedTooBig
		case err == io.EOF && len(f.in) > 1: // a last block may be followed by an empty byte: section 7.2.3.4
			return nil, errAfterTheEnd
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}
