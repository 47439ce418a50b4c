package aio

import (
	"bytes"
	"io"

	"github.com/corolla-go/corolla"
)

// Copy reads what arrives at src and writes it to dst, until src's stream ends, and returns how
// many bytes dst took. It parks t while there is nothing to read, and while more than the high
// water mark is to be sent. dst's stream stays open: CloseWrite ends it.
//
// While nothing arrives it holds no buffer, so it is for connections that are many and mostly
// idle, for short messages, and for TLS; SpliceTo moves bulk with less work. Others may write to dst
// in between: each piece waits in line as a Write does. On an error, what dst did not take can still
// be read from src. A proxy is two of these.
func Copy(t *corolla.Task, dst, src *Conn) (n int64, err error) {
	b := t.Loop().Scratch()
	for {
		m, err := src.Read(t, b)
		if err == io.EOF {
			return n, dst.wrap("write", dst.stream.Err())
		}
		if err != nil {
			return n, err
		}
		m, err = pass(t, dst, src, b[:m])
		if n += int64(m); err != nil {
			return n, err
		}
	}
}

// pass gives dst what was read from src, and src what dst does not take.
func pass(t *corolla.Task, dst, src *Conn, b []byte) (taken int, err error) {
	if dst.write.holder() != nil || dst.stream.Handshaking() {
		b = bytes.Clone(b) // put waits for its turn, or for TLS to begin
	}
	if taken, err = put(dst, t, b); taken == 0 && err != nil && !src.closed {
		src.in = append(bytes.Clone(b), src.in...)
	}
	return taken, err
}

// put is Write of something in the scratch buffer, which is lost when t parks: so it takes all
// of it first, and waits for room then.
func put(c *Conn, t *corolla.Task, b []byte) (taken int, err error) {
	if err = enterOpen(c, t); err != nil {
		return 0, err
	}
	defer c.write.end(t)
	if err = unwritable(c); err == nil {
		err = send(c, t, b)
	}
	if err == nil {
		c.write.given = true
		taken, err = len(b), room(c, t)
	}
	return taken, c.wrap("write", err)
}
