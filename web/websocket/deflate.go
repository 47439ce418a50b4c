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
	w := newCompressor(buf, how)
	_, _ = w.Write(b) // a buffer never fails
	_ = w.Flush()
	buf.b = bytes.TrimSuffix(buf.b, []byte(tailOfFlush))
	compressors[how].Put(w)
}

func newCompressor(buf *buffer, how squeeze) *flate.Writer {
	w, _ := compressors[how].Get().(*flate.Writer)
	if w != nil {
		w.Reset(buf)
		return w
	}
	level := flate.BestSpeed
	if how == squeezeNarrow {
		level = flate.HuffmanOnly
	}
	w, _ = flate.NewWriter(buf, level) // fails only for an unknown level
	return w
}

// inflater reads one message at a time.
type inflater struct {
	flate io.ReadCloser // also a flate.Resetter
	in    []byte
	more  func() ([]byte, error) // what comes behind that, up to io.EOF; nil if nothing does
	tail  string
}

func newInflater() *inflater {
	f, _ := inflaters.Get().(*inflater)
	if f == nil {
		f = new(inflater)
		f.flate = flate.NewReader(f)
	}
	return f
}

// begin starts a message.
func (f *inflater) begin(b []byte) error {
	f.in, f.tail = b, tailOfInput
	return f.flate.(flate.Resetter).Reset(f, nil)
}

// free gives f back. Nobody may be reading from it.
func (f *inflater) free() {
	f.in, f.more = nil, nil
	inflaters.Put(f)
}

// fill makes sure that there is something in f.in, unless there is only the tail.
func (f *inflater) fill() (err error) {
	for len(f.in) == 0 && f.more != nil {
		if f.in, err = f.more(); err == io.EOF {
			f.more = nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// ReadByte makes the decompressor read no further than it needs to.
func (f *inflater) ReadByte() (byte, error) {
	if err := f.fill(); err != nil {
		return 0, err
	}
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
	if err := f.fill(); err != nil {
		return 0, err
	}
	if len(f.in) == 0 && len(f.tail) == 0 {
		return 0, io.EOF
	}
	n := copy(b, f.in)
	f.in = f.in[n:]
	m := 0
	if f.more == nil {
		m = copy(b[n:], f.tail)
		f.tail = f.tail[m:]
	}
	return n + m, nil
}

var (
	errInflatedTooBig = errors.New("the decompressed message is too long")
	errAfterTheEnd    = errors.New("compressed data goes on after its last block")
)

// inflate decompresses a message. It stops as soon as there is more than limit bytes of it.
func inflate(b []byte, limit int) ([]byte, error) {
	f := newInflater()
	defer f.free()
	if err := f.begin(b); err != nil {
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
