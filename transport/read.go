package transport

import (
	"fmt"
	"io"
	"os"

	"github.com/corolla-go/corolla"
)

// How incoming data reaches the protocol. A connection reads once a turn, so that a peer that never
// stops sending gets its share and no more; data left over causes another call in the next turn.
// What the protocol writes during a call is sent together.

// PauseReading stops calls to Data until ResumeReading. Pausing twice is the same as pausing once.
func (c *Conn) PauseReading() {
	c.state |= paused
	c.Socket().OnReadable(nil)
}

// ResumeReading ends PauseReading.
func (c *Conn) ResumeReading() {
	if c.is(paused) {
		c.state &^= paused
		if c.is(opened) {
			startReading(c)
		}
	}
}

// startReading starts to deliver data to the protocol, unless something stands in the way.
func startReading(c *Conn) {
	if c.is(closing|paused|gotEOF|away) || !c.is(opened) || c.stream.Handshaking() || c.stream.Flooded() {
		return
	}
	if !c.stream.HasTLS() {
		c.Socket().OnReadable(func() {
			defer c.guard()
			readOnce(c)
		})
		return
	}
	c.Socket().OnReadable(func() {
		if !c.is(reading) { // else readRecords runs in this turn anyway
			readRecords(c)
		}
	})
	readSoon(c)
}

// readOnce reads once and tells the protocol. It reports whether there was anything.
func readOnce(c *Conn) bool {
	var b []byte
	own, isBuffered := c.proto.(Buffered)
	if isBuffered {
		if b = own.Buffer(c); len(b) == 0 {
			panic("transport: Buffer returned an empty buffer")
		}
		if c.is(paused | closing | lost | away) { // by Buffer
			return false
		}
	} else {
		b = c.loop().Scratch()
	}
	var n int
	var files []*os.File
	var err error
	receiver, isReceiver := c.proto.(FileReceiver)
	if isReceiver = isReceiver && !c.stream.HasTLS(); isReceiver {
		n, files, err = c.stream.TryReadFiles(b)
	} else {
		n, err = c.stream.TryRead(b)
	}
	switch {
	case err == corolla.ErrWouldBlock, c.is(closing | lost): // ended by an answer that TLS had to send
	case err == io.EOF:
		eof(c)
	case err != nil:
		c.end(fmt.Errorf("read: %w", err), false)
	default:
		out := c.stream.Outbox()
		out.Cork()
		switch {
		case isReceiver:
			receiver.Files(c, b[:n], files)
		case isBuffered:
			own.Filled(c, n)
		default:
			c.proto.Data(c, b[:n])
		}
		out.Uncork()
	}
	return err == nil
}

func eof(c *Conn) {
	c.state |= gotEOF
	c.Socket().OnReadable(nil)
	if p, ok := c.proto.(EOFReceiver); ok && p.EOF(c) {
		if c.is(shut) {
			c.Close() // both sides have ended
		}
		return
	}
	if p := c.prod; p != nil && p.push != nil {
		stopProduction(c) // it may have nothing to write for a long time
	}
	c.Close()
}

// maxRecords is how many TLS records are read before others get a turn; fewer if they take long.
const maxRecords = 8

// readRecords reads what has arrived. It is also called when reading starts: if reading was paused
// in the middle of a record, no socket event announces the rest.
func readRecords(c *Conn) {
	defer c.guard()
	for n := range maxRecords {
		if n > 0 && c.loop().Overdue() {
			break
		}
		if c.is(paused | closing | lost | gotEOF | away) {
			return
		}
		if c.stream.Flooded() {
			c.Socket().OnReadable(nil) // until Marks
			return
		}
		if !readOnce(c) {
			return
		}
	}
	readSoon(c)
}

func readSoon(c *Conn) {
	if !c.is(reading) {
		c.state |= reading
		c.loop().Soon(func() {
			c.state &^= reading
			readRecords(c)
		})
	}
}
