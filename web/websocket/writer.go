package websocket

import (
	"bytes"
	"compress/flate"
	"errors"

	"github.com/corolla-go/corolla"
	"github.com/gobwas/ws"
)

// Writing a message in pieces, each a frame. Other messages wait meanwhile; control frames do not.

// piece is how much of a message a Writer gathers for a frame.
const piece = 16 << 10

// Writer writes one message, for NextWriter.
type Writer struct {
	conn    *Conn
	kind    Kind
	task    *corolla.Task // that has begun it
	unwound int
	plain   *buffer // written, and not sent; with compression, not compressed
	packed  *buffer // compressed, and not sent; nil without compression
	squeeze squeeze
	flate   *flate.Writer
	begun   bool // a frame was sent, and the last was not
	busy    bool // a task is writing
	over    bool
	err     error
}

// NextWriter begins a message that is written in pieces, for those that are long, or not known whole when
// they begin: it holds some 16 KiB of it. It parks t while another such message is being written, and until
// this one's Writer is closed, each Write waits, and each TryWrite returns corolla.ErrWouldBlock. The task
// that has begun it must not write others meanwhile: that panics.
//
// The message must be ended, by Close or Abort. If the task ends without that, the connection is aborted
// by whoever writes next.
func (c *Conn) NextWriter(t *corolla.Task, kind Kind) (*Writer, error) {
	kind.check()
	if err := c.turn(t); err != nil {
		return nil, err
	}
	c.writer = &Writer{conn: c, kind: kind, task: t, unwound: t.Unwound(), plain: newBuffer()}
	return c.writer, nil
}

// turn waits until no message is being written in pieces.
func (c *Conn) turn(t *corolla.Task) error {
	for c.written() {
		if c.writer.task == t {
			panic("websocket: a message is begun while the task has another one open: close its Writer first")
		}
		if _, err := c.news.Wait(t, "the end of another message"); err != nil {
			return err
		}
	}
	return c.unwritable()
}

// written reports whether a message is being written in pieces.
func (c *Conn) written() bool {
	if w := c.writer; w != nil && (w.task.Ended() || w.task.Unwound() != w.unwound) {
		w.Abort()
	}
	return c.writer != nil
}

var errMessageOver = errors.New("websocket: the message has ended")

// Write writes a part of the message, and parks the task that calls it as Conn.Write does. After an error
// the message cannot be completed, but for corolla.ErrBusy, which a second writer gets.
func (w *Writer) Write(p []byte) (n int, err error) {
	t, err := w.enter("websocket.Writer.Write")
	if err != nil {
		return 0, err
	}
	for w.err == nil && len(p) > 0 {
		m := min(len(p), piece-w.plain.size())
		w.plain.b = append(w.plain.b, p[:m]...)
		p, n = p[m:], n+m
		if len(p) > 0 { // else the message may end here
			w.err = w.flush(t)
		}
	}
	return n, w.err
}

// enter returns the task that runs, if the message is its to write.
func (w *Writer) enter(what string) (*corolla.Task, error) {
	l := w.conn.conn.Socket().Loop()
	l.Check(what)
	t := l.Current()
	if t == nil {
		panic("websocket: a Writer is used outside of a task: start one with Loop.Go")
	}
	switch {
	case w.over:
		return nil, errMessageOver
	case w.busy:
		return nil, corolla.ErrBusy
	}
	return t, nil
}

// flush sends what was written.
func (w *Writer) flush(t *corolla.Task) error {
	if !w.begun && w.flate == nil {
		w.begin()
	}
	if w.flate == nil {
		return w.send(t, w.plain, false)
	}
	w.pack()
	if w.packed.size() < piece {
		return nil
	}
	return w.send(t, w.packed, false)
}

// begin decides about compression, now that the message is known to be longer than a piece.
func (w *Writer) begin() {
	c := w.conn
	w.squeeze = c.how(piece)
	if w.squeeze == squeezeNone {
		return
	}
	if c.window < fullWindow {
		w.squeeze = squeezeNarrow
	}
	w.packed = newBuffer()
	w.flate = newCompressor(w.packed, w.squeeze)
}

// pack compresses what was written.
func (w *Writer) pack() {
	_, _ = w.flate.Write(w.plain.payload()) // a buffer never fails
	w.plain.reset()
}

// send sends a frame.
func (w *Writer) send(t *corolla.Task, f *buffer, last bool) error {
	h := ws.Header{Fin: last, Masked: w.conn.client()}
	if !w.begun {
		h.OpCode = ws.OpCode(w.kind)
		h.Rsv = ws.Rsv(w.flate != nil, false, false)
	}
	if err := w.conn.unwritable(); err != nil {
		return err
	}
	frame := f.frame(h)
	w.busy = true // for good, if t is unwound
	n, err := w.conn.conn.Write(t, frame)
	w.busy = false
	w.begun = w.begun || n > 0
	if last && n == len(frame) {
		w.begun = false // the message is whole
	}
	f.reset()
	return err
}

// Close ends the message, and sends what is left of it. If it cannot be completed, because of an earlier
// error too, Close aborts the connection, unless nothing of the message was sent: the peer would take what
// follows for the rest of it. A second Close returns an error.
func (w *Writer) Close() error {
	t, err := w.enter("websocket.Writer.Close")
	switch {
	case err != nil:
		return err
	case w.err != nil:
	case w.begun || w.flate != nil:
		w.err = w.finish(t)
	default:
		f := newBuffer()
		b := w.plain.payload()
		if w.err = w.conn.unwritable(); w.err == nil {
			w.err = w.conn.send(t, encode(f, w.kind, b, w.conn.how(len(b)), w.conn.client()))
		}
		f.free()
	}
	w.Abort() // nothing, if all went well
	return w.err
}

// finish sends the last frame.
func (w *Writer) finish(t *corolla.Task) error {
	if w.flate == nil {
		return w.send(t, w.plain, true)
	}
	w.pack()
	_ = w.flate.Flush()
	w.packed.b = bytes.TrimSuffix(w.packed.b, []byte(tailOfFlush))
	return w.send(t, w.packed, true)
}

// Abort gives the message up, for when it turns out that it cannot be completed. If some of it was sent, it
// aborts the connection. After Close it does nothing, so that it can be deferred.
func (w *Writer) Abort() {
	if w.over {
		return
	}
	w.over = true
	if w.begun {
		w.conn.closing = true
		_ = w.conn.conn.Abort() // unless it is closed
	}
	if !w.busy {
		w.free()
	}
	w.conn.writer = nil
	w.conn.tell()
}

func (w *Writer) free() {
	if w.flate != nil {
		compressors[w.squeeze].Put(w.flate)
		w.packed.free()
	}
	w.plain.free()
}
