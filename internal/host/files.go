package host

import (
	"net"
	"os"
	"syscall"
	"time"
)

// Settings are what a socket is made with. The zero value is what Go's net does.
type Settings struct {
	Local       net.Addr      // where Connect connects from; nil is the system's choice
	KeepAlive   time.Duration // between probes of an idle connection: 0 is 15 s, less is none
	Delay       bool          // collect small writes (Nagle's algorithm)
	ReadBuffer  int           // bytes that the system keeps; 0 is its own choice
	WriteBuffer int
	ReusePort   bool // share the address with others who do
	Backlog     int  // connections that wait to be accepted; 0 is as many as the system allows
}

// Mode says what can be done with a descriptor that was adopted.
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

// MaxFiles is how many files one message carries at the most (Linux's SCM_MAX_FD).
const MaxFiles = 253

// Files are a Host's descriptors that come from elsewhere, go elsewhere, or are no sockets.
// Operations return ErrAgain where they would wait. What a machine cannot do returns an error
// that wraps errors.ErrUnsupported.
type Files interface {
	// Adopt returns a duplicate of what c holds, made non-blocking, which also makes c so, until
	// the duplicate is closed.
	Adopt(c syscall.Conn) (FD, Mode, error)

	// Release gives a descriptor away, as a file that blocks, and forgets all about it.
	Release(fd FD) (*os.File, error)

	// OpenPipe returns the two ends of a pipe.
	OpenPipe() (r, w FD, err error)

	// OpenTerminal returns a pseudo-terminal, and its other end, for a process.
	OpenTerminal() (FD, *os.File, error)

	// Resize tells a terminal how large it is.
	Resize(fd FD, rows, columns int) error

	// OpenProcess returns a descriptor that is readable once a process has ended.
	OpenProcess(pid int) (FD, error)

	// TrySplice moves at most n bytes between a socket and a pipe, and returns how many. The
	// end of the stream is io.EOF.
	TrySplice(to, from FD, n int) (int, error)

	// TrySendFile sends at most n bytes of a file from an offset on. The end of the file is
	// io.EOF. It can wait for a disk.
	TrySendFile(to FD, f *os.File, off int64, n int) (int, error)

	// TryWriteFiles writes at most len(b) > 0 bytes to a Unix socket, and with the first of
	// them files.
	TryWriteFiles(fd FD, b []byte, files []syscall.Conn) (int, error)

	// TryReadFiles reads at most len(b) > 0 bytes, and the files that came with them.
	TryReadFiles(fd FD, b []byte) (int, []*os.File, error)

	// Credentials says who is at the other end.
	Credentials(fd FD) (Credentials, error)

	// SetMember makes a socket a member of a multicast group on an interface, of which nil is
	// the system's choice, or ends that.
	SetMember(fd FD, group net.IP, ifi *net.Interface, member bool) error
}
