package transport

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/corolla-go/corolla/transport/framing"
)

// A Receiver is one Protocol for all kinds of messages, and not one for lines, one for netstrings and
// so on, since they differ in the decoder only. Its handler is given the Receiver, which is the Conn as
// well, rather than embedding it, as Twisted's protocols inherit theirs: an embedded Receiver could not
// call the methods of what embeds it.

// MessageHandler is told what happens on a connection of whose stream a Receiver makes messages. It
// may implement RawHandler and DecodeErrorHandler, and, with a *Conn, EOFReceiver and WritePauser.
type MessageHandler interface {
	// Opened is called when the connection is established, before anything else.
	Opened(r *Receiver)
	// Message is called with each message, good only until it returns. There are no more, not even
	// those already received, after Close and Abort, and during PauseReading.
	Message(r *Receiver, m []byte)
	// Closed is called when the connection has ended; see Protocol. A stream that could not be
	// decoded has the decoder's error, which wraps framing.ErrTooLong or framing.ErrMalformed.
	Closed(r *Receiver, err error)
}

// RawHandler is a MessageHandler that can do without messages for a while.
type RawHandler interface {
	// Raw is called with what has arrived while there is no decoder: at least one byte, and good only
	// until it returns, as in Protocol.Data.
	Raw(r *Receiver, b []byte)
}

// DecodeErrorHandler is a MessageHandler that wants to answer when the stream cannot be decoded.
type DecodeErrorHandler interface {
	// DecodeError is called with the decoder's error. Unless it sets a decoder, or none, the
	// connection is closed once it returns, when what is buffered is sent. (Twisted's
	// lineLengthExceeded and lengthLimitExceeded.)
	DecodeError(r *Receiver, err error)
}

// Receiver is a Protocol that makes messages of a stream: lines, strings or others, depending on its
// decoder. However the stream is cut into pieces on its way, its handler is told the same. (Twisted's
// LineReceiver, NetstringReceiver and Int8, 16 and 32StringReceiver.)
type Receiver struct {
	*Conn // nil until Opened

	decoder framing.Decoder // nil in raw mode
	handler MessageHandler
	deliver func([]byte) error // message, made once

	rest []byte // what comes first when it goes on, if turn is set
	turn bool   // the decoder was changed, or a pause has begun: rest is not decoded yet
	busy bool   // run is at work
	soon bool   // run is scheduled
	held bool   // PauseReading was called
	late func() // what run does first, once nothing is held; may be nil
}

// NewReceiver returns a Protocol for one connection, which gives h the messages that d decodes. A line
// receiver has a *framing.Lines, and so on; with nil it begins in raw mode. It panics if h embeds a Receiver: h
// would seem to have the Receiver's own EOF, which asks h. A field with a name is fine.
func NewReceiver(d framing.Decoder, h MessageHandler) *Receiver {
	if _, embeds := h.(interface{ early() []byte }); embeds {
		panic(fmt.Sprintf("transport: %T embeds a Receiver: give the field a name", h))
	}
	r := &Receiver{decoder: d, handler: h}
	r.deliver = r.message
	return r
}

// Opened implements Protocol.
func (r *Receiver) Opened(c *Conn) {
	r.Conn = c
	r.handler.Opened(r)
}

// Closed implements Protocol.
func (r *Receiver) Closed(c *Conn, err error) {
	r.Conn, r.rest = c, nil
	r.handler.Closed(r, err)
}

// EOF implements EOFReceiver, for a handler that does.
func (r *Receiver) EOF(c *Conn) bool {
	h, ok := r.handler.(EOFReceiver)
	return ok && h.EOF(c)
}

// PauseWriting implements WritePauser, for a handler that does.
func (r *Receiver) PauseWriting(c *Conn) {
	if h, ok := r.handler.(WritePauser); ok {
		h.PauseWriting(c)
	}
}

// ResumeWriting implements WritePauser, for a handler that does.
func (r *Receiver) ResumeWriting(c *Conn) {
	if h, ok := r.handler.(WritePauser); ok {
		h.ResumeWriting(c)
	}
}

// PauseReading stops messages, and raw data, until ResumeReading: those that have arrived are held.
func (r *Receiver) PauseReading() {
	r.held = true
	r.Conn.PauseReading()
}

// ResumeReading ends PauseReading. What was held comes next: in a later turn, or when Message returns if
// it is called there.
func (r *Receiver) ResumeReading() {
	if r.held {
		r.held = false
		r.goOn()
	}
}

// SetRaw ends the making of messages: the handler, which must be a RawHandler, gets the stream as it
// comes, beginning right behind the last message. (Twisted's setRawMode.)
func (r *Receiver) SetRaw() {
	if _, ok := r.handler.(RawHandler); !ok {
		panic("transport: SetRaw needs a handler with a method Raw")
	}
	r.set(nil, nil)
}

// SetDecoder makes messages of what follows by d. In Raw, extra is what the handler has got and leaves
// to the decoder; elsewhere it is usually nil. (Twisted's setLineMode.)
func (r *Receiver) SetDecoder(d framing.Decoder, extra []byte) { r.set(d, extra) }

func (r *Receiver) set(d framing.Decoder, extra []byte) {
	rest := r.unused()
	if len(extra) > 0 {
		rest = slices.Concat(extra, rest)
	}
	r.decoder, r.rest, r.turn = d, rest, true
	r.goOn()
}

// unused takes what has arrived and is neither in a message nor given to Raw.
func (r *Receiver) unused() (rest []byte) {
	if r.decoder != nil {
		rest = r.decoder.Take()
	}
	if r.turn {
		rest = slices.Concat(rest, r.rest)
	}
	r.rest = nil
	return rest
}

// early is for TLS that is being started: what has arrived belongs to it.
func (r *Receiver) early() []byte {
	r.turn = true // for run, if it is at work
	return bytes.Clone(r.unused())
}

// goOn has run called in a later turn, unless it is at work. The Conn reads nothing before that, since
// the end of the stream must not come before what is held.
func (r *Receiver) goOn() {
	if r.busy || r.soon || r.Conn == nil {
		return
	}
	r.soon = true
	r.Conn.PauseReading()
	r.loop().Soon(func() {
		defer r.guard()
		r.soon = false
		r.run(nil)
	})
}

// Data implements Protocol.
func (r *Receiver) Data(c *Conn, b []byte) {
	r.Conn = c // no Opened comes before, after SetProtocol
	r.run(b)
}

// run gives the handler what is held, and then what is in b, until the handler wants no more.
func (r *Receiver) run(b []byte) {
	if r.busy { // Data is never called within another call, but a handler may do so
		panic("transport: Receiver.Data was called while it was at work")
	}
	r.busy = true
	defer func() {
		if r.busy = false; !r.held && !r.soon {
			r.Conn.ResumeReading()
		}
	}()
	if do := r.late; do != nil && !r.held && !r.is(closing|lost) {
		r.late = nil
		do()
	}
	if r.turn {
		b, r.rest, r.turn = slices.Concat(r.rest, b), nil, false
	}
	for !r.is(closing | lost) {
		if r.held {
			r.rest, r.turn = bytes.Clone(b), len(b) > 0
			return
		}
		if r.decoder == nil {
			if len(b) == 0 {
				return
			}
			r.handler.(RawHandler).Raw(r, b)
		} else if err := r.decoder.Feed(b, r.deliver); err == framing.ErrPause && !r.turn {
			b = nil // the decoder has it
			continue
		} else if err != nil && !r.turn {
			r.failed(err)
		}
		if !r.turn {
			return
		}
		b, r.rest, r.turn = r.rest, nil, false
	}
}

// message gives the handler a message, and pauses the decoder if there may be no more.
func (r *Receiver) message(m []byte) error {
	r.handler.Message(r, m)
	if r.held || r.is(closing|lost) {
		return framing.ErrPause
	}
	return nil
}

// failed is called when the stream cannot be decoded.
func (r *Receiver) failed(err error) {
	r.err = err // what Closed gets
	if h, ok := r.handler.(DecodeErrorHandler); ok {
		if h.DecodeError(r, err); r.is(closing | lost) {
			return
		}
		if r.turn {
			r.err = nil
			return
		}
	}
	r.Close()
}
