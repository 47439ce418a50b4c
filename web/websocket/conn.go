package websocket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/gobwas/ws"
)

// Kind is the kind of a message.
type Kind byte

// The two kinds of messages. Text is UTF-8.
const (
	Text   = Kind(ws.OpText)
	Binary = Kind(ws.OpBinary)
)

func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Binary:
		return "binary"
	}
	return "unknown"
}

func (k Kind) check() {
	if k != Text && k != Binary {
		panic("websocket: the kind of a message must be Text or Binary")
	}
}

// Conn is a WebSocket. One task may read while others write; a second reader gets corolla.ErrBusy. A Conn
// belongs to its loop.
//
// Pings are answered, and the end of the connection is noticed, only while a task reads. So every
// connection needs a task that reads, even if no messages are expected.
type Conn struct {
	conn    *aio.Conn
	parser  parser
	kept    []byte        // received, and not yet parsed
	got     event         // the message that next has found
	reader  *corolla.Task // in Read or Receive; see busy
	unwound int           // reader.Unwound() when it began
	current *Reader       // of the message that NextReader has begun
	writer  *Writer       // of the message that NextWriter has begun, and that has not ended
	fault   error         // why nothing more can be read
	closing bool          // a close frame was sent, or is about to be

	squeeze  bool          // compress messages
	least    int           // of at least so many bytes
	window   int           // that the peer has for them
	limit    time.Duration // of the closing handshake
	protocol string

	pong         *answer // to pings, if it could not be written at once
	sent, ponged uint64  // numbers of the last Ping, and of the last one answered
	news         corolla.Waiters
	beat         *heartbeat
}

func newConn(c *aio.Conn, role ws.State, cfg *config, agreed agreement, unread []byte) *Conn {
	w := &Conn{
		conn:     c,
		parser:   parser{state: role, deflate: agreed.deflate, limit: cfg.maxMessage},
		kept:     unread,
		squeeze:  agreed.deflate,
		least:    cfg.least,
		window:   agreed.window,
		limit:    cfg.closeTimeout,
		protocol: agreed.protocol,
	}
	if cfg.interval > 0 {
		w.keepAlive(cfg.interval, cfg.patience)
	}
	return w
}

// Read parks t until a message has arrived, and returns it; the slice is the caller's. Fragments are
// joined, and pings and pongs are dealt with on the way.
//
// When the peer closes the connection, Read answers, and returns a *CloseError; when the peer breaks the
// protocol, or a message is longer than MaxMessage, it tells the peer, and returns a *ProtocolError. In
// both cases it first waits for the peer to end its stream, for at most CloseTimeout. A stream that ends
// without a close frame is io.ErrUnexpectedEOF, a second reader corolla.ErrBusy, and other errors are
// those of aio.Conn.Read. But for ErrBusy, a read deadline of the aio.Conn and a cancel of t, which lose
// nothing, errors are final: the connection is closed, and each later Read returns the same.
func (c *Conn) Read(t *corolla.Task) (Kind, []byte, error) {
	if c.parser.streaming {
		if err := c.skip(t); err != nil {
			return 0, nil, err
		}
	}
	err := c.next(t)
	kind, b, lent := c.take()
	if lent {
		b = bytes.Clone(b)
	}
	return kind, b, err
}

// Receive is Read without a copy of the message: it is good until t next waits, for anything, or reads
// again. Write, TryWrite and Prepare take it as it is.
func (c *Conn) Receive(t *corolla.Task) (Kind, []byte, error) {
	if c.parser.streaming {
		if err := c.skip(t); err != nil {
			return 0, nil, err
		}
	}
	err := c.next(t)
	kind, b, _ := c.take()
	return kind, b, err
}

func (c *Conn) take() (kind Kind, b []byte, lent bool) {
	kind, b, lent = Kind(c.got.op), c.got.b, c.got.lent
	c.got = event{}
	return kind, b, lent
}

// busy reports whether a task is reading. If it was unwound in the middle of that, it is not.
func (c *Conn) busy() bool {
	return c.reader != nil && !c.reader.Ended() && c.reader.Unwound() == c.unwound
}

// next waits for a message, which is then in c.got.
func (c *Conn) next(t *corolla.Task) error {
	if c.busy() {
		return corolla.ErrBusy
	}
	c.reader, c.unwound = t, t.Unwound()
	err := await(c, t)
	c.reader = nil // not deferred: see await
	c.tell()
	return err
}

// tell wakes those who wait for something that a reader learns.
func (c *Conn) tell() {
	if c.news.Len() > 0 {
		c.news.WakeAll()
	}
}

// await waits for a message. While it waits for data the connection holds no buffer: data arrives in the
// loop's, and what is left of it behind a message is kept.
//
// Most tasks spend most of their lives here, so this frame, and those above it, are kept small.
func await(c *Conn, t *corolla.Task) error {
	if done, err := resume(c, t); done || err != nil {
		return err
	}
	for {
		in, err := c.conn.Receive(t)
		if err != nil {
			return c.broken(err)
		}
		if done, err := parse(c, t, in, true); done || err != nil {
			return err
		}
	}
}

// resume begins with what was kept. It lets others run now and then, as waiting for data does.
//
//go:noinline
func resume(c *Conn, t *corolla.Task) (done bool, err error) {
	if c.fault != nil || len(c.kept) == 0 {
		return false, c.fault
	}
	if err := t.Checkpoint(); err != nil {
		return false, err
	}
	in := c.kept
	c.kept = nil
	return parse(c, t, in, false)
}

// parse deals with what has arrived, up to the end of a message.
//
//go:noinline
func parse(c *Conn, t *corolla.Task, in []byte, lent bool) (done bool, err error) {
	if c.beat != nil && lent {
		c.beat.heard = true
	}
	for len(in) > 0 {
		e, rest, err := c.parser.feed(in)
		if err != nil {
			return false, c.failed(t, err)
		}
		switch e.op {
		case ws.OpText, ws.OpBinary:
			c.keep(rest, lent)
			c.got = e
			return true, nil
		case ws.OpPing:
			c.answer(e.b)
		case ws.OpPong:
			c.hear(e.b)
		case ws.OpClose:
			return false, c.closed(t, e.b)
		}
		in = rest
	}
	return false, nil
}

func (c *Conn) keep(rest []byte, lent bool) {
	switch {
	case len(rest) == 0:
	case lent:
		c.kept = bytes.Clone(rest)
	default:
		c.kept = rest
	}
}

// broken decides what an error in receiving means.
func (c *Conn) broken(err error) error {
	switch {
	case c.fault != nil: // that is why the connection was closed
	case errors.Is(err, corolla.ErrCanceled), errors.Is(err, os.ErrDeadlineExceeded), err == corolla.ErrBusy:
		return err
	case err == io.EOF:
		c.fault = io.ErrUnexpectedEOF
	default:
		c.fault = err
	}
	_ = c.conn.Close() // unless it is
	return c.fault
}

// failed ends the connection because of what the peer sent.
func (c *Conn) failed(t *corolla.Task, err error) error {
	c.fault = err
	var p *ProtocolError
	code := CodeInternalError
	if errors.As(err, &p) {
		code = p.Code
	}
	payload, _ := closing(code, "") // always possible
	c.finish(t, payload)
	return err
}

// closed answers a close frame and ends the connection.
func (c *Conn) closed(t *corolla.Task, b []byte) error {
	e, err := closed(b)
	if err != nil {
		return c.failed(t, err)
	}
	c.fault = e
	payload, _ := closing(e.Code, "") // the code was checked
	c.finish(t, payload)
	return e
}

// finish sends a close frame, unless one was sent, and ends the stream. Then it waits for the peer to do
// the same, because closing a socket that still receives data makes the system reset the connection, and
// what we sent last may be lost.
func (c *Conn) finish(t *corolla.Task, payload []byte) {
	said := c.closing
	c.closing = true
	err := t.Timeout(c.limit, func(*corolla.Scope) error {
		if !said {
			if err := c.say(t, ws.OpClose, payload); err != nil {
				return err
			}
		}
		if err := c.conn.CloseWrite(); err != nil {
			return err
		}
		for {
			if _, err := c.conn.Receive(t); err != nil {
				return err
			}
		}
	})
	c.end(err)
}

// end closes the connection at the end of a closing handshake. What a peer does not take in time is
// dropped.
func (c *Conn) end(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.conn.Abort()
	} else {
		_ = c.conn.Close()
	}
}

// Close closes the connection with the closing handshake: it tells the peer the code and the reason, at
// most 123 bytes of UTF-8, and waits for its answer and for the end of its stream, for at most
// CloseTimeout. Messages that arrive until then go to the task that reads, or are dropped if there is
// none; a Read that begins meanwhile then gets corolla.ErrBusy. With CodeNone and no reason the peer is
// told neither.
//
// The error is nil if the peer has answered, net.ErrClosed if the connection was closed before, or a
// close was begun, and otherwise says why no answer has come. In any case the connection is closed. But a
// code that cannot be sent, or a bad reason, is refused, and the connection stays open.
func (c *Conn) Close(t *corolla.Task, code Code, reason string) error {
	payload, err := closing(code, reason)
	if err != nil {
		return err
	}
	if c.closing || c.fault != nil {
		return errClosed
	}
	c.closing = true
	err = t.Timeout(c.limit, func(*corolla.Scope) error {
		if err := c.say(t, ws.OpClose, payload); err != nil {
			return err
		}
		return c.drain(t)
	})
	c.end(err)
	if errors.As(c.fault, new(*CloseError)) {
		return nil
	}
	return err
}

// drain reads until the connection has ended, or waits for the task that reads to see the end.
func (c *Conn) drain(t *corolla.Task) error {
	for {
		if c.busy() {
			if _, err := c.news.Wait(t, "the end of a WebSocket"); err != nil {
				return err
			}
			continue
		}
		err := c.next(t)
		if c.got = (event{}); err != nil {
			return err
		}
	}
}

// CloseNow closes the connection without a closing handshake. What was written is still sent; see
// aio.Conn.Close. Tasks waiting on the connection get net.ErrClosed, as does a second CloseNow.
func (c *Conn) CloseNow() error {
	c.closing = true
	defer c.tell()
	return c.conn.Close()
}

// Subprotocol returns the subprotocol that both sides have agreed on, or "".
func (c *Conn) Subprotocol() string { return c.protocol }

// Buffered returns how many bytes are written but not yet sent.
func (c *Conn) Buffered() int { return c.conn.Buffered() }

// AIO returns the underlying connection, for its addresses, deadlines, water marks and TLS state. Reading
// from it or writing to it breaks the protocol.
func (c *Conn) AIO() *aio.Conn { return c.conn }
