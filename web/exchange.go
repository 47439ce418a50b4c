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
	req    http.Request
	answer response
	body   *body
	url    url.URL
	ctx    requestContext

	waits *waits // nil if it has not been in any limit

	hijacked bool
	broken   bool // the connection is good for nothing more
	last     bool // close the connection after the answer
}

// waits are an exchange's places in the server's limits. Most answers are taken at once, and their requests
// arrive in one piece, so that they need none.
type waits struct {
	stall, sending, whole, total wait[*exchange]
}

func (x *exchange) limited() *waits {
	if x.waits == nil {
		x.waits = new(waits)
	}
	return x.waits
}

// unlimited ends all waits.
func (x *exchange) unlimited() {
	if x.waits != nil {
		for _, w := range [...]*wait[*exchange]{&x.waits.stall, &x.waits.sending, &x.waits.whole, &x.waits.total} {
			w.end()
		}
	}
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
	if s.answers.after > 0 {
		s.answers.begin(&x.limited().total, x)
	}
	if s.bodies.after > 0 && !x.body.done {
		s.bodies.begin(&x.limited().whole, x)
	}
	opts := eager[:]
	if c.context != nil {
		opts = []corolla.TaskOption{corolla.Eager(), corolla.With(c.context)}
	}
	x.job.Start(s.loop, (*handling)(x), opts...)
	if c.active == x && !x.whole() {
		x.body.source.own()
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
	x.conn.srv().serve(&x.answer, &x.req)
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
	x.unlimited()
	s.active--
	c.active = nil
	x.answer.release()
	x.body.release()
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

// stalledReading is called when the peer may have sent nothing for too long.
func (x *exchange) stalledReading() {
	if corolla.Throttled(x.conn.conn.Socket()) {
		x.conn.srv().reading.begin(&x.limited().stall, x)
		return
	}
	x.stalled()
}

// late is called when the handler and its answer take too long.
func (x *exchange) late() { x.fail(x.conn.srv().answers.after) }

// stalledWriting is called when the peer may have taken nothing for too long.
func (x *exchange) stalledWriting() {
	if n := x.conn.conn.Buffered(); n != x.answer.unsent || corolla.Throttled(x.conn.conn.Socket()) {
		x.answer.unsent = n
		x.conn.srv().writing.begin(&x.limited().sending, x)
		return
	}
	x.fail(x.conn.srv().writing.after)
}
