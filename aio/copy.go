package aio

import (
	"bytes"
	"io"
	"net"
	"os"

	"github.com/corolla-go/corolla"
)

// Copy reads what arrives at src and writes it to dst, until src's stream ends, and returns how
// many bytes dst took. It parks t while there is nothing to read, and while more than the high
// water mark is to be sent. dst's stream stays open: CloseWrite ends it.
//
// While nothing arrives it holds no buffer, so it is for connections that are many and mostly
// idle, for short messages, and for TLS; Splice moves bulk with less work. Others may write to
// dst in between. A proxy is two of these.
func Copy(t *corolla.Task, dst, src *Conn) (n int64, err error) {
	b := t.Loop().Scratch()
	for {
		m, err := src.Read(t, b)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		m, err = dst.put(t, b[:m])
		if n += int64(m); err != nil {
			return n, err
		}
	}
}

// put is Write of something in the scratch buffer, which is lost when t parks: so it takes all
// of it first, and waits for room then.
func (c *Conn) put(t *corolla.Task, b []byte) (taken int, err error) {
	switch {
	case c.write.task != nil:
		return 0, corolla.ErrBusy
	case c.closed:
		err = net.ErrClosed
	case c.write.expired:
		err = os.ErrDeadlineExceeded
	default:
		c.write.task = t
		if c.tls != nil && !c.tls.Ready() {
			b = bytes.Clone(b) // it waits for TLS to begin
		}
		if err = c.send(t, b); err == nil {
			taken, err = len(b), c.room(t)
		}
		c.write.end()
	}
	if err != nil {
		err = c.wrap("write", err)
	}
	return taken, err
}
