package transport

import (
	"fmt"
	"io"
	"os"

	"github.com/corolla-go/corolla"
)

// NewPair turns two sockets into a connection, which reads from one and writes to the other: the two
// pipes of a process, say, or standard input and output. Either may be a terminal. Its Socket is the one
// that is read from; it has no addresses. CloseWrite closes the other one, Abort and Close close both.
// If what is written can no longer arrive, reading goes on, and Closed gets the error after the end of
// the stream, since a process that has read enough may still have something to say. A pipe tells at once
// that its reader has gone: producers are then stopped, further writes refused, and if nothing was
// unsent it is no error.
//
// until may be nil. Otherwise it is called when the connection has ended, with the reason, and Closed
// comes once it has called done, with what Closed is to get.
func NewPair(in, out *corolla.Socket, p Protocol, until func(err error, done func(error))) *Conn {
	c := connectPair(in, out, p)
	if until != nil {
		c.stream.SetUntil(until)
	}
	c.openSoon()
	return c
}

func connectPair(in, out *corolla.Socket, p Protocol) *Conn {
	c := &Conn{proto: p}
	c.stream.InitPair(in, out, (*user)(c))
	if in != out && out.Network() == "pipe" { // of others we would take what is there to read
		out.OnReadable(func() { listen(c, out) })
	}
	return c
}

// listen is called when there is something to be heard from the pipe that is written to: that nobody
// reads it any more. What is unsent fails by itself.
func listen(c *Conn, out *corolla.Socket) {
	var none [1]byte
	if _, err := out.TryRead(none[:]); err != io.EOF || c.is(lost) || c.stream.Len() > 0 {
		return
	}
	defer c.guard()
	p := c.prod
	stopProduction(c)
	c.CloseWrite()
	if p != nil && p.next != nil {
		p.next()
	}
}

// StandardIO connects p to the program's standard input and output, which are pipes, a terminal or
// sockets; the error wraps EPERM if one is a plain file. Nothing else should use them meanwhile, and
// they stay open when the connection is closed. (Twisted's StandardIO.)
func StandardIO(l *corolla.Loop, p Protocol) (*Conn, error) {
	in, out, err := standardIO(l)
	if err != nil {
		return nil, err
	}
	return NewPair(in, out, p, nil), nil
}

func standardIO(l *corolla.Loop) (in, out *corolla.Socket, err error) {
	if in, err = l.Adopt(os.Stdin); err != nil {
		return nil, nil, fmt.Errorf("standard input: %w", err)
	}
	if out, err = l.Adopt(os.Stdout); err != nil {
		_ = in.Close() // it was never used
		return nil, nil, fmt.Errorf("standard output: %w", err)
	}
	return in, out, nil
}

// deaf is called when a pair cannot write any more: it goes on reading.
func deaf(c *Conn, err error) {
	c.state |= shut
	c.err = err // for Closed
	stopProduction(c)
}

// afterUntil has Closed called, once what the connection waits for has happened.
func afterUntil(c *Conn) {
	until := c.stream.Until()
	if until == nil {
		c.loop().Soon(func() { closed(c) })
		return
	}
	until(c.err, func(err error) {
		c.err = err
		c.loop().Soon(func() { closed(c) })
	})
}
