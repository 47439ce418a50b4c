package web

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// The body of a response. What http.ReadResponse makes holds a mutex while it reads, so it is only
// called by one task at a time, and never by Close.

const (
	clientDrained = 256 << 10 // how much of a body Close reads, of what has arrived
	clientAwaited = 64 << 10  // how much it waits for
)

// Read reads from the body, in whichever task runs.
func (x *clientCall) Read(p []byte) (n int, err error) {
	t := clientTask(x.conn.tr.Loop, "http.Response.Body.Read")
	switch {
	case x.closed:
		return 0, http.ErrBodyReadAfterClose
	case x.reading:
		return 0, corolla.ErrBusy
	case x.readErr != nil:
		return 0, x.readErr
	}
	x.reading = true
	returned := false
	defer func() {
		x.reading = false
		if !returned { // a panic unwinds t
			x.fail(corolla.ErrCanceled)
		}
		if x.conn.gone && x.conn.call == nil {
			x.conn.giveReader()
		}
	}()
	ctx := x.req.Context()
	if x.upgraded || clientCovers(t, ctx) && ctx.Err() == nil {
		n, err = x.read(p)
	} else {
		n, err = x.readWithin(t, p)
	}
	returned, x.reading = true, false
	return n, x.noted(err)
}

func (x *clientCall) readWithin(t *corolla.Task, p []byte) (n int, err error) {
	ctx := x.req.Context()
	err = t.Attach(ctx, func(*corolla.Scope) (err error) {
		if err = clientCanceled(t, ctx); err == nil {
			n, err = x.read(p)
		}
		return err
	})
	return n, err
}

func (x *clientCall) read(p []byte) (n int, err error) {
	if !x.compress {
		n, err = x.inner.Read(p)
		x.rest -= int64(n)
		return n, err
	}
	if x.zipped == nil {
		z := clientZips.Get().(*gzip.Reader)
		if err := z.Reset(x.inner); err != nil {
			return 0, err
		}
		x.zipped = z
	}
	return x.zipped.Read(p)
}

var clientZips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// giveZip keeps the decompressor for others. Nobody may be reading.
func (x *clientCall) giveZip() {
	if x.zipped != nil {
		clientZips.Put(x.zipped)
		x.zipped = nil
	}
}

// noted makes what follows from the result of reading, and returns what the reader gets.
func (x *clientCall) noted(err error) error {
	switch {
	case err == nil:
		return nil
	case x.closed:
		return http.ErrBodyReadAfterClose
	case err == io.EOF && x.upgraded: // there may be more to write
		return err
	case err == io.EOF:
		x.readErr = err
		x.giveZip()
		x.finish()
		return err
	case x.err != nil:
		err = x.err
	}
	x.readErr = err
	x.fail(err)
	return err
}

// Close ends the response. The connection can be used again if the rest of the body has arrived or is
// short, and is closed otherwise. It never waits.
func (x *clientCall) Close() error {
	clientCheckLoop(x.conn.tr.Loop, "http.Response.Body.Close")
	if x.closed {
		return nil
	}
	x.closed = true
	switch {
	case x.over:
	case x.reading || !x.keep:
		x.conn.end(!x.upgraded)
		x.fail(http.ErrBodyReadAfterClose)
	default:
		x.skip()
	}
	if !x.reading {
		x.giveZip()
	}
	return nil
}

// skip reads the rest of the body, to use the connection again.
func (x *clientCall) skip() {
	x.conn.try = true
	err := x.discard(clientDrained)
	x.conn.try = false
	switch {
	case err == io.EOF:
		x.finish()
	case errors.Is(err, corolla.ErrWouldBlock) && x.rest > 0 && x.rest <= clientAwaited:
		x.reading = true
		x.conn.tr.Loop.Go(x.await, corolla.Name("the rest of a response"))
	default:
		x.fail(err)
	}
}

// await reads the rest of the body, which is short, if it comes soon.
func (x *clientCall) await(t *corolla.Task) error {
	err := t.Timeout(clientLinger, func(*corolla.Scope) error { return x.discard(clientAwaited + 1) })
	if x.reading = false; err == io.EOF {
		x.finish()
	} else {
		x.fail(err)
	}
	if x.conn.gone {
		x.conn.giveReader()
	}
	return nil
}

var errClientTooLong = errors.New("web: the rest of a response is too long")

// discard reads up to most bytes of the body, and returns io.EOF if that was all.
func (x *clientCall) discard(most int) error {
	buf := x.conn.tr.mem.copying()
	defer x.conn.tr.mem.giveCopying(buf)
	for most > 0 {
		n, err := x.inner.Read(buf)
		x.rest -= int64(n)
		if most -= n; err != nil {
			return err
		}
	}
	return errClientTooLong
}

// clientUpgraded is the body of a response with the status "101 Switching Protocols".
type clientUpgraded struct{ *clientCall }

var _ io.ReadWriteCloser = (*clientUpgraded)(nil)

// Write writes to the connection.
func (u *clientUpgraded) Write(p []byte) (int, error) {
	return u.conn.conn.Write(clientTask(u.conn.tr.Loop, "http.Response.Body.Write"), p)
}

// CloseWrite ends the stream to the server.
func (u *clientUpgraded) CloseWrite() error { return u.conn.conn.CloseWrite() }

// Detach gives the connection away, with what was read ahead. The body is then good for nothing more.
func (u *clientUpgraded) Detach() (c *aio.Conn, unread []byte) {
	x := u.clientCall
	if x.over || x.reading {
		return nil, nil
	}
	unread, _ = x.conn.in.Peek(x.conn.in.Buffered())
	unread = append([]byte(nil), unread...)
	x.over, x.closed, x.conn.gone = true, true, true
	x.conn.release(false)
	return x.conn.conn, unread
}
