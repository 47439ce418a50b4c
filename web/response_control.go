package web

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/corolla-go/corolla/green"
)

// What handlers reach by an http.ResponseController, or by asserting an interface.

var noTime time.Time

// Flush sends what was written.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush with its error. It does not wait until the peer has taken everything.
func (w *response) FlushError() error {
	w.x.conn.srv().loop.Check("web.ResponseWriter.Flush")
	if w.x.hijacked {
		return http.ErrHijacked
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.send(nil, false)
}

// SetReadDeadline sets the time after which reading the request's body fails. It is an error once the
// handler has returned.
func (w *response) SetReadDeadline(when time.Time) error {
	if err := w.late(); err != nil {
		return err
	}
	w.deadline = true
	return w.x.conn.conn.SetReadDeadline(when)
}

// SetWriteDeadline sets the time after which writing the answer fails. It is an error once the handler
// has returned.
func (w *response) SetWriteDeadline(when time.Time) error {
	if err := w.late(); err != nil {
		return err
	}
	w.deadline = true
	return w.x.conn.conn.SetWriteDeadline(when)
}

// late returns an error once the connection is another's, or the next request's.
func (w *response) late() error {
	w.x.conn.srv().loop.Check("web.ResponseWriter.SetDeadline")
	if w.over {
		return w.x.conn.wrapped("set a deadline after the handler has returned, for", net.ErrClosed)
	}
	return nil
}

// EnableFullDuplex lets the handler read the request's body after it has begun to answer.
func (w *response) EnableFullDuplex() error {
	w.fullDuplex = true
	return nil
}

// informational sends a status from 100 to 199 with the present header.
func (w *response) informational(status int) {
	if w.old || w.started {
		return
	}
	if status == http.StatusContinue {
		w.x.body.expected = false
	}
	b := append([]byte("HTTP/1.1 "), statusLine(status)...)
	if status != http.StatusContinue {
		var room [maxSorted]string
		n := survey(w.header, room[:0])
		b = w.fields(b, w.header, n.keys)
	}
	_ = w.put(append(b, crlf...)) // a later call fails too
}

// goOn tells a client to send the body.
func (w *response) goOn() {
	if !w.started {
		_ = w.put([]byte("HTTP/1.1 100 Continue\r\n\r\n")) // reading fails too
	}
}

// Hijack gives the handler the connection, as a *green.Conn, and what was read ahead of it. The task goes
// on until the handler returns, and is canceled when Shutdown's time is up.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x, c := w.x, w.x.conn
	c.srv().loop.Check("web.ResponseWriter.Hijack")
	switch {
	case x.hijacked:
		return nil, nil, http.ErrHijacked
	case w.over:
		return nil, nil, http.ErrBodyNotAllowed
	case c.closed:
		return nil, nil, c.wrapped("hijack", net.ErrClosed)
	case w.status != 0:
		if err := w.send(nil, false); err != nil {
			return nil, nil, err
		}
	}
	c.deaf()
	ahead := c.pending
	if x.body.reader != nil {
		buffered, _ := x.body.reader.Peek(x.body.reader.Buffered())
		ahead = slices.Concat(buffered, x.body.source.ahead)
	}
	c.pending = nil
	x.hijacked, x.body.closed = true, true
	x.unlimited()
	if err := c.conn.SetDeadline(noTime); err != nil {
		return nil, nil, err
	}
	nc := c.srv().hub.Wrap(c.conn)
	r := bufio.NewReaderSize(&prefixed{bytes.Clone(ahead), nc}, max(len(ahead), readerSize))
	_, _ = r.Peek(len(ahead)) // all of it is there
	return nc, bufio.NewReadWriter(r, bufio.NewWriter(nc)), nil
}

// prefixed is a connection with what was read of it before.
type prefixed struct {
	ahead []byte
	conn  *green.Conn
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.conn.Read(b)
}

// ReadFrom copies from a reader. A regular file is sent by the system if the length of the answer is
// known, as http.ServeContent sees to.
func (w *response) ReadFrom(from io.Reader) (int64, error) {
	if n, done, err := w.sendFile(from); done {
		return n, err
	}
	m := &w.x.conn.srv().memory
	p := m.copying()
	defer m.giveCopying(p)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{from}, p)
}

// sendFile reports whether it could send the file.
func (w *response) sendFile(from io.Reader) (n int64, done bool, err error) {
	f, limited, size := fileOf(from)
	if f == nil || w.head || w.over || w.x.hijacked {
		return 0, false, nil
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.length < 0 || w.written > w.length || !hasBody(w.status) {
		return 0, false, nil
	}
	if _, typed := w.header["Content-Type"]; !typed && !w.started {
		return 0, false, nil // its start has to be looked at
	}
	at, err := f.Seek(0, io.SeekCurrent)
	info, e := f.Stat()
	if err != nil || e != nil || !info.Mode().IsRegular() {
		return 0, false, nil
	}
	size = min(size, info.Size()-at, w.length-w.written)
	if size <= 0 || size < joined/2 && !w.started {
		return 0, false, nil // a small file costs less if it is sent in one piece with the head
	}
	if err := w.send(nil, false); err != nil {
		return 0, true, err
	}
	n, err = w.transfer(f, at, size)
	if limited != nil {
		limited.N -= n
	}
	_, e = f.Seek(at+n, io.SeekStart)
	return n, true, firstOf(err, e)
}

func (w *response) transfer(f *os.File, at, size int64) (int64, error) {
	x, c := w.x, w.x.conn
	w.unsent = c.conn.Buffered()
	sending := &x.limited().sending
	c.srv().writing.begin(sending, x)
	n, err := c.conn.SendFile(c.srv().loop.Current(), f, at, size)
	sending.end()
	w.written += n
	x.broken = x.broken || err != nil && n < size
	return n, err
}

func fileOf(from io.Reader) (f *os.File, limited *io.LimitedReader, size int64) {
	size = 1<<63 - 1
	if l, ok := from.(*io.LimitedReader); ok {
		from, limited, size = l.R, l, l.N
	}
	f, _ = from.(*os.File)
	return f, limited, size
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
