package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/ds"
)

// ErrClientGone is why a handler is canceled whose client has closed its connection, or its half of it.
var ErrClientGone = errors.New("web: the client has gone")

const (
	partingTime = time.Second // how long a client has to close its side, after an early end
	maxUnread   = 256 << 10   // bytes that it may send meanwhile, and that are left of a body
	maxAhead    = 64 << 10    // bytes of later requests that are kept while one is answered
	maxPartial  = 16 << 20    // bytes of all heads that are arriving
)

// conn is a connection of a server. A callback gathers what arrives; a request whose head is complete
// gets a task, and is the active one until it is answered.
type conn struct {
	of      *listener
	conn    *aio.Conn
	link    ds.Link[*conn]
	ready   func() // readable, made once
	pending []byte // arrived, and not yet looked at, or the beginning of a head
	counted int    // bytes of it, among those of the server's partial heads
	active  *exchange
	remote  string
	context context.Context      // of its requests, or nil
	tls     *tls.ConnectionState // nil without TLS, and before the first request

	patience wait[*conn] // for a head, the next request, or the client's end
	unread   int         // bytes that it may still send, when parting

	asked     bool // whether there is TLS
	listening bool
	reading   bool           // readable is on the stack
	soon      corolla.Handle // of a call of readable that need not wait for anything
	stopped   bool           // reading has stopped before there was nothing left
	feeding   bool           // feed is on the stack
	eof       bool           // the client has ended its stream
	paused    bool           // the next requests, which are pending, have to wait for others' turns
	parting   bool           // answered for the last time
	closed    bool

	away      bool            // given to somebody who may take it
	kept      bool            // it is not given away
	releasing func(*aio.Conn) // gets the connection after the active request
}

func (c *conn) srv() *Server { return c.of.srv }

// listen has readable called when there is something to read.
func (c *conn) listen() {
	if c.reading || c.closed || c.eof || c.away || c.offer() || c.listening {
		return
	}
	c.listening = true
	if c.stopped && c.tls != nil { // there may be something that the socket does not know of
		c.soon = c.srv().loop.Soon(c.ready)
		return
	}
	if err := c.conn.OnceReadable(c.ready); err != nil { // a bug: nobody else reads
		c.srv().report(c.wrapped("watch", err))
		c.abort()
	}
}

// deaf ends listen, so that a task can read.
func (c *conn) deaf() {
	if c.listening {
		c.listening = false
		c.soon.Cancel()
		_ = c.conn.OnceReadable(nil) // its own function is there, or none, so it has nothing to object
	}
	c.stopped = true
}

// readable reads what has arrived.
func (c *conn) readable() {
	c.listening, c.stopped, c.reading = false, true, true
	more := c.readMore()
	if c.reading = false; more {
		c.listen()
	}
}

// readMore reports whether there may be more to read, now or later.
func (c *conn) readMore() bool {
	l := c.srv().loop
	for first := true; !c.closed && !c.full(); first = false {
		if !first && l.Overdue() {
			return true
		}
		b := l.Scratch()
		n, err := c.conn.TryRead(b)
		switch {
		case err == corolla.ErrWouldBlock:
			c.stopped = false
			return true
		case err != nil:
			c.ended(err)
			return false
		case c.parting:
			if c.unread -= n; c.unread < 0 {
				c.close()
			}
		default:
			c.arrived(b[:n])
		}
	}
	return false
}

// full reports whether nothing is to be read at present: the active request's handler reads its body
// itself, or enough of the next requests is here.
func (c *conn) full() bool {
	return c.paused || c.active != nil && (!c.active.whole() || len(c.pending) > maxAhead)
}

func (c *conn) arrived(b []byte) {
	switch {
	case c.active != nil:
		c.pending = append(c.pending, b...)
	case len(c.pending) == 0:
		c.feed(b, 0, false)
	default:
		before := len(c.pending)
		b = append(c.pending, b...)
		c.drop()
		c.feed(b, before, true)
	}
}

// feed handles requests as they are complete, and keeps the rest. The first seen bytes were looked at
// before. If own is true, b may be kept as it is.
func (c *conn) feed(b []byte, seen int, own bool) {
	c.feeding = true
	for first := true; c.active == nil && c.releasing == nil && !c.parting && !c.closed && len(b) > 0; first = false {
		if !first && c.srv().loop.Overdue() {
			c.pause(b)
			break
		}
		end, err := headEnd(b, seen)
		if seen = 0; err == nil && max(end, 0) > c.srv().maxHead() || end < 0 && len(b) > c.srv().maxHead() {
			err = errBigHead
		}
		if err != nil {
			c.refuse(err)
			break
		}
		if end < 0 {
			if !own {
				b = bytes.Clone(b)
			}
			c.keep(b)
			break
		}
		c.begin(b, end)
		b, c.pending, own = c.pending, nil, false
	}
	c.feeding = false
	if c.active == nil && c.releasing != nil && !c.parting && !c.closed {
		c.release(b)
		return
	}
	if c.active != nil && len(b) > 0 && !c.closed && !c.active.hijacked {
		c.pending = bytes.Clone(b)
	}
}

// pause has the rest of many requests that have arrived together wait until others had their turn.
func (c *conn) pause(b []byte) {
	c.pending, c.paused = bytes.Clone(b), true
	c.srv().loop.Soon(c.resume)
}

func (c *conn) resume() {
	if c.paused = false; c.closed {
		return
	}
	b := c.pending
	c.pending = nil
	c.feed(b, 0, true)
	c.settle()
}

// keep keeps the beginning of a head until more arrives.
func (c *conn) keep(b []byte) {
	s := c.srv()
	if c.eof {
		c.refuse(errCutShort)
		return
	}
	c.pending, c.counted = b, len(b)
	s.partial += len(b)
	if !c.patience.link.In(&s.heads.waiting) {
		s.heads.begin(&c.patience, c)
	}
	for s.partial > maxPartial {
		oldest := s.heads.waiting.First()
		for len(oldest.Value.who.pending) == 0 { // a new one, of which nothing has arrived
			oldest = oldest.Next()
		}
		oldest.Value.who.refuse(errCrowd)
	}
}

// drop forgets what is kept of a head.
func (c *conn) drop() {
	c.srv().partial -= c.counted
	c.pending, c.counted = nil, 0
}

// answered goes on after a request.
func (c *conn) answered() {
	if c.feeding {
		return // which goes on
	}
	b := c.pending
	c.pending = nil
	c.feed(b, 0, false)
	c.settle()
}

// settle waits for what comes next.
func (c *conn) settle() {
	switch {
	case c.closed, c.paused:
	case c.active != nil:
		if c.active.whole() {
			c.listen()
		}
	case c.eof && !c.parting:
		c.close()
	default:
		c.listen()
	}
}

// ended is called when the stream from the client has ended.
func (c *conn) ended(err error) {
	c.eof = true
	switch {
	case c.active != nil:
		cause := ErrClientGone
		if errors.Is(err, os.ErrDeadlineExceeded) { // IdleTimeout or LifeTimeout
			cause = err
		}
		if len(c.pending) == 0 || err != io.EOF {
			c.active.job.Task().Cancel(cause)
		}
	case len(c.pending) > 0 && err == io.EOF && !c.parting:
		c.refuse(errCutShort)
	default:
		if !ordinary(err) {
			c.srv().report(c.wrapped("connection of", err))
		}
		c.close()
	}
}

// ordinary reports whether an error is only how connections end.
func ordinary(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, syscall.ECONNRESET, syscall.EPIPE, corolla.ErrCanceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refuse answers a request that has no handler, and parts.
func (c *conn) refuse(err error) {
	c.drop()
	status := http.StatusBadRequest
	var b *badHead
	if errors.As(err, &b) {
		status = b.status
	}
	var text strings.Builder
	text.WriteString("HTTP/1.1 ")
	text.WriteString(statusLine(status))
	text.WriteString("Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
	text.WriteString(err.Error())
	text.WriteString("\n")
	if c.conn.TryWrite([]byte(text.String())) != nil {
		c.abort() // who takes no answers needs none
		return
	}
	c.part()
}

// late is called when a head takes too long.
func (c *conn) late() {
	if len(c.pending) > 0 {
		c.refuse(errLate)
		return
	}
	c.close()
}

// part closes the connection once the client has closed its side, or has had time to: if it were closed
// with something unread, the system would reset it, and the client might lose the last answer.
func (c *conn) part() {
	c.drop()
	c.parting, c.unread = true, maxUnread
	if c.eof || c.conn.CloseWrite() != nil {
		c.close()
		return
	}
	c.srv().lingering.begin(&c.patience, c)
	c.listen()
}

// finish closes the connection after its last answer.
func (c *conn) finish() {
	if len(c.pending) == 0 && !c.eof {
		switch n, err := c.conn.TryRead(c.srv().loop.Scratch()); {
		case n > 0:
			c.part()
			return
		case err != corolla.ErrWouldBlock:
			c.eof = true
		}
	}
	if len(c.pending) > 0 {
		c.part()
		return
	}
	c.close()
}

// shutdown closes the connection if nothing is under way.
func (c *conn) shutdown() {
	if c.active != nil || c.parting || c.closed || c.away || len(c.pending) > 0 {
		return
	}
	c.deaf()
	c.readable() // a request may just have arrived
	if c.active == nil && !c.parting && len(c.pending) == 0 {
		c.close()
	}
}

func (c *conn) close() { c.end((*aio.Conn).Close) }
func (c *conn) abort() { c.end((*aio.Conn).Abort) }

func (c *conn) end(how func(*aio.Conn) error) {
	if c.closed {
		return
	}
	c.drop()
	c.closed = true
	if c.active == nil || !c.active.hijacked {
		c.deaf()
	}
	_ = how(c.conn) // nobody is left to be told
	c.leave()
}

// leave takes the connection off the books, unless a handler is still at work on it.
func (c *conn) leave() {
	c.patience.end()
	if c.active == nil && c.link.Leave() {
		c.of.changed.Set()
	}
}
