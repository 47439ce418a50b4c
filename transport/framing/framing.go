// Package framing splits streams into messages: lines, netstrings, length-prefixed strings and pieces
// of known size. It knows nothing of connections, so both styles use the same decoders: in push style
// a transport.Receiver feeds one, and in a task Messages does:
//
//	for line, err := range framing.Messages(c.Bind(t), &framing.Lines{}) { … }
//
// A message is good only until the function that it is passed to returns. That function can stop the
// decoding after its message and let it go on later (ErrPause), take over the rest of the stream
// (Take), or end it for good with any other error, which every later Feed returns.
//
// Every decoder has a limit, and gives up with an error that wraps ErrTooLong rather than hold
// more. (After twisted.protocols.basic, which has the same limits.)
//
// A decoder works on the bytes that it is fed where they are. Only a message that comes in pieces is
// put together in a buffer, to which no more is copied than completes it. A decoder that copied
// everything to its buffer, as bufio.Scanner does, was measured and rejected: it takes longer, and
// each connection would keep the buffer.
package framing

import (
	"errors"
	"io"
	"iter"
)

// ErrTooLong is wrapped by the error for a message longer than the limit.
var ErrTooLong = errors.New("framing: too long")

// ErrMalformed is wrapped by the error for input that cannot be a message.
var ErrMalformed = errors.New("framing: malformed")

// ErrPause is returned by a function that gets messages, to get no more for now. Feed then keeps what
// is left and returns ErrPause; the next Feed, of nothing if need be, goes on with it.
var ErrPause = errors.New("framing: paused")

// Default limits of messages, in bytes.
const (
	DefaultMaxLine   = 16384
	DefaultMaxString = 99999
)

// Decoder is what all decoders are.
type Decoder interface {
	// Feed calls message for every message that b completes. The error is why there will be no more,
	// or ErrPause.
	Feed(b []byte, message func([]byte) error) error
	// Take returns what was fed and is in no message yet, and forgets it, and any error too. Within
	// message that is everything behind the message, and Feed then returns nil without another
	// message. The bytes are good only as long as those that were fed.
	Take() []byte
}

// decoder keeps what was fed and is not decoded yet.
type decoder struct {
	buf   []byte
	off   int    // of what is left in buf
	next  []byte // what Feed was given and has not looked at, while it calls message
	calls bool   // message
	taken bool   // by message
	err   error
}

// splitter is a decoder's own part.
type splitter interface {
	// split cuts the first message off b. used is 0 if it is not complete.
	split(b []byte) (msg []byte, used int, err error)
	// lacks says how much of b, at least a byte, to append to an incomplete message. It must not go
	// beyond the message's end.
	lacks(incomplete, b []byte) int
}

// feed has messages cut off until none is complete. First come those of which the beginning, or all,
// was kept.
func (d *decoder) feed(b []byte, message func([]byte) error, s splitter) error {
	for d.err == nil {
		from, kept := b, d.off < len(d.buf)
		if kept {
			from = d.buf[d.off:]
		}
		msg, used, err := s.split(from)
		switch {
		case err != nil:
			return d.fail(err, b)
		case used > 0 && kept:
			d.off += used
		case used > 0:
			b = b[used:]
		case kept && len(b) > 0:
			n := s.lacks(from, b)
			d.append(b[:n])
			b = b[n:]
			continue
		default:
			d.append(b)
			d.tidy()
			return nil
		}
		d.next, d.calls = b, true
		err = message(msg)
		d.next, d.calls = nil, false
		switch {
		case d.taken:
			d.taken = false
			if err == ErrPause {
				err = nil // Take has left nothing to go on with
			}
			d.err = err
			return err
		case err == ErrPause:
			d.append(b)
			return err
		case err != nil:
			return d.fail(err, b)
		}
	}
	return d.err
}

// append adds to what is kept.
func (d *decoder) append(b []byte) {
	if d.off == len(d.buf) {
		d.buf, d.off = d.buf[:0], 0
	} else if d.off > 0 && len(d.buf)+len(b) > cap(d.buf) {
		d.buf, d.off = d.buf[:copy(d.buf, d.buf[d.off:])], 0
	}
	d.buf = append(d.buf, b...)
}

// minKept keeps small buffers from being allocated anew for each message of a busy connection.
const minKept = 1024

// tidy gives memory back: an idle connection holds nothing, and none holds the memory of a long
// message that is over.
func (d *decoder) tidy() {
	switch n := len(d.buf) - d.off; {
	case n == 0:
		d.buf, d.off = nil, 0
	case cap(d.buf)/4 > max(n, minKept):
		d.buf, d.off = append([]byte(nil), d.buf[d.off:]...), 0
	}
}

func (d *decoder) fail(err error, b []byte) error {
	d.append(b)
	d.err = err
	return err
}

// Buffered returns what was fed but is not a whole message yet, or what was left after an error. It is
// good until the next Feed.
func (d *decoder) Buffered() []byte { return d.buf[d.off:] }

// Take returns what was fed and is in no message yet, and forgets it; see Decoder.
func (d *decoder) Take() []byte {
	rest := d.buf[d.off:]
	if d.calls {
		d.taken = true
		if rest = d.next; d.off < len(d.buf) {
			rest = append(d.buf[d.off:len(d.buf):len(d.buf)], d.next...)
		}
	}
	d.buf, d.off, d.next, d.err = nil, 0, nil, nil
	return rest
}

// Messages reads from r, such as an aio.Conn bound to its task, and returns the messages that d
// decodes, each good until the next. The last one is followed by the error that ended the stream,
// unless that is io.EOF between two messages; within one it is io.ErrUnexpectedEOF. After the loop was
// left early, d still has what comes next: Messages again, perhaps with another decoder that was fed
// what d.Take returns, goes on where it was.
func Messages(r io.Reader, d Decoder) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		message := func(m []byte) error {
			if !yield(m, nil) {
				return ErrPause
			}
			return nil
		}
		buf := make([]byte, readSize)
		var n int
		for {
			switch err := d.Feed(buf[:n], message); err {
			case nil:
			case ErrPause:
				return
			default:
				yield(nil, err)
				return
			}
			var err error
			if n, err = r.Read(buf); n == 0 && err != nil {
				if b, ok := d.(interface{ Buffered() []byte }); ok && err == io.EOF && len(b.Buffered()) > 0 {
					err = io.ErrUnexpectedEOF
				}
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
		}
	}
}

const readSize = 4096
