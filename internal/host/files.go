package host

import (
	"net"
	"os"
	"syscall"
	"time"
)

// Settings are the options of a new socket. The zero value does what Go's net does.
type Settings struct {
	Local       net.Addr      // where Connect connects from; nil is the system's choice
	KeepAlive   time.Duration // between probes of an idle connection: 0 is 15 s, negative is none
	Delay       bool          // collect small writes (Nagle's algorithm)
	ReadBuffer  int           // bytes that the system buffers; 0 is its own choice
	WriteBuffer int
	ReusePort   bool // share the address with others that set this
	Backlog     int  // connections that wait to be accepted; 0 is as many as the system allows

	// Of a listening Unix socket that has a path.
	Mode uint32 // its permissions; 0 is what the umask leaves
	Lock bool   // keep others from taking it over
}

// Mode says what can be done with an adopted descriptor.
type Mode struct {
	Read, Write bool
	Stream      bool // a short read means that there was no more
	Packets     bool // a datagram socket
	Terminal    bool // its end shows as EIO
}

// Credentials say who is at the other end of a Unix socket.
type Credentials struct {
	PID, UID, GID int
}

// MaxFiles is how many files one message carries at most (Linux's SCM_MAX_FD).
const MaxFiles = 253

// Files are a Host's operations on descriptors that come from elsewhere, go elsewhere, or are not
// sockets. They return ErrAgain where they would block. One that a machine does not have returns an
// error that wraps errors.ErrUnsupported.
type Files interface {
	// Adopt returns a non-blocking duplicate of c's descriptor. This makes c non-blocking too,
	// until the duplicate is closed.
	Adopt(c syscall.Conn) (FD, Mode, error)

	// Release gives a descriptor away, as a file that blocks, and forgets it.
	Release(fd FD) (*os.File, error)

	// OpenPipe returns the two ends of a pipe.
	OpenPipe() (r, w FD, err error)

	// OpenTerminal returns a pseudo-terminal, and its other end for a process.
	OpenTerminal() (FD, *os.File, error)

	// Resize tells a terminal how large it is.
	Resize(fd FD, rows, columns int) error

	// OpenProcess returns a descriptor that is readable once a process has ended.
	OpenProcess(pid int) (FD, error)

	// TrySplice moves at most n bytes between a socket and a pipe, and returns how many. The
	// end of the stream is io.EOF.
	TrySplice(to, from FD, n int) (int, error)

	// TrySendFile sends at most n bytes of a file from an offset on. The end of the file is io.EOF.
	// It can block on the disk.
	TrySendFile(to FD, f *os.File, off int64, n int) (int, error)

	// TryWriteFiles writes at most len(b) > 0 bytes to a Unix socket, and passes files with the
	// first of them.
	TryWriteFiles(fd FD, b []byte, files []syscall.Conn) (int, error)

	// TryReadFiles reads at most len(b) > 0 bytes, and the files that came with them.
	TryReadFiles(fd FD, b []byte) (int, []*os.File, error)

	// Credentials says who is at the other end.
	Credentials(fd FD) (Credentials, error)

	// SetMember joins a socket to a multicast group on an interface, or takes it out. A nil
	// interface is the system's choice.
	SetMember(fd FD, group net.IP, ifi *net.Interface, member bool) error
}
