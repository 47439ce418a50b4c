package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"

	"github.com/corolla-go/corolla"
)

// Lengths of bodies that are not known.
const (
	clientChunked = -1
	clientRaw     = -2 // sent as it is: what follows a CONNECT
)

// clientSmall is how long a body in memory may be to be sent together with the head, which Conn.Write
// accepts whole without waiting for the peer.
const clientSmall = 32 << 10

// send sends the head, and the body too if it is small, and starts to send any other.
func (x *clientCall) send(t *corolla.Task) error {
	if err := x.plan(); err != nil {
		x.stopSending(nil)
		return err
	}
	mem := &x.conn.tr.mem
	b, err := x.appendHead(mem.page())
	if err != nil {
		x.stopSending(nil)
		return err
	}
	defer func() {
		if cap(b) <= 2*pageSize {
			mem.givePage(b)
		}
	}()
	expects := hasToken(x.req.Header["Expect"], "100-continue") && x.length != 0
	small := x.length == 0 || x.length > 0 && x.length <= clientSmall && x.req.GetBody != nil && !expects
	pieces := [][]byte{b}
	switch {
	case x.length == 0:
		x.stopSending(nil) // there may be an empty body
	case small:
		piece := mem.copying()
		defer mem.giveCopying(piece)
		n, err := x.readSmall(piece)
		if err != nil {
			return err
		}
		pieces = append(pieces, piece[:n])
	}
	n, err := x.conn.conn.WriteBatch(t, pieces)
	if err != nil {
		x.nothing = n == 0
		if errors.Is(err, corolla.ErrCanceled) || errors.Is(err, corolla.ErrLoopClosed) {
			return err
		}
		x.sendErr = err // the answer may be there nevertheless
		x.stopSending(nil)
		return nil
	}
	if x.trace != nil && x.trace.WroteHeaders != nil {
		x.trace.WroteHeaders()
	}
	if small {
		x.sent(nil)
		return nil
	}
	x.hold(expects)
	return nil
}

// plan finds out how the body is to be sent.
func (x *clientCall) plan() error {
	req := x.req
	x.body = req.Body
	switch {
	case clientNoBody(req):
	case len(req.TransferEncoding) > 0 && req.TransferEncoding[0] == "chunked":
		x.length = clientChunked
	case req.ContentLength > 0:
		x.length = req.ContentLength
	case req.Method == http.MethodConnect:
		x.length = clientRaw
	default:
		x.length = clientChunked
		switch req.Method {
		case "", "GET", "HEAD", "OPTIONS", "TRACE", "DELETE", "PROPFIND", "SEARCH":
			return x.peek()
		}
	}
	return nil
}

// peek looks whether a body has anything in it, as many servers do not expect one with such a method.
func (x *clientCall) peek() error {
	var first [1]byte
	n, err := io.ReadFull(x.body, first[:])
	switch {
	case n > 0:
		x.body = io.MultiReader(bytes.NewReader(first[:]), x.body)
	case err == io.EOF:
		x.length = 0
	default:
		return err
	}
	return nil
}

// readSmall reads a body that is sent with the head, and closes it.
func (x *clientCall) readSmall(into []byte) (int, error) {
	n, err := io.ReadFull(x.body, into[:x.length])
	switch err {
	case nil:
		err = x.atEnd()
	case io.EOF, io.ErrUnexpectedEOF:
		err = x.tooShort(int64(n))
	}
	if err != nil {
		x.stopSending(nil)
		return 0, err
	}
	x.state = clientUnsent // so that it is not closed once more
	return n, x.req.Body.Close()
}

// atEnd checks that a body has no more than its length says.
func (x *clientCall) atEnd() error {
	var more [1]byte
	switch n, err := io.ReadFull(x.body, more[:]); {
	case n > 0:
		return fmt.Errorf("web: the request's body is longer than its ContentLength of %d", x.length)
	case err == io.EOF:
		return nil
	default:
		return err
	}
}

func (x *clientCall) tooShort(n int64) error {
	return fmt.Errorf("web: the request's body has %d bytes, and a ContentLength of %d: %w", n, x.length, io.ErrUnexpectedEOF)
}

// hold starts sending the body, or waits until the server asks for it.
func (x *clientCall) hold(expects bool) {
	tr := x.conn.tr
	patience := clientTime(tr.ExpectContinueTimeout, DefaultExpectContinueTimeout)
	if !expects || patience == 0 {
		x.goOn()
		return
	}
	if x.trace != nil && x.trace.Wait100Continue != nil {
		x.trace.Wait100Continue()
	}
	x.timer = tr.Loop.After(patience, x.goOn)
}

// goOn starts to send a body that was held back.
func (x *clientCall) goOn() {
	if x.state != clientHeld || x.over {
		return
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	x.state = clientSending
	tr := x.conn.tr
	tr.Loop.Go(x.sendBody, corolla.Eager(), corolla.Name("the body of a request"))
	if x.sender == nil { // because the loop is being closed
		x.state = clientUnsent
		clientCloseBody(x.req)
		x.fail(corolla.ErrLoopClosed)
	}
}

// sendBody is the body of the task that sends a request's.
func (x *clientCall) sendBody(t *corolla.Task) error {
	x.sender = t
	err := errors.New("web: the request's body could not be read to its end")
	defer func() { // in case the body panics, too
		if closed := x.req.Body.Close(); err == nil {
			err = closed
		}
		x.sent(err)
	}()
	err = x.copyBody(t)
	return nil
}

// sent is called when the request is sent whole, or will not be.
func (x *clientCall) sent(err error) {
	if x.trace != nil && x.trace.WroteRequest != nil {
		x.trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
	gaveUp := x.sender != nil && x.state != clientSending
	if gaveUp {
		return
	}
	x.state = clientSent
	if err != nil {
		x.state = clientUnsent
	}
	switch {
	case x.over: // and waited only for this
		x.timer.Stop()
		if err != nil {
			x.conn.end(true)
		}
		x.conn.release(x.keep && err == nil)
	case x.sendErr != nil: // the answer may be there nevertheless, and reading will tell
	case err != nil:
		x.fail(err)
	case !x.headed:
		heads := &x.conn.tr.heads
		if heads.loop == nil {
			heads.loop, heads.expired = x.conn.tr.Loop, (*clientCall).late
			heads.after = clientTime(x.conn.tr.ResponseHeaderTimeout, DefaultResponseHeaderTimeout)
		}
		heads.begin(&x.heading, x)
	}
}

// stopSending ends the sending of the body, and closes it.
func (x *clientCall) stopSending(cause error) {
	if x.timer != nil {
		x.timer.Stop()
	}
	switch x.state {
	case clientHeld:
		x.state = clientUnsent
		clientCloseBody(x.req)
	case clientSending:
		x.state = clientUnsent
		x.sender.Cancel(cause)
	}
}

// Room in a copy's buffer around the data, for what encloses a chunk.
const (
	clientBefore = 10 // "7fff\r\n"
	clientAfter  = 2
)

// copyBody sends the body.
func (x *clientCall) copyBody(t *corolla.Task) error {
	mem := &x.conn.tr.mem
	buf := mem.copying()
	defer mem.giveCopying(buf)
	room := buf[clientBefore : len(buf)-clientAfter]
	empty := 0
	for done := int64(0); ; {
		p := room
		if x.length >= 0 {
			p = p[:min(int64(len(p)), x.length-done)]
			if len(p) == 0 {
				return x.atEnd()
			}
		}
		n, err := x.body.Read(p)
		done += int64(n)
		if n > 0 {
			empty = 0
			if err := x.write(t, x.enclose(buf, n)); err != nil {
				return err
			}
		} else if empty++; empty > 100 {
			return io.ErrNoProgress
		}
		switch {
		case err == io.EOF && x.length > done:
			return x.tooShort(done)
		case err == io.EOF && x.length == clientChunked:
			return x.write(t, x.appendTrailer(buf[:0]))
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// enclose returns what is sent of n bytes in the middle of buf.
func (x *clientCall) enclose(buf []byte, n int) []byte {
	begin, end := clientBefore, clientBefore+n
	if x.length == clientChunked {
		var size [clientBefore]byte
		head := append(strconv.AppendInt(size[:0], int64(n), 16), crlf...)
		begin -= copy(buf[clientBefore-len(head):], head)
		end += copy(buf[end:], crlf)
	}
	return buf[begin:end]
}

func (x *clientCall) write(t *corolla.Task, b []byte) error {
	_, err := x.conn.conn.Write(t, b)
	if err != nil && !errors.Is(err, corolla.ErrCanceled) && !errors.Is(err, corolla.ErrLoopClosed) {
		x.sendErr = err
	}
	return err
}
