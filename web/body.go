package web

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"

	"github.com/corolla-go/corolla"
)

// body is the body of a request. It stands in front of net/http's, whose mutex is held while it reads:
// a second reader would block the loop there, and so would Close.
type body struct {
	x        *exchange
	from     io.Reader // net/http's
	reader   *bufio.Reader
	expected bool // the client waits for 100 Continue
	done     bool // nothing is left to read
	busy     bool
	closed   bool
}

// Read reads, and waits for what has not arrived. A second reader gets corolla.ErrBusy.
func (b *body) Read(p []byte) (int, error) {
	b.x.conn.srv().loop.Check("web: Read of a request's body")
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.busy:
		return 0, corolla.ErrBusy
	}
	n, err := b.read(p)
	if b.closed && err != io.EOF {
		err = http.ErrBodyReadAfterClose
	}
	return n, err
}

// read is Read, also after Close.
func (b *body) read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	if b.expected {
		b.expected = false
		b.x.answer.goOn()
	}
	b.busy = true
	n, err := b.from.Read(p)
	b.busy = false
	if err == io.EOF {
		b.end()
	}
	return n, err
}

// end is called when all of the body was read. What came behind it belongs to the next request.
func (b *body) end() {
	x, c := b.x, b.x.conn
	b.done = true
	x.whole_.end()
	ahead, _ := b.reader.Peek(b.reader.Buffered()) // no more than there is, so there is no error
	if len(ahead)+len(x.source.ahead) > 0 {
		c.pending = slices.Concat(ahead, x.source.ahead)
	}
	b.release()
	c.settle()
}

// Close ends reading. A Read that waits returns http.ErrBodyReadAfterClose.
func (b *body) Close() error {
	b.x.conn.srv().loop.Check("web: Close of a request's body")
	if b.closed {
		return nil
	}
	b.closed = true
	if b.busy {
		b.x.giveUpReading()
	}
	return nil
}

// giveUpReading makes whoever reads the body hear that there will be no more.
func (x *exchange) giveUpReading() {
	x.last = true
	_ = x.conn.conn.SetReadDeadline(x.conn.srv().loop.Time()) // or it is closed, which says the same
}

// discard reads a bounded rest of the body, so that the connection can be used again. It reports whether
// there is nothing left.
func (b *body) discard() bool {
	if b.busy || b.expected || b.x.last && !b.done {
		return b.done
	}
	m := &b.x.conn.srv().memory
	p := m.copying()
	defer m.giveCopying(p)
	for left := maxUnread; !b.done && left > 0; {
		n, err := b.read(p)
		if left -= n; err != nil {
			break
		}
	}
	return b.done
}

// release gives the memory back.
func (b *body) release() {
	b.closed = b.closed || b.x != nil && b.x.conn.active != b.x
	if b.reader != nil && !b.busy {
		b.x.conn.srv().memory.giveReader(b.reader)
		b.reader = nil
	}
	if b.x != nil {
		b.x.source.ahead = nil
	}
}

// source is where net/http's body reads: first what has arrived with the head, then the connection.
type source struct {
	x     *exchange
	ahead []byte
	lent  bool // ahead is memory that is good only until the handler first waits
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	x, c := s.x, s.x.conn
	t := c.srv().loop.Current()
	if t == nil {
		return 0, io.ErrUnexpectedEOF // the head is whole, so nothing asks for more before there is a task
	}
	c.deaf()
	c.srv().reading.begin(&x.stall, x)
	n, err := c.conn.Read(t, p)
	x.stall.end()
	if err == io.EOF {
		c.eof = true
	}
	return n, err
}

// own copies what is lent.
func (s *source) own() { s.ahead, s.lent = bytes.Clone(s.ahead), false }
