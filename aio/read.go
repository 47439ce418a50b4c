package aio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/corolla-go/corolla"
)

// DefaultLimit is the longest line, or other text up to a separator, unless SetLimit changes it: 64
// KiB, as in asyncio.
const DefaultLimit = 64 << 10

// ErrTooLong is returned by ReadUntil and Lines when there is no separator within the limit. The
// data is kept, for Read, or for ReadUntil with a higher limit.
var ErrTooLong = errors.New("aio: no separator within the limit")

// SetLimit sets how many bytes, including the separator, ReadUntil and Lines accept before they
// give up. The default is DefaultLimit.
func (c *Conn) SetLimit(bytes int) {
	c.check("SetLimit")
	c.limit = bytes
}

// ReadFull reads exactly len(b) bytes. It returns io.EOF if the stream ends before the first byte,
// and io.ErrUnexpectedEOF if it ends later; n is how many were read.
func (c *Conn) ReadFull(t *corolla.Task, b []byte) (n int, err error) {
	for n < len(b) {
		m, err := c.Read(t, b[n:])
		if n += m; err == io.EOF && n > 0 {
			return n, io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ReadUntil reads up to and including the next sep, which must not be empty. The result is good
// until the next call that reads. If the stream ends first, it returns what is left and
// io.ErrUnexpectedEOF, or io.EOF if nothing is left. On any other error, including ErrTooLong, no
// data is lost: the next call starts where this one did.
func (c *Conn) ReadUntil(t *corolla.Task, sep []byte) ([]byte, error) {
	if len(sep) == 0 {
		return nil, fmt.Errorf("aio: ReadUntil with an empty separator")
	}
	if err := c.read.begin(t, readable(c)); err != nil {
		return nil, err
	}
	defer c.read.end(t)
	if err := unreadable(c); err != nil {
		return nil, c.wrap("read", err)
	}
	limit := c.limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	for seen := 0; ; { // no separator begins before seen
		if i := bytes.Index(c.in[seen:], sep); i >= 0 && seen+i+len(sep) <= limit {
			return cutOff(c, seen+i+len(sep)), nil
		}
		if len(c.in) >= limit {
			return nil, c.wrap("read", fmt.Errorf("%w of %d bytes", ErrTooLong, limit))
		}
		if seen > 0 { // let others run between rounds
			if err := t.Checkpoint(); err != nil {
				return nil, c.wrap("read", err)
			}
		}
		seen = max(0, len(c.in)-len(sep)+1)
		if err := more(c, t, limit); err == io.EOF && len(c.in) > 0 {
			return cutOff(c, len(c.in)), io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, c.wrap("read", err)
		}
	}
}

// cutOff takes n bytes off the front of c.in.
func cutOff(c *Conn, n int) []byte {
	b := c.in[:n:n]
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	return b
}

// more reads more data and appends it to c.in.
func more(c *Conn, t *corolla.Task, limit int) error {
	b := t.Loop().Scratch()
	n, err := readSome(c, t, b[:min(len(b), limit)])
	c.in = append(c.in, b[:n]...)
	return err
}

// Lines returns an iterator over the lines of the stream, without their "\n" or "\r\n". A line is
// good until the next one is asked for. An error other than io.EOF is yielded last; ErrTooLong
// keeps the line.
func (c *Conn) Lines(t *corolla.Task) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := c.ReadUntil(t, []byte{'\n'})
			switch {
			case err == io.EOF:
				return
			case err == io.ErrUnexpectedEOF: // the last line has no newline
				yield(line, nil)
				return
			case err != nil:
				yield(nil, err)
				return
			}
			if !yield(bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil) {
				return
			}
		}
	}
}
