package stream

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// Pause is how long a server that cannot accept waits before it tries again, as asyncio does.
const Pause = time.Second

// Exhausted reports whether an error of accepting may pass when others have given something
// back.
func Exhausted(err error) bool {
	return corolla.IsOnly(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSPC)
}

// Ended reports whether an error says nothing but that a connection has ended, one way or another.
// ENOTCONN is how a reset shows to who ends a stream.
func Ended(err error) bool { return corolla.IsOnly(err, ends...) }

// Ordinary reports whether an error is one of those with which the handler of a connection ends when
// nothing is wrong with the program.
func Ordinary(err error) bool {
	return corolla.IsOnly(err, append(ends[:len(ends):len(ends)],
		os.ErrDeadlineExceeded, corolla.ErrCanceled, corolla.ErrLoopClosed)...)
}

var ends = []error{
	io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.ENOTCONN,
}

// Describe says which connection a socket is, for reports: its network, and its two addresses.
func Describe(s *corolla.Socket) string {
	return fmt.Sprintf("%s %s -> %s", s.Network(), known(s.LocalAddr()), known(s.PeerAddr()))
}

func known(addr net.Addr) string {
	switch {
	case addr == nil:
		return "unknown"
	case addr.String() == "", addr.String() == "@":
		return "unnamed"
	}
	return addr.String()
}
