package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// Reading frames. The parser takes what has arrived, in whatever pieces, and makes events of it; it does
// no I/O and never waits, so that it can be tested, and attacked, by itself. Between two frames it holds
// nothing but the fragments of an unfinished message.
//
// gobwas/ws has the laws of a header, the masking and the codes. Its readers pull from an io.Reader,
// which would keep a buffer, or a goroutine, for each idle connection, so they are not used.

// event is something that has arrived whole: a message (OpText, OpBinary) or a control frame. An op of
// OpContinuation means that more data is needed.
type event struct {
	op   ws.OpCode
	b    []byte
	lent bool // b is part of what was given to feed
	more bool // b is a part of a message, and others come
}

// parser reads the frames of one direction of a connection.
type parser struct {
	state   ws.State // our role
	deflate bool     // permessage-deflate is in use
	limit   int      // of a message, in bytes

	head  [ws.MaxHeaderSize]byte // of a frame, as far as it has arrived
	have  int                    // bytes of head
	begun bool                   // frame is known, and left bytes of its payload are to come
	frame ws.Header
	left  int64
	text  []byte // of a control frame that arrived in pieces

	open    bool // a message has begun, and its last frame has not
	kind    ws.OpCode
	packed  bool // the message is compressed
	message []byte
	valid   int // bytes of a text message that are known to be UTF-8

	streaming bool // the message is given away as it arrives, in events of its kind; at its end it is unset
}

// feed takes bytes up to the next event, unmasks them in place, and returns the rest.
func (p *parser) feed(in []byte) (e event, rest []byte, err error) {
	for {
		if !p.begun {
			if in, err = p.header(in); err != nil || !p.begun {
				return event{}, nil, err
			}
		}
		n := int(min(p.left, int64(len(in))))
		part := in[:n:n]
		in = in[n:]
		if p.frame.Masked {
			ws.Cipher(part, p.frame.Mask, int((p.frame.Length-p.left)%4))
		}
		if p.left -= int64(n); p.left == 0 {
			p.begun = false
		}
		if p.frame.OpCode.IsControl() {
			e, err = p.control(part), nil
		} else {
			e, err = p.data(part)
		}
		if err != nil || e.op != ws.OpContinuation || len(in) == 0 {
			return e, in, err
		}
	}
}

// header collects a frame's header, and checks it when it is complete.
func (p *parser) header(in []byte) (rest []byte, err error) {
	for {
		size := 2
		if p.have >= size {
			size = headerSize(p.head[1])
		}
		n := copy(p.head[p.have:size], in)
		p.have += n
		in = in[n:]
		switch {
		case p.have < size:
			return nil, nil
		case size > 2 || headerSize(p.head[1]) == 2:
			p.have = 0
			return in, p.begin()
		}
	}
}

// headerSize returns the size of a header by its second byte.
func headerSize(second byte) int {
	size := 2
	switch second & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if second&0x80 != 0 {
		size += 4
	}
	return size
}

var (
	errLengthForm  = errors.New("the length of a frame is not in its shortest form")
	errLengthRange = errors.New("the length of a frame has its highest bit set")
)

// decode reads a whole header.
func decode(b *[ws.MaxHeaderSize]byte) (h ws.Header, err error) {
	h.Fin, h.Rsv, h.OpCode = b[0]&0x80 != 0, b[0]&0x70>>4, ws.OpCode(b[0]&0x0f)
	rest := b[2:]
	least := int64(0)
	switch n := b[1] & 0x7f; n {
	case 126:
		h.Length, rest, least = int64(binary.BigEndian.Uint16(rest)), rest[2:], 126
	case 127:
		h.Length, rest, least = int64(binary.BigEndian.Uint64(rest)), rest[8:], 1<<16
	default:
		h.Length = int64(n)
	}
	if h.Masked = b[1]&0x80 != 0; h.Masked {
		copy(h.Mask[:], rest)
	}
	switch {
	case h.Length < 0:
		return h, errLengthRange
	case h.Length < least: // RFC 6455, section 5.2
		return h, errLengthForm
	}
	return h, nil
}

// begin starts a frame with the header in head.
func (p *parser) begin() error {
	h, err := decode(&p.head)
	if err != nil {
		return violation(err)
	}
	packed := false
	if p.deflate {
		if h, packed, err = wsflate.UnsetBit(h); err != nil {
			return violation(err)
		}
	}
	state := p.state
	if p.open {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return violation(err)
	}
	if !h.OpCode.IsControl() {
		if h.OpCode != ws.OpContinuation {
			p.open, p.kind, p.packed = true, h.OpCode, packed
		}
		if most := int64(p.most()); !p.streaming && (h.Length > most || int64(len(p.message)) > most-h.Length) {
			return p.tooBig()
		}
	}
	p.begun, p.frame, p.left = true, h, h.Length
	return nil
}

// most returns how many bytes of payload the frames of a message may have. Data that cannot be
// compressed becomes a little longer when one tries.
func (p *parser) most() int {
	if p.packed {
		return p.limit + p.limit/64 + 64
	}
	return p.limit
}

func (p *parser) tooBig() error {
	return &ProtocolError{CodeTooBig, fmt.Errorf("a message is longer than %d bytes", p.limit)}
}

// control takes a part of a control frame, whose payload is at most 125 bytes.
func (p *parser) control(part []byte) event {
	whole := !p.begun && len(p.text) == 0
	if !whole {
		p.text = append(p.text, part...)
		part = p.text
	}
	if p.begun {
		return event{}
	}
	p.text = nil
	return event{p.frame.OpCode, part, whole, false}
}

// data takes a part of a data frame.
func (p *parser) data(part []byte) (event, error) {
	last := !p.begun && p.frame.Fin
	if p.streaming {
		if last {
			p.streaming, p.open = false, false
		}
		return event{p.kind, part, true, !last}, nil
	}
	lent := last && len(p.message) == 0
	if !lent {
		p.message = append(p.message, part...)
		part = p.message
	}
	if p.kind == ws.OpText && !p.packed {
		end := len(part)
		if !last {
			end -= unfinished(part[p.valid:])
		}
		if !utf8.Valid(part[p.valid:end]) {
			return event{}, errNotUTF8()
		}
		p.valid = end
	}
	if !last {
		return event{}, nil
	}
	p.message, p.open, p.valid = nil, false, 0
	if !p.packed {
		return event{p.kind, part, lent, false}, nil
	}
	b, err := inflate(part, p.limit)
	switch {
	case errors.Is(err, errInflatedTooBig):
		return event{}, p.tooBig()
	case err != nil:
		return event{}, &ProtocolError{CodeInvalidData, err}
	case p.kind == ws.OpText && !utf8.Valid(b):
		return event{}, errNotUTF8()
	}
	return event{p.kind, b, false, false}, nil
}

// unfinished returns how many bytes at the end of b may be the beginning of a character.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

func violation(err error) error { return &ProtocolError{CodeProtocolError, err} }

func errNotUTF8() error {
	return &ProtocolError{CodeInvalidData, errors.New("text is not UTF-8")}
}
