package framing

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// Netstrings decodes messages like "5:hello,".
type Netstrings struct {
	Max int // bytes of a message; DefaultMaxString unless set
	decoder

	most int // bytes of a message
	want int // how many bytes the netstring that is being split has; 0 while that is not known
}

// maxHead is more than a netstring can have around its message: the digits of an int, ':' and ','.
const maxHead = 32

// Feed calls message for every netstring in the stream. The error wraps ErrTooLong as soon as a
// length above Max is known, and ErrMalformed for anything that is not a netstring: a length with a
// leading zero, say.
func (n *Netstrings) Feed(b []byte, message func([]byte) error) error {
	if n.most = n.Max; n.most <= 0 {
		n.most = DefaultMaxString
	}
	n.most = min(n.most, math.MaxInt-maxHead)
	return n.feed(b, message, n)
}

func (n *Netstrings) split(b []byte) ([]byte, int, error) {
	n.want = 0
	length, digits := 0, 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		if digits == 1 && b[0] == '0' {
			return nil, 0, fmt.Errorf("%w: a length with a leading zero", ErrMalformed)
		}
		digit := int(b[digits] - '0')
		if length > n.most/10 || length*10+digit > n.most {
			return nil, 0, fmt.Errorf("%w: a netstring of more than %d bytes", ErrTooLong, n.most)
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
		n.want = end + 1
		return nil, 0, nil
	case b[end] != ',':
		return nil, 0, fmt.Errorf("%w: %q instead of the comma after a netstring", ErrMalformed, b[end])
	}
	return b[begin:end], end + 1, nil
}

func (n *Netstrings) lacks(incomplete, b []byte) int {
	if n.want > 0 {
		return min(len(b), n.want-len(incomplete))
	}
	if colon := bytes.IndexByte(b, ':'); colon >= 0 {
		return colon + 1
	}
	return len(b)
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

	want int // how many bytes the message that is being split has, as far as is known
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
	_ = p.size()
	return p.feed(b, message, p)
}

func (p *Prefixed) split(b []byte) ([]byte, int, error) {
	size, most := p.size(), p.Max
	if most <= 0 {
		most = DefaultMaxString
	}
	if p.want = size; len(b) < size {
		return nil, 0, nil
	}
	var length int64
	for _, c := range b[:size] {
		length = length<<8 | int64(c)
	}
	switch {
	case length > int64(most):
		return nil, 0, fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLong, length, most)
	case int64(len(b)-size) < length:
		p.want += int(length)
		return nil, 0, nil
	}
	return b[size : size+int(length)], size + int(length), nil
}

func (p *Prefixed) lacks(incomplete, b []byte) int { return min(len(b), p.want-len(incomplete)) }

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

// Sized decodes pieces of known size. Whoever gets a piece may set Size for those behind it, as after
// a head that says how long its body is.
type Sized struct {
	Size int // bytes of a piece, at least 1
	Max  int // what Size may be; DefaultMaxString unless set
	decoder
}

// Feed calls piece for every Size bytes in the stream. The error wraps ErrTooLong when Size is above
// Max. It panics on a Size below 1.
func (s *Sized) Feed(b []byte, piece func([]byte) error) error { return s.feed(b, piece, s) }

func (s *Sized) split(b []byte) ([]byte, int, error) {
	most := s.Max
	if most <= 0 {
		most = DefaultMaxString
	}
	switch {
	case s.Size < 1:
		panic(fmt.Sprintf("framing: Sized.Size is %d: set it to at least 1", s.Size))
	case s.Size > most:
		return nil, 0, fmt.Errorf("%w: a piece of %d bytes, more than %d", ErrTooLong, s.Size, most)
	case len(b) < s.Size:
		return nil, 0, nil
	}
	return b[:s.Size], s.Size, nil
}

func (s *Sized) lacks(incomplete, b []byte) int { return min(len(b), s.Size-len(incomplete)) }
