package corolla

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Adopt makes a Socket of something that is open already: a *net.TCPListener, a *net.UnixConn
// and the like, or an *os.File that is a pipe, a terminal, a socket, or anything else that can
// be polled. The descriptor is duplicated: the Socket and c are closed each by itself, and the
// other side sees the end only when both are. Both share the non-blocking mode for as long as
// the Socket is open, so nothing else should read c or write to it meanwhile, nor a process be
// given it.
//
// A Socket of a pipe's end can do only what the end can; when the peer is gone, TryRead of the
// writing end returns io.EOF. A plain file cannot be polled: the error wraps EPERM.
func (l *Loop) Adopt(c syscall.Conn) (*Socket, error) {
	l.check("Adopt")
	if l.state >= closing {
		return nil, fmt.Errorf("corolla: adopt: %w", ErrLoopClosed)
	}
	fd, mode, err := l.host.Adopt(c)
	if err != nil {
		return nil, fmt.Errorf("corolla: adopt: %w", err)
	}
	local := l.host.LocalAddr(fd, mode.Packets)
	s, err := l.newSocket(fd, networkOf(local), mode.Write)
	if err != nil {
		return nil, fmt.Errorf("corolla: adopt: %w", err)
	}
	if s.know(names{local: local, peer: l.host.PeerAddr(fd, mode.Packets)}); s.names.local == nil {
		s.names = nil // no socket
	}
	s.writeOnly, s.terminal = !mode.Read, mode.Terminal
	s.r.pieces, s.w.pieces = !mode.Stream, !mode.Stream
	return s, nil
}

// Detach gives the socket away: the loop forgets it, and the file has it, in blocking mode. net.FileConn,
// net.FileListener and net.FilePacketConn make what they say of it. It fails while there is
// something to send. For the loop the socket is closed: tasks that wait for it get
// net.ErrClosed.
func (s *Socket) Detach() (*os.File, error) {
	s.loop.check("Socket.Detach")
	switch {
	case s.closed:
		return nil, s.gone("detach")
	case s.out != nil && s.out.pending():
		return nil, fmt.Errorf("corolla: detach: %d bytes are still to be sent", s.out.size)
	}
	s.remember() // or it would be the new owner's to ask
	f, err := s.loop.host.Release(s.fd)
	if err != nil {
		return nil, fmt.Errorf("corolla: detach: %w", err)
	}
	s.loop.fds[s.fd] = nil
	s.forget()
	return f, nil
}

// Pipe returns the two ends of a pipe: what is written to w is read from r.
func (l *Loop) Pipe() (r, w *Socket, err error) {
	l.check("Pipe")
	if l.state >= closing {
		return nil, nil, fmt.Errorf("corolla: pipe: %w", ErrLoopClosed)
	}
	rfd, wfd, err := l.host.OpenPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("corolla: pipe: %w", err)
	}
	if r, err = l.newSocket(rfd, pipe, false); err != nil {
		return nil, nil, errors.Join(err, l.host.CloseFD(wfd))
	}
	if w, err = l.newSocket(wfd, pipe, true); err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	w.writeOnly = true
	return r, w, nil
}

// Terminal returns a new pseudo-terminal, and its other end, which a process can be given.
// When that is closed everywhere, the terminal reads the end of the stream.
func (l *Loop) Terminal() (*Socket, *os.File, error) {
	l.check("Terminal")
	if l.state >= closing {
		return nil, nil, fmt.Errorf("corolla: open a terminal: %w", ErrLoopClosed)
	}
	fd, other, err := l.host.OpenTerminal()
	if err != nil {
		return nil, nil, fmt.Errorf("corolla: open a terminal: %w", err)
	}
	s, err := l.newSocket(fd, file, true)
	if err != nil {
		return nil, nil, errors.Join(err, other.Close())
	}
	s.r.pieces, s.w.pieces, s.terminal = true, true, true
	return s, other, nil
}

// Resize tells a terminal, and the processes in it, how large it is. The error wraps the system's,
// ENOTTY for what is no terminal.
func (s *Socket) Resize(rows, columns int) error {
	s.loop.check("Socket.Resize")
	switch {
	case s.closed:
		return s.gone("resize")
	case rows < 0 || rows > 65535 || columns < 0 || columns > 65535:
		return fmt.Errorf("corolla: resize to %d × %d: from 0 to 65535", rows, columns)
	}
	if err := s.loop.host.Resize(s.fd, rows, columns); err != nil {
		return fmt.Errorf("corolla: resize: %w", err)
	}
	return nil
}

// OnExit calls f once, when a process that the program has started has ended; to wait for it
// does not block then. stop takes it back.
func (l *Loop) OnExit(p *os.Process, f func()) (stop func(), err error) {
	l.check("OnExit")
	if l.state >= closing {
		return nil, fmt.Errorf("corolla: watch process %d: %w", p.Pid, ErrLoopClosed)
	}
	fd, err := l.host.OpenProcess(p.Pid)
	if err != nil {
		return nil, fmt.Errorf("corolla: watch process %d: %w", p.Pid, err)
	}
	s, err := l.newSocket(fd, file, false)
	if err != nil {
		return nil, fmt.Errorf("corolla: watch process %d: %w", p.Pid, err)
	}
	end := func() { _ = s.Close() } // twice is no harm
	s.OnReadable(func() {
		end()
		f()
	})
	return end, nil
}

// The descriptors that a service manager hands over begin here (systemd's sd_listen_fds).
const firstInherited = 3

// Inherited returns the files that a service manager such as systemd has opened for this
// program (socket activation), in its order and under the names that it gave them; none if
// there are none. Adopt makes sockets of them. It takes LISTEN_FDS, LISTEN_PID and
// LISTEN_FDNAMES from the environment, so that a second call, and processes that are started,
// find nothing.
func Inherited() ([]*os.File, error) {
	pid, number := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for _, name := range [...]string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if number == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // meant for another program, which started this one
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > host.MaxFiles {
		return nil, fmt.Errorf("corolla: LISTEN_FDS=%q: a number from 0 to %d", number, host.MaxFiles)
	}
	files := make([]*os.File, n)
	for i := range files {
		name := "LISTEN_FD_" + strconv.Itoa(firstInherited+i)
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		if err := host.TakeInherited(firstInherited + i); err != nil {
			return nil, fmt.Errorf("corolla: LISTEN_FDS=%s, but descriptor %d was not inherited: %w", number, firstInherited+i, err)
		}
		files[i] = os.NewFile(uintptr(firstInherited+i), name)
	}
	return files, nil
}

// Credentials say who is at the other end of a Unix socket, by PID, UID and GID, each an int: as
// they were when it connected.
type Credentials = host.Credentials

// PeerCredentials says who is at the other end of a Unix stream socket.
func (s *Socket) PeerCredentials() (Credentials, error) {
	s.loop.check("Socket.PeerCredentials")
	if s.closed {
		return Credentials{}, s.gone("peer credentials")
	}
	if s.network != unix && s.network != unixgram {
		return Credentials{}, fmt.Errorf("corolla: peer credentials: not a Unix socket: %w", errors.ErrUnsupported)
	}
	c, err := s.loop.host.Credentials(s.fd)
	if err != nil {
		return c, fmt.Errorf("corolla: peer credentials: %w", err)
	}
	return c, nil
}

// JoinGroup makes a datagram socket a member of a multicast group, on an interface; nil is one
// of the system's choice.
func (s *Socket) JoinGroup(group net.IP, ifi *net.Interface) error {
	return s.setMember("join", group, ifi, true)
}

// LeaveGroup ends JoinGroup.
func (s *Socket) LeaveGroup(group net.IP, ifi *net.Interface) error {
	return s.setMember("leave", group, ifi, false)
}

func (s *Socket) setMember(what string, group net.IP, ifi *net.Interface, member bool) error {
	s.loop.check("Socket.JoinGroup and LeaveGroup")
	switch {
	case s.closed:
		return s.gone(what)
	case !group.IsMulticast():
		return fmt.Errorf("corolla: %s %v: not a multicast group", what, group)
	}
	if err := s.loop.host.SetMember(s.fd, group, ifi, member); err != nil {
		return fmt.Errorf("corolla: %s %v: %w", what, group, err)
	}
	return nil
}
