package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/corolla-go/corolla"
)

// exchange is a request, its answer, and the task that runs the handler, in one allocation.
type exchange struct {
	job    corolla.Job
	conn   *conn
	req    *http.Request
	answer response
	body   body
	source source
	url    url.URL
	ctx    requestContext

	stall, sending, whole_, total wait[*exchange] // in the server's limits

	hijacked bool
	broken   bool // the connection is good for nothing more
	last     bool // close the connection after the answer
	lent     bool // source.ahead is memory that is good only until the handler first waits
}

// begin starts the handler of the request at the start of b, whose head ends at end. What follows the
// request is pending then.
func (c *conn) begin(b []byte, end int) {
	x := &exchange{conn: c}
	if err := x.parse(b, end); err != nil {
		c.refuse(err)
		return
	}
	if x.body.done {
		c.pending = b[end:]
	}
	s := c.srv()
	c.patience.end()
	c.active = x
	s.active++
	s.answers.begin(&x.total, x)
	if !x.body.done {
		s.bodies.begin(&x.whole_, x)
	}
	opts := eager[:]
	if c.context != nil {
		opts = []corolla.TaskOption{corolla.Eager(), corolla.With(c.context)}
	}
	x.job.Start(s.loop, (*handling)(x), opts...)
	if c.active == x && !x.whole() && len(x.source.ahead) > 0 && x.lent {
		x.source.own()
	}
}

var eager = [...]corolla.TaskOption{corolla.Eager()}

// whole reports whether the handler leaves reading to the server: nothing of the request is still to be
// read, and the connection was not hijacked.
func (x *exchange) whole() bool { return x.body.done && !x.hijacked }

// handling is an exchange as its task's body.
type handling exchange

// Run runs the handler.
func (h *handling) Run(*corolla.Task) error {
	x := (*exchange)(h)
	if x.handle() {
		x.answer.finish()
	}
	return nil
}

// handle reports whether the handler returned, and did not give up with http.ErrAbortHandler.
func (x *exchange) handle() (returned bool) {
	defer func() {
		if returned {
			return
		}
		x.broken = true
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // panics with the very value
			panic(v)
		}
	}()
	x.conn.srv().serve(&x.answer, x.req)
	return true
}

// serve answers OPTIONS * as net/http does, and leaves the rest to the handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.RequestURI == "*" && r.Method == http.MethodOptions {
		w.Header().Set("Content-Length", "0")
		return
	}
	s.handler().ServeHTTP(w, r)
}

// Ended goes on with the connection.
func (h *handling) Ended(err error) {
	x := (*exchange)(h)
	c, s := x.conn, x.conn.srv()
	for _, w := range [...]*wait[*exchange]{&x.stall, &x.sending, &x.whole_, &x.total} {
		w.end()
	}
	x.answer.release()
	x.body.release()
	s.active--
	c.active = nil
	if err != nil && !errors.Is(err, corolla.ErrCanceled) && !errors.Is(err, corolla.ErrLoopClosed) {
		s.report(fmt.Errorf("web: handler of %s %q for %s: %w", x.req.Method, x.req.RequestURI, c.remote, err))
	}
	switch {
	case x.hijacked:
		c.closed = true
		c.leave()
	case c.closed:
		c.leave()
	case err != nil || x.broken:
		c.abort()
	case x.last || c.eof && c.releasing != nil:
		c.finish()
	default:
		s.idle.begin(&c.patience, c)
		c.answered()
	}
}

// Function is for lists and reports.
func (h *handling) Function() any { return h.conn.srv().handler() }

// stalled is called when a body takes too long. Reading then fails, and the handler can still answer.
func (x *exchange) stalled() { x.giveUpReading() }

// late is called when the handler and its answer take too long.
func (x *exchange) late() { x.fail(x.conn.srv().answers.after) }

// stalledWriting is called when the peer may have taken nothing for too long.
func (x *exchange) stalledWriting() {
	if n := x.conn.conn.Buffered(); n != x.answer.unsent {
		x.answer.unsent = n
		x.conn.srv().writing.begin(&x.sending, x)
		return
	}
	x.fail(x.conn.srv().writing.after)
}
