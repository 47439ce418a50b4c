package web

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// clientCall is a request and its response on a connection; it is also the response's body.
//
// The task that calls RoundTrip sends the head of the request, with the body if that is small and in
// memory. Any other body is sent by a task of its own, since a server may answer before it has all of
// the body, and may even stop reading it. Reading is done by whoever calls RoundTrip and Read.
//
// A call ends once: when its response is read whole (finish), or with a reason (fail), after which
// the connection is closed.
type clientCall struct {
	conn   *clientConn
	req    *http.Request
	target *clientTarget
	trace  *httptrace.ClientTrace
	err    error // why it has failed

	// The request.
	state    clientState
	length   int64     // of the body; see clientChunked and clientRaw
	body     io.Reader // the rest of the body
	sender   *corolla.Task
	timer    *corolla.Timer // for holding the body back, or for waiting until it is sent
	heading  wait[*clientCall]
	sendErr  error // of the connection
	nothing  bool  // of the request was sent
	lost     bool  // there was no byte of an answer
	unzip    bool  // gzip was asked for
	headed   bool  // the response's header has arrived
	over     bool
	keep     bool // the connection, once both are whole
	reading  bool
	closed   bool
	compress bool // gzip was sent
	upgraded bool // to another protocol

	// The response.
	inner   io.Reader // http.ReadResponse's
	zipped  *gzip.Reader
	readErr error
	rest    int64 // bytes of the body that have not been read; -1 if that is unknown
}

// clientState says how far the body of a request is sent.
type clientState uint8

const (
	clientHeld    clientState = iota // not begun
	clientSending                    // by a task of its own
	clientSent
	clientUnsent // and never will be
)

// clientLinger is how long a connection whose response is read waits until the request is sent too, and
// how long one whose response's body was closed waits for the rest.
const clientLinger = 50 * time.Millisecond

var errHeaderLate = &clientTimeoutError{"web: no response header within ResponseHeaderTimeout"}

type clientTimeoutError struct{ text string }

func (e *clientTimeoutError) Error() string   { return e.text }
func (e *clientTimeoutError) Timeout() bool   { return true }
func (e *clientTimeoutError) Temporary() bool { return true }

func (x *clientCall) roundTrip(t *corolla.Task) (resp *http.Response, err error) {
	c := x.conn
	c.call, c.err, c.got, c.most = x, nil, 0, c.tr.MaxResponseHeaderBytes
	if c.most == 0 {
		c.most = DefaultMaxResponseHeaderBytes
	} else if c.most < 0 {
		c.most = math.MaxInt64
	}
	delivered := false
	defer func() {
		if !delivered {
			x.fail(err)
		}
	}()
	c.announce(t, x.trace)
	if err := x.send(t); err != nil {
		return nil, err
	}
	if x.over { // the body was bad from the start
		return nil, x.err
	}
	resp, err = x.receive()
	if err != nil {
		err = x.reason(err)
		return nil, err
	}
	if resp, err = x.deliver(resp); err == nil {
		delivered = true
	}
	return resp, err
}

// reason returns why reading has really failed.
func (x *clientCall) reason(err error) error {
	if x.err != nil {
		return x.err
	}
	switch err = cmp.Or(x.conn.err, err); {
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	case errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrLoopClosed) || err == errHeadTooLarge:
		return err
	}
	if x.conn.got == 0 {
		x.lost = true
		if err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("web: the server closed the connection without an answer: %w", io.EOF)
		}
	}
	return cmp.Or(x.sendErr, err)
}

// receive reads the header of the response, and those of informational ones before.
func (x *clientCall) receive() (*http.Response, error) {
	x.reading = true
	defer func() {
		x.reading = false
		if x.conn.gone {
			x.conn.giveReader()
		}
	}()
	for {
		resp, err := http.ReadResponse(x.conn.in, x.req)
		switch {
		case err != nil:
			return nil, err
		case x.over: // failed meanwhile
			return nil, net.ErrClosed
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			x.headed = true
			return resp, nil
		}
		if x.trace != nil && x.trace.Got1xxResponse != nil {
			if err := x.trace.Got1xxResponse(resp.StatusCode, textproto.MIMEHeader(resp.Header)); err != nil {
				return nil, err
			}
		}
		if resp.StatusCode == http.StatusContinue {
			if x.trace != nil && x.trace.Got100Continue != nil {
				x.trace.Got100Continue()
			}
			x.goOn()
		}
	}
}

// answered is called with the first byte of an answer.
func (x *clientCall) answered() {
	if x.trace != nil && x.trace.GotFirstResponseByte != nil {
		x.trace.GotFirstResponseByte()
	}
}

// deliver completes the response for the caller.
func (x *clientCall) deliver(resp *http.Response) (*http.Response, error) {
	c := x.conn
	x.heading.end()
	resp.TLS = c.tls
	x.keep = !resp.Close && !x.closes()
	if x.state == clientHeld { // the server does not want the body
		x.stopSending(nil)
		x.keep = false
	}
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		x.upgraded, x.keep, x.inner, x.rest = true, false, c.in, -1
		resp.Body = &clientUpgraded{x}
		return resp, nil
	case resp.Body == http.NoBody:
		x.finish()
		return resp, nil
	}
	x.inner, x.rest = resp.Body, resp.ContentLength
	resp.Body = x
	if x.unzip && strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
		x.compress = true
	}
	return resp, nil
}

// closes reports whether the request asks to close the connection.
func (x *clientCall) closes() bool {
	return x.req.Close || x.conn.tr.DisableKeepAlives || hasToken(x.req.Header["Connection"], "close")
}

// finish ends a call whose response is read whole.
func (x *clientCall) finish() {
	if x.over {
		return
	}
	x.over = true
	switch {
	case x.state == clientSent:
		x.conn.release(x.keep)
	case x.state == clientSending && x.keep:
		x.timer = x.conn.tr.Loop.After(clientLinger, x.giveUp)
	default:
		x.giveUp()
	}
}

// giveUp ends a call whose response is there and whose request is not sent.
func (x *clientCall) giveUp() {
	x.stopSending(nil)
	x.conn.end(true)
	x.conn.release(false)
}

// fail ends the call with a reason, which who waits for it gets.
func (x *clientCall) fail(err error) {
	if x.over {
		return
	}
	x.over = true
	x.err = cmp.Or(x.err, err, net.ErrClosed)
	x.heading.end()
	x.stopSending(x.err)
	x.conn.end(true)
	x.conn.release(false)
}

// late is called when no header has come in time.
func (x *clientCall) late() { x.fail(errHeaderLate) }

// mayRepeat reports whether a request that has failed can be sent once more: see RoundTrip.
func (x *clientCall) mayRepeat() bool {
	if !x.conn.used || !x.lost || !clientNoBody(x.req) && x.req.GetBody == nil {
		return false
	}
	if x.nothing {
		return true
	}
	switch x.req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	_, key := x.req.Header["Idempotency-Key"]
	_, old := x.req.Header["X-Idempotency-Key"]
	return key || old
}
