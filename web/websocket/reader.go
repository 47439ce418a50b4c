package websocket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"github.com/corolla-go/corolla"
)

// Reading a message while it arrives. The parser gives its data away as it comes, instead of gathering
// it, so what is held of a message is what one read from the connection had of it.

// Reader reads one message, for NextReader.
type Reader struct {
	conn   *Conn
	kind   Kind
	packed bool
	part   []byte // arrived, and not read yet
	last   bool   // nothing comes behind it
	err    error  // of all later calls

	text     text
	inflater *inflater
	task     *corolla.Task // that the inflater reads for
	cause    error         // why it could not read
}

// NextReader parks t until a message has begun, and returns its kind, and what reads it while it arrives:
// for messages that are long, or whose end is not known. MaxMessage does not limit them; whoever reads
// decides how much is too much. What such a message holds in memory is some 64 KiB, or twice that while it
// is compressed, however long it is.
//
// What is not read of a message when the next one is asked for, in whichever way, is skipped. The errors
// are those of Read.
func (c *Conn) NextReader(t *corolla.Task) (Kind, *Reader, error) {
	if err := c.skip(t); err != nil {
		return 0, nil, err
	}
	r := &Reader{conn: c}
	if p := &c.parser; p.open { // a Read that was canceled has gathered some of it
		r.part, p.message, p.valid = p.message, nil, 0
		p.streaming = true
	} else {
		p.streaming = true
		if err := c.next(t); err != nil {
			p.streaming = false
			return 0, nil, err
		}
		r.take()
		r.part = bytes.Clone(r.part)
	}
	r.kind, r.packed = Kind(c.parser.kind), c.parser.packed
	c.current = r
	return r.kind, r, nil
}

// skip forgets what a Reader has not read of its message.
func (c *Conn) skip(t *corolla.Task) error {
	if c.busy() {
		return corolla.ErrBusy
	}
	c.current = nil
	for c.parser.streaming && c.parser.open {
		if err := c.next(t); err != nil {
			return err
		}
		c.got = event{}
	}
	c.parser.streaming = false
	return nil
}

var errGivenUp = errors.New("websocket: a later message was asked for")

// Read reads from the message, and parks the task that calls it, until something of it has arrived. Its end
// is io.EOF. Other errors are those of Conn.Read, and final, but for corolla.ErrBusy, and for a cancel or a
// deadline if the message is not compressed; if it is, the rest of it is lost then, but no other message.
// Text that is not UTF-8, or data that cannot be decompressed, is found when it is read, and ends the
// connection.
func (r *Reader) Read(p []byte) (n int, err error) {
	l := r.conn.conn.Socket().Loop()
	l.Check("websocket.Reader.Read")
	t := l.Current()
	switch {
	case t == nil:
		panic("websocket: a Reader is read outside of a task: start one with Loop.Go")
	case r.conn.busy():
		return 0, corolla.ErrBusy
	case r.err != nil || len(p) == 0:
		return 0, r.err
	}
	if r.packed {
		n, err = r.inflate(t, p)
	} else {
		n, err = r.read(t, p)
	}
	if r.kind == Text && (err == nil || err == io.EOF) && !r.text.valid(p[:n], err == io.EOF) {
		n, err = 0, r.conn.spoiled(t, errNotUTF8())
	}
	if err != nil && (r.packed || !passing(err)) {
		r.err = err
	}
	return n, err
}

// passing reports whether a read can be tried again after an error.
func passing(err error) bool {
	return errors.Is(err, corolla.ErrCanceled) || errors.Is(err, os.ErrDeadlineExceeded) && err != errSilent || err == corolla.ErrBusy
}

// read reads what was sent.
func (r *Reader) read(t *corolla.Task, p []byte) (int, error) {
	lent, err := r.fetch(t)
	if err != nil {
		return 0, err
	}
	n := copy(p, r.part)
	if r.part = r.part[n:]; lent {
		r.part = bytes.Clone(r.part)
	}
	return n, nil
}

// fetch waits until there is a part. It reports whether that is the loop's memory.
func (r *Reader) fetch(t *corolla.Task) (lent bool, err error) {
	for len(r.part) == 0 {
		switch {
		case r.last:
			return false, io.EOF
		case r.conn.current != r:
			return false, errGivenUp
		}
		if err := r.conn.next(t); err != nil {
			return false, err
		}
		lent = r.take()
	}
	return lent, nil
}

// take takes the part that the connection has found.
func (r *Reader) take() (lent bool) {
	r.last = !r.conn.got.more
	_, r.part, lent = r.conn.take()
	return lent
}

// inflate reads what was sent, decompressed.
func (r *Reader) inflate(t *corolla.Task, p []byte) (int, error) {
	r.task = t
	f := r.inflater
	if f == nil {
		f = newInflater()
		f.more = r.refill
		if err := f.begin(nil); err != nil {
			return 0, err
		}
		r.inflater = f
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = f.flate.Read(p)
	}
	if err == io.EOF {
		err = r.checkEnd(f)
	}
	switch {
	case err == nil:
		return n, nil
	case r.cause != nil:
		err = r.cause
	case err != io.EOF:
		err = r.conn.spoiled(t, &ProtocolError{CodeInvalidData, err})
	default:
		r.inflater = nil
		f.free()
	}
	return n, err
}

// refill gives the decompressor the next part.
func (r *Reader) refill() ([]byte, error) {
	lent, err := r.fetch(r.task)
	if err != nil {
		if err != io.EOF {
			r.cause = err
		}
		return nil, err
	}
	b := r.part
	if r.part = nil; lent {
		b = bytes.Clone(b)
	}
	return b, nil
}

// checkEnd looks whether anything comes behind the last block. It returns io.EOF if all is well.
func (r *Reader) checkEnd(f *inflater) error {
	for extra := len(f.in); ; extra += len(f.in) {
		if extra > 1 { // it may be followed by an empty byte: section 7.2.3.4
			return errAfterTheEnd
		}
		if f.more == nil {
			return io.EOF
		}
		var err error
		if f.in, err = f.more(); err != nil {
			return err
		}
	}
}

// spoiled ends the connection because of what a message has in it.
func (c *Conn) spoiled(t *corolla.Task, err error) error {
	c.reader, c.unwound = t, t.Unwound()
	err = c.failed(t, err)
	c.reader = nil
	c.tell()
	return err
}

// text checks UTF-8 that comes in pieces.
type text struct {
	begun [utf8.UTFMax]byte // of a character
	n     int
}

func (x *text) valid(b []byte, last bool) bool {
	if x.n > 0 {
		for len(b) > 0 && !utf8.FullRune(x.begun[:x.n]) {
			x.begun[x.n] = b[0]
			x.n++
			b = b[1:]
		}
		if !utf8.FullRune(x.begun[:x.n]) {
			return !last
		}
		if !utf8.Valid(x.begun[:x.n]) {
			return false
		}
	}
	end := len(b) - unfinished(b)
	x.n = copy(x.begun[:], b[end:])
	return utf8.Valid(b[:end]) && (x.n == 0 || !last)
}
