package web

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/corolla-go/corolla"
)

// maxWhole is how long an answer can be whose length the server finds out: 2 KiB, as in net/http. A
// longer one goes out in chunks, unless the handler says how long it is.
const maxWhole = 2 << 10

// response is the http.ResponseWriter of a request.
type response struct {
	x        *exchange
	header   http.Header // nil until somebody asks for it
	snapshot http.Header // of header, when WriteHeader was called; nil if it is the same
	page     []byte      // written, and not yet given to the connection; nil before the first Write
	status   int         // 0 before WriteHeader
	length   int64       // as the handler declared it; -1 if it did not
	written  int64
	unsent   int // when stalledWriting last looked
	burst    int // bytes written since others had their turn

	started    bool // the head was given to the connection
	chunked    bool
	trailers   bool // were announced
	head       bool // the request's method is HEAD
	old        bool // HTTP/1.0
	fullDuplex bool
	over       bool // the handler has returned
	deadline   bool // the handler has set one
}

var (
	_ http.Flusher    = (*response)(nil)
	_ http.Hijacker   = (*response)(nil)
	_ io.ReaderFrom   = (*response)(nil)
	_ io.StringWriter = (*response)(nil)
)

func (w *response) init(x *exchange) {
	w.x, w.length = x, -1
	w.head = x.req.Method == http.MethodHead
	w.old = !x.req.ProtoAtLeast(1, 1)
	x.last = x.req.Close || w.old && !keepsAlive(x.req.Header)
}

// keepsAlive reports whether a client of HTTP/1.0 asks for the connection to be kept.
func keepsAlive(h http.Header) bool { return hasToken(h["Connection"], "keep-alive") }

// Header returns the header that WriteHeader sends.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	if w.status != 0 && !w.started && w.snapshot == nil {
		w.snapshot = w.header.Clone() // what is changed from now on is not for the head
	}
	return w.header
}

// WriteHeader sets the status, once. A status from 100 to 199 other than 101 is sent at once, and the
// final one can follow.
func (w *response) WriteHeader(status int) {
	s := w.x.conn.srv()
	s.loop.Check("web.ResponseWriter.WriteHeader")
	switch {
	case status < 100 || status > 999:
		panic("web: WriteHeader with the status " + strconv.Itoa(status))
	case w.x.hijacked:
		s.report(w.x.conn.wrapped("WriteHeader on a hijacked connection of", http.ErrHijacked))
		return
	case w.status != 0:
		s.report(w.x.conn.wrapped("superfluous WriteHeader for", http.ErrBodyNotAllowed))
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.informational(status)
		return
	}
	w.status = status
	if text := first(w.header["Content-Length"]); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			s.report(w.x.conn.wrapped("invalid Content-Length for", strconv.ErrSyntax))
			w.header.Del("Content-Length")
			return
		}
		w.length = n
	}
}

// Write writes a part of the answer's body. It waits while more is unsent than the connection's high
// water mark.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString is Write.
func (w *response) WriteString(p string) (int, error) { return write(w, p) }

func write[T string | []byte](w *response, p T) (int, error) {
	w.x.conn.srv().loop.Check("web.ResponseWriter.Write")
	switch {
	case w.x.hijacked:
		return 0, http.ErrHijacked
	case w.over:
		return 0, http.ErrBodyNotAllowed
	case w.status == 0:
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case !hasBody(w.status):
		return 0, http.ErrBodyNotAllowed
	}
	if w.written += int64(len(p)); w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.page == nil {
		w.page = w.x.conn.srv().memory.page()
	}
	most := maxWhole
	if w.started {
		most = pageSize
	}
	if len(w.page)+len(p) <= most {
		w.page = append(w.page, p...)
		return len(p), nil
	}
	if err := w.send([]byte(p), false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// joined is how long an answer is at most that is put together, head and body, in the server's memory:
// sending one piece costs the system less than sending several.
const joined = 8 << 10

// send gives the connection what was written, and p.
func (w *response) send(p []byte, last bool) error {
	m := &w.x.conn.srv().memory
	head := m.head[:0]
	if !w.started {
		w.start(p, last)
		head = m.head
	}
	page := w.page
	w.page = w.page[:0] // its memory stays as it is until put returns
	size := len(page) + len(p)
	if w.head {
		page, p, size = nil, nil, 0
	}
	var line [20]byte
	before, after := line[:0], ""
	if w.chunked && size > 0 {
		before, after = append(strconv.AppendInt(before, int64(size), 16), "\r\n"...), "\r\n"
	}
	if last && w.chunked && !w.head {
		after += w.end()
	}
	if len(head)+size+len(after) <= joined {
		head = append(head, before...)
		head = append(head, page...)
		head = append(head, p...)
		m.head = append(head, after...)
		if len(m.head) == 0 {
			return nil
		}
		return w.put(m.head) // which copies it if it has to wait
	}
	return w.put(append(bytes.Clone(head), before...), page, p, []byte(after))
}

// put writes to the connection, for as long as the peer takes some of it now and then.
func (w *response) put(first []byte, more ...[]byte) error {
	x, c := w.x, w.x.conn
	t := c.srv().loop.Current()
	if t == nil {
		panic("web: a ResponseWriter is used in the handler's task, or in one that it has started")
	}
	size := len(first)
	for _, p := range more {
		size += len(p)
	}
	given := size
	if len(more) == 0 {
		switch err := c.conn.TryWrite(first); {
		case err == nil && c.conn.Buffered() <= corolla.DefaultHighWater: // the usual case
			return w.share(t, given)
		case err == nil:
			first, size = nil, 0
		case err != corolla.ErrWouldBlock:
			x.broken = true
			return err
		}
	}
	w.unsent = c.conn.Buffered()
	sending := &x.limited().sending
	c.srv().writing.begin(sending, x)
	n, err := 0, error(nil)
	if len(more) == 0 {
		n, err = c.conn.Write(t, first)
	} else {
		n, err = c.conn.WriteBatch(t, append([][]byte{first}, more...))
	}
	sending.end()
	x.broken = x.broken || err != nil && n < size // otherwise all was accepted, and only the task is canceled
	if err == nil {
		err = w.share(t, given)
	}
	return err
}

// maxBurst is how many bytes of one answer are written before others have their turn. A thousand large
// answers, each for the millisecond that a task may have, would keep the others waiting for a second.
const maxBurst = 64 << 10

// share lets others run if much was written. A canceled task cannot yield, and may still answer.
func (w *response) share(t *corolla.Task, n int) error {
	if w.burst += n; w.burst < maxBurst || t.Scope().Canceled() != nil {
		return t.Checkpoint()
	}
	w.burst = 0
	return t.Yield()
}

// finish sends the end of the answer. It goes on although the handler was canceled.
func (w *response) finish() {
	x := w.x
	if x.hijacked {
		return
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.over = true
	t := x.job.Task()
	if t.Scope().Canceled() != nil {
		_ = t.Shielded(func(*corolla.Scope) error { w.finishNow(); return nil })
	} else {
		w.finishNow()
	}
	if w.deadline {
		_ = x.conn.conn.SetDeadline(noTime) // or it is closed
	}
}

func (w *response) finishNow() {
	x := w.x
	_ = w.send(nil, true) // broken says it
	if w.length >= 0 && w.written != w.length && hasBody(w.status) && !w.head {
		x.last = true // the peer would take the next answer for the rest of this one
	}
	if !x.broken && !x.body.done && !x.last {
		x.last = !x.body.discard()
	}
	if !x.body.done || x.conn.srv().stopping { // which may have come to pass since the head was sent
		x.last = true
	}
}

// release gives the memory back.
func (w *response) release() {
	if w.page != nil {
		w.x.conn.srv().memory.givePage(w.page)
		w.page = nil
	}
	w.over = true
}

// hasBody reports whether answers with a status have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// hasToken reports whether one of a header's values has a token in its list.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part, more := "", true; more; {
			part, v, more = strings.Cut(v, ",")
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}
