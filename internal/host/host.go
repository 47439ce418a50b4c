// Package host is the seam between the event loop and the machine.
//
// Everything platform-specific is behind the Host interface: the clock, waiting and waking,
// readiness, non-blocking sockets, and work done elsewhere. They are cut off together, and low
// down, so that an implementation is little more than system calls, and so that a simulated machine
// can replace the real one without the code above knowing: Wait either returns events or moves the
// clock.
//
// Two alternatives were rejected. A seam at the level of connections (as in libuv) makes every
// platform reimplement buffering and half-close. A seam around the poller alone leaves out the
// clock and the sockets, so that simulating it simulates nothing.
package host

import (
	"context"
	"errors"
	"net"
	"time"
)

// FD names a descriptor of a Host: the system's number on a real one.
type FD int

// Interest says what Watch reports about a descriptor.
type Interest uint8

const (
	// Read asks for Readable.
	Read Interest = 1 << iota
	// Write asks for Writable.
	Write
	// Edge asks to be told only when readiness begins anew, after an attempt has found the
	// descriptor not ready; without it, readiness is reported for as long as it lasts.
	Edge
)

// Ready says what an Event reports.
type Ready uint8

const (
	// Readable means that a read, or an accept, will not block.
	Readable Ready = 1 << iota
	// Writable means that a write will not block, or that a connect ended.
	Writable
	// Hangup means that the peer has closed at least its writing side, or that the descriptor has
	// failed. No further edge will come for reading, so the reader must go on until the end or an
	// error.
	Hangup
	// Urgent means that the peer has marked a byte of its stream as urgent (MSG_OOB). A read ends
	// before such a byte, which only MSG_OOB reads, and the next one begins after it.
	Urgent
)

// MaxBatch is how many buffers one TryWriteBatch takes at most.
const MaxBatch = 64

// MaxEvents is how many events one Wait returns at most.
const MaxEvents = 256

// Event is one report of readiness.
type Event struct {
	FD    FD
	Ready Ready
}

// Accepted is a connection taken by Accept, and where it comes from.
type Accepted struct {
	FD    FD
	Peer  Endpoint
	Other net.Addr // the peer's address, if Peer cannot hold it
}

// ErrAgain is returned by an operation that cannot proceed now.
var ErrAgain = errors.New("operation would block")

// ErrShed is returned by Accept when the process has no descriptor left for the connection, which
// was therefore accepted and closed at once: one that is never accepted would be reported forever.
var ErrShed = errors.New("a connection was closed: no descriptors are left")

// ErrDeadlock is returned by the Wait of a simulated machine in which nothing
// can ever happen again.
var ErrDeadlock = errors.New("nothing is scheduled and nothing can arrive")

// A Host is all that a loop needs from the machine.
//
// Wake, Resolve and Collected are safe from any goroutine; the rest is called only by the goroutine
// that runs the loop.
type Host interface {
	// Now is the time since some moment in the past. It never goes back.
	Now() time.Duration

	// Recent is Now, or what Now was some tens of microseconds ago, at a lower cost.
	Recent() time.Duration

	// Epoch is the wall-clock time at which Now was 0.
	Epoch() time.Time

	// Guard calls alarm, on a goroutine of its own, when the loop has been doing one thing for
	// longer than limit: when it has neither waited nor called Recent. alarm is called once for
	// each such time; held is how long it has lasted, and still reports whether it goes on. stop
	// ends the guard, but not an alarm that is running. A simulated machine has no guard.
	Guard(limit time.Duration, alarm func(held time.Duration, still func() bool)) (stop func())

	// Wait fills buf with events, waiting for the first until Now reaches until. A negative until
	// waits without limit; one that has passed only polls, and may answer from a poll some tens of
	// microseconds ago if the host has done nothing since. It returns early, with 0, if Wake was
	// called since the last Wait that began to wait.
	Wait(buf []Event, until time.Duration) (int, error)

	// Wake ends the current Wait, or else the next.
	Wake()

	// Watch starts reports on a descriptor, or changes what is reported.
	Watch(fd FD, want Interest) error

	// Unwatch ends the reports. CloseFD does too.
	Unwatch(fd FD) error

	Net
	Files
	Movers
	Elsewhere

	// Close frees what the host itself holds, but not the descriptors it handed out.
	Close() error
}

// Net is a Host's network: sockets that never block. Operations return ErrAgain where a blocking
// socket would wait; other errors are the system's, unwrapped.
type Net interface {
	// Resolve turns a network ("tcp", "tcp4", "unix", …) and an address in Go's notation into the
	// addresses to try, best first. It may block, so it is called from a job given to Start, and
	// ends when ctx does. It is never called for what Literal can answer.
	Resolve(ctx context.Context, network, address string) ([]net.Addr, error)

	// Listen returns a listening socket.
	Listen(addr net.Addr, set Settings) (FD, error)

	// OpenPacket returns a datagram socket that is bound to local, if that is not nil, and
	// connected to remote, if that is not nil: *net.UDPAddr or *net.UnixAddr.
	OpenPacket(local, remote net.Addr, set Settings) (FD, error)

	// TryReadFrom reads one datagram. If it is longer than b, the rest is lost, and truncated is
	// true. Datagrams have no end of stream: 0 bytes is an empty datagram.
	TryReadFrom(fd FD, b []byte) (n int, from net.Addr, truncated bool, err error)

	// TryWriteTo sends one datagram, b, which may be empty, to an address, or to the connected one
	// if that is nil.
	TryWriteTo(fd FD, b []byte, to net.Addr) error

	// Connect begins to connect. When the descriptor is Writable, ConnectError returns the result.
	Connect(addr net.Addr, set Settings) (FD, error)

	// ConnectError returns the result of Connect: nil once connected.
	ConnectError(fd FD) error

	// Accept takes one connection from a listening socket, or returns ErrShed.
	Accept(fd FD) (Accepted, error)

	// TryRead reads at most len(b) > 0 bytes. The end of the stream is io.EOF. Less than len(b)
	// means that there was no more, unless the socket is a Unix one, or was reported Urgent.
	TryRead(fd FD, b []byte) (int, error)

	// TryReadUnix is TryRead for a Unix stream. more says that there may be more although it read
	// less than len(b): a read ends after the byte that files were passed with. The files are
	// closed.
	TryReadUnix(fd FD, b []byte) (n int, more bool, err error)

	// TryWrite writes at most len(b) > 0 bytes.
	TryWrite(fd FD, b []byte) (int, error)

	// TryWriteBatch writes at most the first MaxBatch of bufs, none of which is empty, in one call.
	TryWriteBatch(fd FD, bufs [][]byte) (int, error)

	// CloseWrite ends the stream to the peer, after what was written.
	CloseWrite(fd FD) error

	// LocalAddr and PeerAddr return the addresses of a stream, or of a datagram socket, or nil if
	// there is none. The peer's is no longer known once it has reset the connection.
	LocalAddr(fd FD, packets bool) net.Addr
	PeerAddr(fd FD, packets bool) net.Addr

	// CloseFD closes a descriptor and forgets it.
	CloseFD(fd FD) error

	// ResetFD is CloseFD, but unsent data is dropped and the peer sees a reset.
	ResetFD(fd FD) error
}
