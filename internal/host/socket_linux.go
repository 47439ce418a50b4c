package host

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

// maxBacklog asks for the longest queue of unaccepted connections; the kernel caps it at
// net.core.somaxconn.
const maxBacklog = 65535

func (h *epoll) Resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	return resolve(ctx, network, address)
}

func (h *epoll) Listen(addr net.Addr, set Settings) (FD, error) {
	fd, sa, err := newSocket(addr, set)
	if err != nil {
		return 0, err
	}
	if sa, ok := sa.(*unix.SockaddrInet6); ok && sa.Addr != [16]byte{} {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil && !isUnix(addr) {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	lock := -1
	if err == nil && set.Lock {
		lock, err = lockPath(sa)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == unix.EADDRINUSE && isUnix(addr) && stale(sa) {
		err = unix.Bind(fd, sa)
	}
	if name, ok := pathOf(sa); ok && err == nil && set.Mode != 0 {
		err = unix.Chmod(name, set.Mode) // nobody can connect yet
	}
	if err == nil {
		backlog := set.Backlog
		if backlog == 0 {
			backlog = maxBacklog
		}
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		if lock >= 0 {
			err = closing(lock, err)
		}
		return 0, closing(fd, err)
	}
	h.ours.note(FD(fd), sa, lock)
	return FD(fd), nil
}

func (h *epoll) Connect(addr net.Addr, set Settings) (FD, error) {
	fd, sa, err := newSocket(addr, set)
	if err != nil {
		return 0, err
	}
	if set.Local != nil {
		if err := bindTo(fd, set.Local); err != nil {
			return 0, closing(fd, err)
		}
	}
	switch err = unix.Connect(fd, sa); err {
	case nil, unix.EINPROGRESS, unix.EINTR: // Writable shows the end, success or not
		return FD(fd), nil
	}
	return 0, closing(fd, err)
}

func (h *epoll) ConnectError(fd FD) error {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return err
	case n != 0:
		return unix.Errno(n)
	}
	return nil
}

func (h *epoll) CloseWrite(fd FD) error { return unix.Shutdown(int(fd), unix.SHUT_WR) }

func (h *epoll) CloseFD(fd FD) error {
	h.touched = true
	h.ours.unlink(fd)
	h.leave(fd)
	return unix.Close(int(fd))
}

func (h *epoll) ResetFD(fd FD) error {
	// A linger time of 0 is how a program asks for a reset. Where that is not supported, closing is
	// all it can do.
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	return h.CloseFD(fd)
}

func (h *epoll) LocalAddr(fd FD, packets bool) net.Addr {
	return nameOf(fd, unix.SYS_GETSOCKNAME, packets)
}

func (h *epoll) PeerAddr(fd FD, packets bool) net.Addr {
	return nameOf(fd, unix.SYS_GETPEERNAME, packets)
}

func closing(fd int, err error) error {
	_ = unix.Close(fd) // it was never used: err says what matters
	return err
}
