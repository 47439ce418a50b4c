package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla"
)

// FileReceiver is a Protocol on a Unix socket that accepts open files. It gets Files instead of
// Data.
type FileReceiver interface {
	// Files is called with bytes that have arrived, as Data is, and the files that came with
	// them, which are the protocol's to close.
	Files(c *Conn, b []byte, files []*os.File)
}

// SendFile sends n bytes of a regular file from an offset, or up to its end if n is negative, after
// what was already written and before what is written later. The future resolves to how many bytes
// were sent, less than n if the file is shorter. Close waits for it. Without TLS the bytes never
// enter the program (sendfile(2)).
func (c *Conn) SendFile(f *os.File, off, n int64) *corolla.Future[int64] {
	return c.ifWritable(func() *corolla.Future[int64] { return c.stream.SendFile(f, off, n) })
}

// WriteFiles writes b, at least one byte, after what was already written, and passes open files, at
// most 253, along with its first byte. The connection must be a Unix socket. The files must stay
// open until the future is settled; the receiver gets duplicates. It cannot be canceled.
func (c *Conn) WriteFiles(b []byte, files ...syscall.Conn) *corolla.Future[int64] {
	return c.ifWritable(func() *corolla.Future[int64] { return c.stream.WriteFiles(b, files) })
}

func (c *Conn) ifWritable(send func() *corolla.Future[int64]) *corolla.Future[int64] {
	if err := c.writable(); err != nil {
		return failed(c, err)
	}
	return send()
}

func failed(c *Conn, err error) *corolla.Future[int64] {
	result := corolla.NewFuture[int64](c.loop())
	_ = result.Fail(err) // nothing else settles it
	return result
}

// SpliceTo moves incoming data to another connection, after what was already written there, until
// this one's stream ends; the future resolves to how many bytes that was, and then EOF is called as
// usual. dst's stream stays open; CloseWrite ends it. The bytes never enter the program
// (splice(2)), so it does not work with TLS. A proxy is two of these, one each way, and each holds
// a pipe (two descriptors) while it runs. After a cancel Data is called again, but bytes that dst
// has not yet taken are lost.
func (c *Conn) SpliceTo(dst *Conn) *corolla.Future[int64] {
	switch err := dst.writable(); {
	case err != nil:
		return failed(c, err)
	case c.is(away):
		return failed(c, fmt.Errorf("splice: %w", corolla.ErrBusy))
	case c.is(closing | lost | gotEOF):
		return failed(c, fmt.Errorf("splice from a closed connection: %w", net.ErrClosed))
	}
	c.state |= away
	c.Socket().OnReadable(nil)
	return c.stream.SpliceTo(&dst.stream, func(err error) {
		c.state &^= away
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "read" {
			c.end(fmt.Errorf("read: %w", op.Err), false)
		}
		if err != nil {
			startReading(c)
			return
		}
		c.loop().Soon(func() {
			defer c.guard()
			if !c.is(closing | lost | gotEOF) {
				eof(c)
			}
		})
	})
}
