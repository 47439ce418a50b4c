// Package framing splits streams into messages: lines, netstrings and length-prefixed strings. It
// knows nothing of connections, so code in either style can use it:
//
//	func (p *Chat) Data(c *transport.Conn, b []byte) {
//		if err := p.lines.Feed(b, func(line []byte) error { … }); err != nil { c.Abort() }
//	}
//
// A message is good only until the function that it is passed to returns; an error from that
// function ends the decoding, and every later Feed returns it. What Buffered returns is good until
// the next Feed.
//
// Every decoder has a limit, and gives up with an error that wraps ErrTooLong rather than hold
// more. (After twisted.protocols.basic, which has the same limits.)
package framing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrTooLong is wrapped by the error for a message longer than the limit.
var ErrTooLong = errors.New("framing: too long")

// ErrMalformed is wrapped by the error for input that cannot be a message.
var ErrMalformed = errors.New("framing: malformed")

// Default limits of messages, in bytes.
const (
	DefaultMaxLine   = 16384
	DefaultMaxString = 99999
)

// decoder keeps the part of a message that has arrived.
type decoder struct {
	rest []byte
	err  error
}

// feed has next cut off messages until none is complete. An error from next or message ends the
// decoding, and is returned ever after.
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

// keep keeps the incomplete message: the end of rest, or of what was fed. Bytes already in place
// are not copied, so the work is proportional to the input, however long the messages are.
func (d *decoder) keep(b []byte) {
	switch {
	case len(b) == 0:
		d.rest = nil // an idle connection holds nothing
		return
	case len(b) == len(d.rest):
		return
	case cap(d.rest)/4 > max(len(b), minKept):
		d.rest = nil // nor the memory of a long message
	}
	d.rest = append(d.rest[:0], b...)
}

// minKept keeps small buffers from being allocated anew for each message of a busy connection.
const minKept = 1024

// Buffered returns what was fed but is not a whole message yet, or what was left after an error.
func (d *decoder) Buffered() []byte { return d.rest }

// Lines decodes messages that end with a delimiter.
type Lines struct {
	Delimiter string // if empty, a line ends at "\n" or "\r\n"
	Max       int    // bytes of a line without the delimiter; DefaultMaxLine unless set
	decoder

	sought   string // the delimiter last searched for
	searched int    // how many buffered bytes do not have it
}

// Feed calls line for every line in the stream, without its delimiter. The error wraps ErrTooLong
// when a line is longer than Max, or when Max plus the delimiter's length (2 by default) bytes have
// come without a delimiter; Buffered then has the line and what follows it.
func (l *Lines) Feed(b []byte, line func([]byte) error) error {
	delimiter, longest, most := l.Delimiter, len(l.Delimiter), l.Max
	if delimiter == "" {
		delimiter, longest = "\n", len("\r\n")
	}
	if most <= 0 {
		most = DefaultMaxLine
	}
	most = min(most, math.MaxInt-longest) // so that the sum does not overflow
	if l.sought != delimiter {
		l.sought, l.searched = delimiter, 0
	}
	return l.feed(b, line, func(b []byte) ([]byte, int, error) {
		b = b[:min(len(b), most+longest)]
		from := max(0, l.searched-len(delimiter)+1) // a delimiter may have come in part
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

// Netstrings decodes messages like "5:hello,".
type Netstrings struct {
	Max int // bytes of a message; DefaultMaxString unless set
	decoder
}

// maxHead is more than a netstring can have around its message: the digits of an int, ':' and ','.
const maxHead = 32

// Feed calls message for every netstring in the stream. The error wraps ErrTooLong as soon as a
// length above Max is known, and ErrMalformed for anything that is not a netstring: a length with a
// leading zero, say.
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
				return nil, 0, fmt.Errorf("%w: a length with a leading zero", ErrMalformed)
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
			return nil, 0, fmt.Errorf("%w: %q instead of the comma after a netstring", ErrMalformed, b[end])
		}
		return b[begin:end], end + 1, nil
	})
}

// AppendNetstring appends a message as a netstring.
func AppendNetstring(b, message []byte) []byte {
	b = fmt.Appendf(b, "%d:", len(message))
	return append(append(b, message...), ',')
}

// Prefixed decodes messages that follow their length, a big-endian number.
type Prefixed struct {
	Size int // of the length, in bytes: 1, 2 or 4, the default
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
	panic(fmt.Sprintf("framing: Prefixed.Size is %d: set it to 1, 2 or 4", p.Size))
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

// Append appends a message, preceded by its length. The error wraps ErrTooLong if the length does
// not fit in Size bytes.
func (p *Prefixed) Append(b, message []byte) ([]byte, error) {
	size := p.size()
	if uint64(len(message)) >= 1<<(8*size) {
		return b, fmt.Errorf("%w: a message of %d bytes for a %d-byte length", ErrTooLong, len(message), size)
	}
	wide := binary.BigEndian.AppendUint32(nil, uint32(len(message)))
	return append(append(b, wide[4-size:]...), message...), nil
}
