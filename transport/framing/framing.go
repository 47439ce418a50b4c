// Package framing cuts streams into messages: lines, netstrings, and strings with their length
// before them. It knows nothing of connections, so both styles use it:
//
//	func (p *Chat) Data(c *transport.Conn, b []byte) {
//		if err := p.lines.Feed(b, func(line []byte) error { … }); err != nil { c.Abort() }
//	}
//
// A message is good only until the function that is given it returns; an error of that function ends
// the decoding, and every later Feed returns it. What Buffered returns is good until the next Feed.
//
// Every decoder has a limit, and gives up with an error that wraps ErrTooLong rather than hold
// more. (Twisted's twisted.protocols.basic, whose numbers these are.)
package framing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrTooLong is wrapped by the error of a message that is longer than the limit.
var ErrTooLong = errors.New("framing: too long")

// ErrMalformed is wrapped by the error of what cannot be a message.
var ErrMalformed = errors.New("framing: malformed")

// Limits of messages, in bytes, unless others are set.
const (
	DefaultMaxLine   = 16384
	DefaultMaxString = 99999
)

// decoder keeps what is no whole message yet.
type decoder struct {
	rest []byte
	err  error
}

// feed has next cut messages off until there is no whole one. A message is good only until the
// function that gets it returns; its error ends the decoding, and comes again ever after.
func (d *decoder) feed(b []byte, message func([]byte) error, next func(b []byte) (msg []byte, used int, err error)) error {
	if d.err != nil {
		return d.err
	}
	if len(d.rest) > 0 {
		d.rest = append(d.rest, b...)
		b = d.rest
	}
	for {
		msg, used, err := next(b)
		if err == nil && used == 0 {
			d.keep(b)
			return nil
		}
		if err == nil {
			err = message(msg)
			b = b[used:]
		}
		if err != nil {
			d.err = err
			d.rest = append([]byte(nil), b...)
			return err
		}
	}
}

// keep keeps what is no message yet: the end of rest, or of what was fed. What is there already is
// not copied, so that the work is in proportion to what comes, however long the messages are.
func (d *decoder) keep(b []byte) {
	switch {
	case len(b) == 0:
		d.rest = nil // an idle connection holds nothing
		return
	case len(b) == len(d.rest):
		return
	case cap(d.rest)/4 > max(len(b), minKept):
		d.rest = nil // nor what a long message needed
	}
	d.rest = append(d.rest[:0], b...)
}

// minKept is a size of memory that is kept for the next message, at a connection that is not idle.
const minKept = 1024

// Buffered returns what was fed and is no message yet, or what was left behind an error.
func (d *decoder) Buffered() []byte { return d.rest }

// Lines are messages that end with a delimiter.
type Lines struct {
	Delimiter string // unless set, a line ends at "\n" or "\r\n"
	Max       int    // bytes of a line without the delimiter; DefaultMaxLine unless set
	decoder

	sought   string // the delimiter that is not
	searched int    // in so many bytes of what is buffered
}

// Feed calls line for every line in the stream, without its delimiter. It gives up with an error
// that wraps ErrTooLong when a line is longer than Max, or Max and the delimiter's length (2 unless
// set) have come without a delimiter; Buffered then has the line and what is behind it.
func (l *Lines) Feed(b []byte, line func([]byte) error) error {
	delimiter, longest, most := l.Delimiter, len(l.Delimiter), l.Max
	if delimiter == "" {
		delimiter, longest = "\n", len("\r\n")
	}
	if most <= 0 {
		most = DefaultMaxLine
	}
	most = min(most, math.MaxInt-longest) // for the sum of the two
	if l.sought != delimiter {
		l.sought, l.searched = delimiter, 0
	}
	return l.feed(b, line, func(b []byte) ([]byte, int, error) {
		b = b[:min(len(b), most+longest)]
		from := max(0, l.searched-len(delimiter)+1) // its beginning may have come before
		end := bytes.Index(b[from:], []byte(delimiter))
		if end < 0 && len(b) < most+longest {
			l.searched = len(b)
			return nil, 0, nil
		}
		line := b
		if end >= 0 {
			line = b[:from+end]
		}
		if l.Delimiter == "" {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		if len(line) > most {
			return nil, 0, fmt.Errorf("%w: a line of more than %d bytes", ErrTooLong, most)
		}
		l.searched = 0
		return line, from + end + len(delimiter), nil
	})
}

// Netstrings are messages as "5:hello,".
type Netstrings struct {
	Max int // bytes of a message; DefaultMaxString unless set
	decoder
}

// maxHead is more than the head of a netstring, and what ends it, can have: the digits of an int.
const maxHead = 32

// Feed calls message for every netstring in the stream. The error wraps ErrTooLong as soon as a
// length above Max is known, and ErrMalformed for anything that is no netstring: a length with a
// zero before it, say.
func (n *Netstrings) Feed(b []byte, message func([]byte) error) error {
	most := n.Max
	if most <= 0 {
		most = DefaultMaxString
	}
	most = min(most, math.MaxInt-maxHead)
	return n.feed(b, message, func(b []byte) ([]byte, int, error) {
		length, digits := 0, 0
		for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
			if digits == 1 && b[0] == '0' {
				return nil, 0, fmt.Errorf("%w: a length that begins with 0", ErrMalformed)
			}
			digit := int(b[digits] - '0')
			if length > most/10 || length*10+digit > most {
				return nil, 0, fmt.Errorf("%w: a netstring of more than %d bytes", ErrTooLong, most)
			}
			length = length*10 + digit
			digits++
		}
		begin, end := digits+1, digits+1+length
		switch {
		case digits == len(b):
			return nil, 0, nil
		case digits == 0 || b[digits] != ':':
			return nil, 0, fmt.Errorf("%w: %q in the length of a netstring", ErrMalformed, b[digits])
		case len(b) <= end:
			return nil, 0, nil
		case b[end] != ',':
			return nil, 0, fmt.Errorf("%w: %q where a netstring ends", ErrMalformed, b[end])
		}
		return b[begin:end], end + 1, nil
	})
}

// AppendNetstring appends a message as a netstring.
func AppendNetstring(b, message []byte) []byte {
	b = fmt.Appendf(b, "%d:", len(message))
	return append(append(b, message...), ',')
}

// Prefixed are messages with their length before them, as a big-endian number.
type Prefixed struct {
	Size int // of the length, in bytes: 1, 2 or 4, which it is unless set
	Max  int // bytes of a message; DefaultMaxString unless set
	decoder
}

func (p *Prefixed) size() int {
	switch p.Size {
	case 0:
		return 4
	case 1, 2, 4:
		return p.Size
	}
	panic(fmt.Sprintf("framing: Prefixed with a length of %d bytes: 1, 2 or 4", p.Size))
}

// Feed calls message for every message in the stream. The error wraps ErrTooLong as soon as a
// length above Max is known. It panics on a Size that is not 1, 2 or 4.
func (p *Prefixed) Feed(b []byte, message func([]byte) error) error {
	size, most := p.size(), p.Max
	if most <= 0 {
		most = DefaultMaxString
	}
	return p.feed(b, message, func(b []byte) ([]byte, int, error) {
		if len(b) < size {
			return nil, 0, nil
		}
		var wide [4]byte
		copy(wide[4-size:], b[:size])
		length := int64(binary.BigEndian.Uint32(wide[:]))
		switch {
		case length > int64(most):
			return nil, 0, fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLong, length, most)
		case int64(len(b)-size) < length:
			return nil, 0, nil
		}
		return b[size : size+int(length)], size + int(length), nil
	})
}

// Append appends a message with its length before it. The error wraps ErrTooLong for one whose
// length the number cannot hold.
func (p *Prefixed) Append(b, message []byte) ([]byte, error) {
	size := p.size()
	if uint64(len(message)) >= 1<<(8*size) {
		return b, fmt.Errorf("%w: a message of %d bytes, for a length of %d", ErrTooLong, len(message), size)
	}
	wide := binary.BigEndian.AppendUint32(nil, uint32(len(message)))
	return append(append(b, wide[4-size:]...), message...), nil
}
