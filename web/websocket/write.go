package websocket

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/gobwas/ws"
)

// accepted is how many bytes aio.Conn.Write accepts before it waits, all or none.
const accepted = 64 << 10

// Write sends a message. It parks t while other tasks write, and while more is unsent than the high water
// mark; it does not wait for the message to be sent. Messages go out in the order of the calls, each as
// one frame, but for those of NextWriter, which a Write waits for. b can be reused when Write returns. The text of a Text message must be UTF-8; that is not
// checked. Write panics if kind is neither Text nor Binary.
//
// The error is the peer's *CloseError, or whatever else has ended the connection; it matches net.ErrClosed
// after Close and CloseNow. Otherwise it is that of aio.Conn.Write. With the error of a canceled t, the
// message may have been accepted all the same; if only a part of it was, the connection is aborted.
func (c *Conn) Write(t *corolla.Task, kind Kind, b []byte) error {
	kind.check()
	if err := c.turn(t); err != nil {
		return err
	}
	f := newBuffer()
	err := c.send(t, encode(f, kind, b, c.how(len(b)), c.client()))
	f.free()
	return err
}

// TryWrite is Write for messages that may be dropped: it accepts the message whole, or not at all, and
// never parks, so it is for sending to many connections without waiting for any. It returns
// corolla.ErrWouldBlock if too much is unsent, or others wait to write; see aio.Conn.TryWrite.
func (c *Conn) TryWrite(kind Kind, b []byte) error {
	kind.check()
	if err := c.free(); err != nil {
		return err
	}
	f := newBuffer()
	err := c.conn.TryWrite(encode(f, kind, b, c.how(len(b)), c.client()))
	f.free()
	return err
}

// WritePrepared is Write for a prepared message.
func (c *Conn) WritePrepared(t *corolla.Task, p *Prepared) error {
	if c.client() {
		return c.Write(t, p.kind, p.b)
	}
	if err := c.turn(t); err != nil {
		return err
	}
	return c.send(t, p.frame(c.how(len(p.b))))
}

// TryWritePrepared is TryWrite for a prepared message: the way to send one message to many connections.
func (c *Conn) TryWritePrepared(p *Prepared) error {
	if c.client() {
		return c.TryWrite(p.kind, p.b)
	}
	if err := c.free(); err != nil {
		return err
	}
	return c.conn.TryWrite(p.frame(c.how(len(p.b))))
}

func (c *Conn) client() bool { return c.parser.state.ClientSide() }

// how returns how a message of so many bytes is compressed.
func (c *Conn) how(size int) squeeze {
	switch {
	case !c.squeeze || size < c.least:
		return squeezeNone
	case c.window < fullWindow && size > c.window:
		return squeezeNarrow
	}
	return squeezeFull
}

// free is turn for who does not wait.
func (c *Conn) free() error {
	if c.written() {
		return corolla.ErrWouldBlock
	}
	return c.unwritable()
}

func (c *Conn) unwritable() error {
	switch {
	case c.fault != nil:
		return c.fault
	case c.closing:
		return errClosed
	}
	return nil
}

// send writes a frame. If only a part of it is accepted, nothing can follow it.
func (c *Conn) send(t *corolla.Task, frame []byte) error {
	torn := len(frame) > accepted // if a panic unwinds t
	defer func() {
		if torn {
			_ = c.conn.Abort() // unless it is closed
		}
	}()
	n, err := c.conn.Write(t, frame)
	torn = n > 0 && n < len(frame)
	return err
}

// control makes a control frame.
func (c *Conn) control(op ws.OpCode, payload []byte) []byte {
	f := &buffer{make([]byte, ws.MaxHeaderSize, ws.MaxHeaderSize+len(payload))}
	f.b = append(f.b, payload...)
	return f.finish(ws.Header{OpCode: op, Masked: c.client()})
}

// say writes a control frame, in line with the messages.
func (c *Conn) say(t *corolla.Task, op ws.OpCode, payload []byte) error {
	_, err := c.conn.Write(t, c.control(op, payload))
	return err
}

// answer answers a ping, without making the reader wait: a peer that sends without reading must not keep
// us from reading, or both may wait for ever. If the answer cannot be written now, a task does that once
// it can, and only for the last ping until then, as RFC 6455 allows (section 5.5.3).
func (c *Conn) answer(payload []byte) {
	if c.closing {
		return
	}
	if c.pong != nil { // in line already
		c.pong.payload = bytes.Clone(payload)
		c.pong.due = true
		return
	}
	if c.conn.TryWrite(c.control(ws.OpPong, payload)) != corolla.ErrWouldBlock {
		return // an error in writing is found by others
	}
	c.pong = &answer{payload: bytes.Clone(payload), due: true}
	c.conn.Socket().Loop().Go(func(t *corolla.Task) error {
		defer func() { c.pong = nil }()
		for c.pong.due && !c.closing {
			c.pong.due = false
			if c.say(t, ws.OpPong, c.pong.payload) != nil {
				break // the reader is told too
			}
		}
		return nil
	}, corolla.Describe(c.answer, c.conn))
}

// answer is what waits to be sent to a peer that does not read fast enough.
type answer struct {
	payload []byte // of the last ping
	due     bool
}

// Ping sends a ping, and parks t until its pong has come. A task must be reading meanwhile. Limit the wait
// with Task.Timeout. Errors are those of Write.
func (c *Conn) Ping(t *corolla.Task) error {
	if err := c.unwritable(); err != nil {
		return err
	}
	c.sent++
	number := c.sent
	if err := c.say(t, ws.OpPing, binary.BigEndian.AppendUint64(nil, number)); err != nil {
		return err
	}
	for c.ponged < number {
		if c.fault != nil {
			return c.fault
		}
		if c.conn.Socket().Closed() {
			return errClosed
		}
		if _, err := c.news.Wait(t, "a pong"); err != nil {
			return err
		}
	}
	return nil
}

// hear takes a pong. It answers all pings before it too.
func (c *Conn) hear(payload []byte) {
	if len(payload) != 8 {
		return
	}
	if n := binary.BigEndian.Uint64(payload); n > c.ponged && n <= c.sent {
		c.ponged = n
		c.tell()
	}
}

// heartbeat is what KeepAlive needs.
type heartbeat struct {
	interval, patience time.Duration
	timer              *corolla.Timer
	heard              bool // something has arrived since the timer was set
	asked              bool // a ping was sent
}

func (c *Conn) keepAlive(interval, patience time.Duration) {
	s := c.conn.Socket()
	h := &heartbeat{interval: interval, patience: patience}
	h.timer = s.Loop().After(interval, c.check)
	c.beat = h
	s.OnClosed(func() { h.timer.Stop() })
}

// check asks a silent peer for a sign of life, and gives up one that was asked. If no task reads, nothing
// is known of the peer.
func (c *Conn) check() {
	h := c.beat
	switch {
	case h.heard || !c.busy():
		h.heard, h.asked = false, false
		h.timer.Reset(h.interval)
	case !h.asked:
		h.asked = true
		if !c.closing {
			_ = c.conn.TryWrite(c.control(ws.OpPing, nil)) // a peer that takes nothing is not alive either
		}
		h.timer.Reset(h.patience)
	default:
		c.fault, c.closing = errSilent, true
		_ = c.conn.Abort()
		c.tell()
	}
}
