package corolla

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Detach takes the socket from the loop and returns it as a file, in blocking mode, for use with
// net.FileConn, net.FileListener or net.FilePacketConn. It fails while written data is unsent. To
// the loop the socket is then closed: tasks that wait for it get net.ErrClosed.
func (s *Socket) Detach() (*os.File, error) {
	s.loop.check("Socket.Detach")
	switch {
	case s.closed:
		return nil, s.gone("detach")
	case s.fd < 0:
		return nil, errors.New("corolla: detach: a Feed's socket has no descriptor")
	case s.out != nil && s.out.pending():
		return nil, fmt.Errorf("corolla: detach: %d bytes are unsent", s.out.size)
	}
	s.remember() // while the descriptor is still ours to ask about
	f, err := s.loop.host.Release(s.fd)
	if err != nil {
		return nil, fmt.Errorf("corolla: detach: %w", err)
	}
	s.loop.fds[s.fd] = nil
	s.forget()
	return f, nil
}

// Resize tells a terminal, and the processes in it, how large it is. The error wraps the system's:
// ENOTTY if s is not a terminal.
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

// firstInherited is the first descriptor passed by a service manager (systemd's sd_listen_fds).
const firstInherited = 3

// Inherited returns the files that a service manager such as systemd has opened for this
// program (socket activation), in its order and under the names that it gave them; none if
// there are none. Adopt turns them into sockets. Inherited removes LISTEN_FDS, LISTEN_PID and
// LISTEN_FDNAMES from the environment, so that neither a second call nor child processes find
// them.
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

// SocketPair returns two Unix sockets that are connected to each other, in blocking mode, for two processes to
// talk through and to pass descriptors: each end is inherited by one of them, or adopted (Loop.Adopt).
func SocketPair() (a, b *os.File, err error) {
	if a, b, err = host.SocketPair(); err != nil {
		return nil, nil, fmt.Errorf("corolla: %w", err)
	}
	return a, b, nil
}

// AdoptAccepted is Loop.Adopt of a connection that another process has accepted, from the same address: the
// Socket has the options of ln, a listening socket, as if that had accepted it. Of ln's ProxyProtocol nothing is
// expected. What the other process knows the ends as, which a proxy may have said, local and peer tell; they
// may be nil.
func AdoptAccepted(ln *Socket, c syscall.Conn, local, peer net.Addr) (*Socket, error) {
	accepted, err := ln.loop.Adopt(c)
	if err != nil {
		return nil, err
	}
	told := names{local: host.CloneAddr(local), peer: host.CloneAddr(peer)}
	if known := accepted.names; known != nil {
		told.local, told.peer = cmp.Or(told.local, known.local), cmp.Or(told.peer, known.peer)
	}
	accepted.names, accepted.set = &told, ln.set
	throttleAsSet(accepted)
	return accepted, nil
}

// Credentials identify the peer of a Unix socket by PID, UID and GID, each an int, as they were when
// it connected.
type Credentials = host.Credentials

// PeerCredentials identifies the peer of a Unix stream socket.
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

// JoinGroup makes a datagram socket a member of a multicast group on an interface; if that is nil,
// the system chooses one.
func (s *Socket) JoinGroup(group net.IP, ifi *net.Interface) error {
	return s.setMember("join", group, ifi, true)
}

// LeaveGroup undoes JoinGroup.
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
