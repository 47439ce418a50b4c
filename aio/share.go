package aio

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/stream"
)

// Share returns what another process needs to go on with the connection: its descriptor, to be passed with
// WriteFiles, and what was received and not read, which is good until the next call that reads. Nobody may use
// the connection from then on, until it is clear who goes on with it. If it is the other process, Move and
// Moving.Close make this one forget it, and the peer notices nothing.
//
// It fails, and nothing has changed, with corolla.ErrBusy while a task reads or writes or a callback is
// registered; with an error that says so while written data is unsent (see Flush); with errors.ErrUnsupported
// for TLS, whose keys cannot be passed on; and with net.ErrClosed after Close and CloseWrite.
func (c *Conn) Share() (syscall.Conn, []byte, error) {
	c.check("Share")
	var err error
	switch {
	case c.closed || c.ending:
		err = net.ErrClosed
	case c.stream.HasTLS():
		err = fmt.Errorf("a connection with TLS: %w", errors.ErrUnsupported)
	case c.read.holder() != nil || c.write.holder() != nil || c.once != nil:
		err = corolla.ErrBusy
	default:
		if c.stream.Outbox().TrySend(); c.stream.Len() > 0 {
			err = stream.ErrUnsent
		} else {
			err = c.stream.Err()
		}
	}
	if err != nil {
		return nil, nil, c.wrap("share", err)
	}
	return shared{c.Socket()}, c.in, nil
}

// shared is a connection's descriptor as others see it that only want to know its number.
type shared struct{ sock *corolla.Socket }

func (s shared) SyscallConn() (syscall.RawConn, error) { return s, nil }

func (s shared) Control(f func(fd uintptr)) error {
	fd := s.sock.FD()
	if fd < 0 {
		return net.ErrClosed
	}
	f(uintptr(fd))
	return nil
}

func (shared) Read(func(fd uintptr) bool) error  { return errors.ErrUnsupported }
func (shared) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
