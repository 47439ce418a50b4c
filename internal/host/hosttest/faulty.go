package hosttest

import (
	"io"
	"net"
	"syscall"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// Fault is what goes wrong with one call to the system.
type Fault int

const (
	// Again makes a call find nothing, or no room; readiness is reported again later.
	Again Fault = iota
	// Short makes it read or write one byte.
	Short
	// Reset makes it fail as on a connection that was reset.
	Reset
	// End makes a read find the end of the stream, and a write find that the peer no longer reads.
	End
	// Limit makes it fail for want of descriptors.
	Limit
	// Faults is how many there are.
	Faults
)

func (f Fault) String() string { return [...]string{"again", "short", "reset", "end", "limit"}[f] }

// Harmless reports whether a correct program goes on as if nothing had happened.
func (f Fault) Harmless() bool { return f == Again || f == Short }

// Faulty is a Host in which one call goes wrong.
type Faulty struct {
	host.Host
	Fault Fault
	At    int    // the number of that call, from 1
	Hit   string // which operation it was; empty until it comes
	n     int
	late  []host.Event
}

// now counts a call, and reports whether it is the one. can lists the faults it can have.
func (f *Faulty) now(what string, can ...Fault) bool {
	for _, c := range can {
		if c == f.Fault {
			f.n++
			if f.n == f.At {
				f.Hit = what
				return true
			}
		}
	}
	return false
}

// Wait reports what a fault has held back, as the system would.
func (f *Faulty) Wait(buf []host.Event, until time.Duration) (int, error) {
	if n := copy(buf, f.late); n > 0 {
		f.late = f.late[n:]
		return n, nil
	}
	return f.Host.Wait(buf, until)
}

func (f *Faulty) again(fd host.FD, r host.Ready) {
	f.late = append(f.late, host.Event{FD: fd, Ready: r})
}

// TryRead may find too little, or the end.
func (f *Faulty) TryRead(fd host.FD, b []byte) (int, error) {
	if !f.now("read", Again, Short, Reset, End) {
		return f.Host.TryRead(fd, b)
	}
	switch f.Fault {
	case Short:
		f.again(fd, host.Readable)
		return f.Host.TryRead(fd, b[:1])
	case Reset:
		return 0, syscall.ECONNRESET
	case End:
		return 0, io.EOF
	}
	f.again(fd, host.Readable)
	return 0, host.ErrAgain
}

// TryWrite may take too little, or nothing, or fail.
func (f *Faulty) TryWrite(fd host.FD, b []byte) (int, error) {
	if !f.now("write", Again, Short, Reset, End) {
		return f.Host.TryWrite(fd, b)
	}
	return f.write(fd, b)
}

// TryWriteBatch may do what TryWrite may.
func (f *Faulty) TryWriteBatch(fd host.FD, bufs [][]byte) (int, error) {
	if !f.now("write", Again, Short, Reset, End) {
		return f.Host.TryWriteBatch(fd, bufs)
	}
	return f.write(fd, bufs[0])
}

func (f *Faulty) write(fd host.FD, b []byte) (int, error) {
	switch f.Fault {
	case Short:
		f.again(fd, host.Writable)
		return f.Host.TryWrite(fd, b[:1])
	case Reset:
		return 0, syscall.ECONNRESET
	case End:
		return 0, syscall.EPIPE
	}
	f.again(fd, host.Writable)
	return 0, host.ErrAgain
}

// Accept may find no connection, or no descriptor for it.
func (f *Faulty) Accept(fd host.FD) (host.Accepted, error) {
	if !f.now("accept", Again, Limit) {
		return f.Host.Accept(fd)
	}
	f.again(fd, host.Readable)
	if f.Fault == Limit {
		return host.Accepted{}, syscall.EMFILE
	}
	return host.Accepted{}, host.ErrAgain
}

// Connect may find no descriptor.
func (f *Faulty) Connect(addr net.Addr, set host.Settings) (host.FD, error) {
	if f.now("connect", Limit) {
		return 0, syscall.EMFILE
	}
	return f.Host.Connect(addr, set)
}

// ConnectError may say that the connection was reset at once.
func (f *Faulty) ConnectError(fd host.FD) error {
	if f.now("connect", Reset) {
		return syscall.ECONNRESET
	}
	return f.Host.ConnectError(fd)
}

// Watch may find that the system allows no more watches.
func (f *Faulty) Watch(fd host.FD, want host.Interest) error {
	if f.now("watch", Limit) {
		return syscall.ENOSPC
	}
	return f.Host.Watch(fd, want)
}

// CloseWrite may find that the connection is gone; the peer then sees the end too.
func (f *Faulty) CloseWrite(fd host.FD) error {
	if f.now("close write", Reset) {
		_ = f.Host.CloseWrite(fd)
		return syscall.ENOTCONN
	}
	return f.Host.CloseWrite(fd)
}

// Counting is a Host that counts the calls of a steady connection.
type Counting struct {
	host.Host
	Reads, Writes, Watches int
}

// TryRead counts.
func (c *Counting) TryRead(fd host.FD, b []byte) (int, error) {
	c.Reads++
	return c.Host.TryRead(fd, b)
}

// TryWrite counts.
func (c *Counting) TryWrite(fd host.FD, b []byte) (int, error) {
	c.Writes++
	return c.Host.TryWrite(fd, b)
}

// TryWriteBatch counts as a write.
func (c *Counting) TryWriteBatch(fd host.FD, bufs [][]byte) (int, error) {
	c.Writes++
	return c.Host.TryWriteBatch(fd, bufs)
}

// Watch counts.
func (c *Counting) Watch(fd host.FD, want host.Interest) error {
	c.Watches++
	return c.Host.Watch(fd, want)
}
