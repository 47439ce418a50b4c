package aio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/corolla-go/corolla"
)

// DefaultLimit is how long a line, or what else ends with a separator, may be: 64 KiB,
// as asyncio has it.
const DefaultLimit = 64 << 10

// ErrTooLong is returned by ReadUntil and Lines when the limit is passed without a separator.
// What was read is kept, for Read, or for ReadUntil with a higher limit.
var ErrTooLong = errors.New("aio: no separator within the limit")

// SetLimit sets how many bytes ReadUntil and Lines take, the separator among them, before
// they give up. It is DefaultLimit unless set.
func (c *Conn) SetLimit(bytes int) {
	c.check("SetLimit")
	c.limit = bytes
}

// ReadFull reads exactly len(b) bytes. It returns io.EOF if the stream ends before the first
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

// ReadUntil reads up to and with the next sep, which must not be empty. What it returns is
// good until the next call that reads. If the stream ends before, it returns what is left
// and io.ErrUnexpectedEOF, or io.EOF if that is nothing. On any other error, ErrTooLong
// among them, nothing of what has arrived is lost: the next call begins where this one did.
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
	for seen := 0; ; { // so far there is no separator that begins before seen
		if i := bytes.Index(c.in[seen:], sep); i >= 0 && seen+i+len(sep) <= limit {
			return cutOff(c, seen+i+len(sep)), nil
		}
		if len(c.in) >= limit {
			return nil, c.wrap("read", fmt.Errorf("%w of %d bytes", ErrTooLong, limit))
		}
		if seen > 0 { // not the first round: others have a turn too
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

// cut takes n bytes off the front of what has arrived.
func cutOff(c *Conn, n int) []byte {
	b := c.in[:n:n]
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	return b
}

// more reads on into what has arrived.
func more(c *Conn, t *corolla.Task, limit int) error {
	b := t.Loop().Scratch()
	n, err := readSome(c, t, b[:min(len(b), limit)])
	c.in = append(c.in, b[:n]...)
	return err
}

// Lines returns an iterator over the lines of the stream, without their ends, "\n" or "\r\n".
// A line is good until the next one is asked for. An error ends it and comes last, unless it
// is io.EOF; ErrTooLong keeps the line.
func (c *Conn) Lines(t *corolla.Task) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := c.ReadUntil(t, []byte{'\n'})
			switch {
			case err == io.EOF:
				return
			case err == io.ErrUnexpectedEOF: // the last has no end
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
