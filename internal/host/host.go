// Package host is the seam between the event loop and the machine.
//
// Everything platform-specific is behind the Host interface: the clock, waiting
// and waking, readiness, non-blocking sockets, and work done elsewhere. They
// are cut off together, and low, so that an implementation is little more than
// system calls, and so that a simulated machine can stand in for the real one
// without any code above knowing: Wait either returns events or moves the clock.
//
// Two things were rejected. A seam at the level of connections (as libuv has)
// makes every platform write buffering and half-close anew. A seam for the
// poller alone leaves the clock and the sockets outside, so that a simulation
// of it is a simulation of nothing.
package host

import (
	"context"
	"errors"
	"net"
	"time"
)

// FD names a descriptor of a Host: the system's number on a real one.
type FD int

// Interest says what Watch is to report about a descriptor.
type Interest uint8

const (
	// Read asks for Readable.
	Read Interest = 1 << iota
	// Write asks for Writable.
	Write
	// Edge asks to be told only when readiness begins anew, after an attempt
	// has found the descriptor not ready; without it, for as long as it lasts.
	Edge
)

// Ready says what an Event reports.
type Ready uint8

const (
	// Readable means that a read, or an accept, will not block.
	Readable Ready = 1 << iota
	// Writable means that a write will not block, or that a connect ended.
	Writable
	// Hangup means that the peer has closed at least its writing side, or that
	// the descriptor has failed. No further edge will come for reading, so one
	// must read until the end or an error.
	Hangup
	// Urgent means that the peer has marked a byte of its stream as urgent (MSG_OOB). A read
	// ends before such a byte, which only MSG_OOB reads, and the next one begins behind it.
	Urgent
)

// MaxBatch is how many buffers one TryWriteBatch takes at the most.
const MaxBatch = 64

// MaxEvents is how many events one Wait returns at the most.
const MaxEvents = 256

// Event is one report of readiness.
type Event struct {
	FD    FD
	Ready Ready
}

// Accepted is a connection that Accept has taken, and where it comes from.
type Accepted struct {
	FD    FD
	Peer  Endpoint
	Other net.Addr // the peer's address where Peer cannot say it
}

// ErrAgain is returned by an operation that cannot proceed now.
var ErrAgain = errors.New("operation would block")

// ErrShed is returned by Accept when the process has no descriptor left for the
// connection, which was therefore taken and closed at once: a connection that nobody takes
// would be reported for ever.
var ErrShed = errors.New("a connection was closed: no descriptors are left")

// ErrDeadlock is returned by the Wait of a simulated machine in which nothing
// can ever happen again.
var ErrDeadlock = errors.New("nothing is scheduled and nothing can arrive")

// A Host is all that a loop needs from the machine.
//
// Wake, Resolve and Collected are safe from any goroutine; the rest is called by the goroutine
// that runs the loop, and by nobody else.
type Host interface {
	// Now is the time since some moment in the past. It never goes back.
	Now() time.Duration

	// Recent is Now, or what Now was some tens of microseconds ago, and costs less.
	Recent() time.Duration

	// Epoch is the wall-clock time at which Now was 0.
	Epoch() time.Time

	// Guard calls alarm, on a goroutine of its own, when the loop has been at the same thing for longer
	// than limit: when it has neither waited nor asked for Recent. There is one alarm for each such
	// time, which says how long it has lasted, and can ask whether it still does. stop ends the
	// guard, but not an alarm that is being dealt with. A simulated machine has none.
	Guard(limit time.Duration, alarm func(held time.Duration, still func() bool)) (stop func())

	// Wait fills buf with events, waiting for the first until Now reaches until.
	// A negative until waits without limit; one that has passed only looks, and
	// may answer from a look that is some tens of microseconds old if the host has done
	// nothing since. It returns early, with 0, when Wake was called since the
	// last Wait that began to wait.
	Wait(buf []Event, until time.Duration) (int, error)

	// Wake ends the current Wait, or else the next.
	Wake()

	// Watch starts reports on a descriptor, or changes what is reported.
	Watch(fd FD, want Interest) error

	// Unwatch ends them. CloseFD does too.
	Unwatch(fd FD) error

	Net
	Files
	Elsewhere

	// Close frees what the host itself holds, but no descriptor it handed out.
	Close() error
}

// Net is a Host's network: sockets that never block. Operations return ErrAgain
// where a blocking socket would wait; other errors are the system's, bare.
type Net interface {
	// Resolve turns a network ("tcp", "tcp4", "unix", …) and an address in
	// Go's notation into the addresses to try, best first. It may block, so it
	// is called from a job given to Start, and ends when ctx does. What Literal can answer is
	// never asked for.
	Resolve(ctx context.Context, network, address string) ([]net.Addr, error)

	// Listen returns a listening socket.
	Listen(addr net.Addr, set Settings) (FD, error)

	// OpenPacket returns a datagram socket that is bound to local, if that is not nil, and
	// connected to remote, if that is not nil: *net.UDPAddr or *net.UnixAddr.
	OpenPacket(local, remote net.Addr, set Settings) (FD, error)

	// TryReadFrom reads one datagram. If it is longer than b, its end is lost, and truncated
	// says so. The end of a stream is not an event of datagrams: one of no bytes is a datagram.
	TryReadFrom(fd FD, b []byte) (n int, from net.Addr, truncated bool, err error)

	// TryWriteTo sends one datagram, of which b may be empty, to an address, or to where the
	// socket is connected to if that is nil.
	TryWriteTo(fd FD, b []byte, to net.Addr) error

	// Connect begins to connect. The result is known, through ConnectError,
	// when the descriptor is Writable.
	Connect(addr net.Addr, set Settings) (FD, error)

	// ConnectError returns what became of Connect: nil once connected.
	ConnectError(fd FD) error

	// Accept takes one connection from a listening socket, or returns ErrShed.
	Accept(fd FD) (Accepted, error)

	// TryRead reads at most len(b) > 0 bytes. The end of the stream is io.EOF. Less than
	// len(b) is all that there was, unless the socket is a Unix one, or was reported Urgent.
	TryRead(fd FD, b []byte) (int, error)

	// TryReadUnix is TryRead of a Unix stream, and says whether there may be more although it
	// read less than len(b): a read ends behind the byte with which files were passed, which
	// are closed.
	TryReadUnix(fd FD, b []byte) (n int, more bool, err error)

	// TryWrite writes at most len(b) > 0 bytes.
	TryWrite(fd FD, b []byte) (int, error)

	// TryWriteBatch writes at most what is in the first MaxBatch of bufs, of which none is
	// empty, in one call.
	TryWriteBatch(fd FD, bufs [][]byte) (int, error)

	// CloseWrite ends the stream to the peer, after what was written.
	CloseWrite(fd FD) error

	// LocalAddr and PeerAddr return the addresses of a stream, or of datagrams, and nil where
	// there is none. The peer's is not known any more once it has reset the connection.
	LocalAddr(fd FD, packets bool) net.Addr
	PeerAddr(fd FD, packets bool) net.Addr

	// CloseFD closes a descriptor and forgets all about it.
	CloseFD(fd FD) error

	// ResetFD is CloseFD, but what was not sent yet is dropped and the peer sees a reset.
	ResetFD(fd FD) error
}
