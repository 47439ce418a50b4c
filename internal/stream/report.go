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

// Exhausted reports whether a failure to accept may pass once others have freed resources.
func Exhausted(err error) bool {
	return corolla.IsOnly(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENOSPC)
}

// Ended reports whether an error says only that a connection has ended, one way or another.
// ENOTCONN is what a reset looks like when a stream is being ended.
func Ended(err error) bool { return corolla.IsOnly(err, ends...) }

// Ordinary reports whether an error is one that a connection's handler may return without anything
// being wrong with the program.
func Ordinary(err error) bool {
	return corolla.IsOnly(err, append(ends[:len(ends):len(ends)],
		os.ErrDeadlineExceeded, corolla.ErrCanceled, corolla.ErrLoopClosed)...)
}

var ends = []error{
	io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	syscall.ECONNRESET, syscall.EPIPE, syscall.ETIMEDOUT, syscall.ENOTCONN,
}

// Describe identifies a socket's connection, for reports: its network and both addresses.
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
