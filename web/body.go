package web

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"

	"github.com/corolla-go/corolla"
)

// body is the body of a request. net/http's own holds a mutex while it reads: a second reader would block
// the loop there, and so would Close. Its trailers may be folded, and end in bare LF.
type body struct {
	x        *exchange // nil in the one of all requests without a body
	source   source
	reader   *bufio.Reader
	chunks   io.Reader // nil if the length is known
	left     int64     // of a known length
	failed   error     // the body has ended too early, or is malformed
	expected bool      // the client waits for 100 Continue
	done     bool      // nothing is left to read
	busy     bool
	closed   bool
}

// begin prepares a body, of which ahead has arrived with the head.
func (b *body) begin(x *exchange, ahead []byte) {
	b.x = x
	b.source = source{x: x, ahead: ahead, lent: true}
	b.reader = x.conn.srv().memory.reader(&b.source)
	if b.left = x.req.ContentLength; b.left < 0 {
		b.chunks = httputil.NewChunkedReader(b.reader)
	}
	x.req.Body = b
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
	switch {
	case b.done:
		return 0, io.EOF
	case b.failed != nil:
		return 0, b.failed
	}
	if b.expected {
		b.expected = false
		b.x.answer.goOn()
	}
	b.busy = true
	n, err := b.fetch(p)
	b.busy = false
	if err == io.EOF {
		b.end()
	}
	return n, err
}

// fetch reads up to the end of the body, with its trailers.
func (b *body) fetch(p []byte) (n int, err error) {
	if b.chunks == nil {
		n, err = b.reader.Read(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.left == 0 {
			return n, io.EOF
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
			b.failed = err
		}
		return n, err
	}
	if n, err = b.chunks.Read(p); err != io.EOF {
		b.failed = err // of which the reader of chunks does not recover either
		return n, err
	}
	if err = b.trailers(); err != nil {
		b.failed = err
		return n, err
	}
	return n, io.EOF
}

// trailers reads what follows the last chunk, by the rules for heads.
func (b *body) trailers() error {
	trailer := maps.Clone(b.x.req.Trailer)
	for fields, size := 0, 0; ; fields++ {
		line, err := b.reader.ReadSlice('\n')
		size += len(line)
		switch {
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err == bufio.ErrBufferFull, size > b.x.conn.srv().maxHead(), fields > maxFields:
			return errBigHead
		case err != nil:
			return err
		case len(line) < 2 || line[len(line)-2] != '\r':
			return errBareLF
		case len(line) == 2:
			b.x.req.Trailer = trailer
			return nil
		}
		line = line[:len(line)-2]
		name, value, err := cutField(line)
		if err != nil {
			return err
		}
		if trailer == nil {
			trailer = make(http.Header)
		}
		key := canonical(string(line[:name]))
		trailer[key] = append(trailer[key], string(trimRight(line[value:])))
	}
}

// end is called when all of the body was read. What came behind it belongs to the next request.
func (b *body) end() {
	x, c := b.x, b.x.conn
	b.done = true
	if x.waits != nil {
		x.waits.whole.end()
	}
	ahead, _ := b.reader.Peek(b.reader.Buffered()) // no more than there is, so there is no error
	if len(ahead)+len(b.source.ahead) > 0 {
		c.pending = slices.Concat(ahead, b.source.ahead)
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
		b.source.ahead = nil
	}
}

// source is where a body is read from: first what has arrived with the head, then the connection.
type source struct {
	x     *exchange
	ahead []byte
	lent  bool // it is memory that is good only until the handler first waits
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
		panic("web: a request's body is read in the handler's task, or in one that it has started")
	}
	c.deaf()
	stall := &x.limited().stall
	c.srv().reading.begin(stall, x)
	n, err := c.conn.Read(t, p)
	stall.end()
	if err == io.EOF {
		c.eof = true
	}
	return n, err
}

// own copies what is lent.
func (s *source) own() {
	if s.lent && len(s.ahead) > 0 {
		s.ahead = bytes.Clone(s.ahead)
	}
	s.lent = false
}
