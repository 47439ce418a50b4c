package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxBacklog asks for the longest queue of unaccepted connections; the kernel
// cuts it to net.core.somaxconn.
const maxBacklog = 65535

func (h *epoll) Repeatable() bool { return false }

func (h *epoll) Start(job func()) { startGoroutine(job) }

func (h *epoll) Notify(deliver func(os.Signal), sigs ...os.Signal) (stop func()) {
	return notify(deliver, sigs...)
}

func (h *epoll) Resolve(network, address string) ([]net.Addr, error) {
	return resolve(context.Background(), network, address)
}

func (h *epoll) Listen(addr net.Addr) (FD, error) {
	fd, sa, err := newSocket(addr)
	if err != nil {
		return 0, err
	}
	if sa, ok := sa.(*unix.SockaddrInet6); ok && sa.Addr != [16]byte{} {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil && !isUnix(addr) {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == unix.EADDRINUSE && isUnix(addr) && stale(sa) {
		err = unix.Bind(fd, sa)
	}
	if err == nil {
		err = unix.Listen(fd, maxBacklog)
	}
	if err != nil {
		return 0, closing(fd, err)
	}
	h.ours.note(FD(fd), sa)
	return FD(fd), nil
}

func (h *epoll) Connect(addr net.Addr) (FD, error) {
	fd, sa, err := newSocket(addr)
	if err != nil {
		return 0, err
	}
	switch err = unix.Connect(fd, sa); err {
	case nil, unix.EINPROGRESS, unix.EINTR: // the end shows as Writable, whichever it is
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
	return unix.Close(int(fd))
}

func (h *epoll) ResetFD(fd FD) error {
	// A time of 0 to linger is how a program asks for a reset. Where it is not
	// understood, closing is all that there is.
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	return h.CloseFD(fd)
}

func (h *epoll) LocalAddr(fd FD) net.Addr {
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return nil
	}
	return ofKind(fd, sa)
}

// ofKind returns an address as that of a stream or of datagrams, as the socket is.
func ofKind(fd FD, sa unix.Sockaddr) net.Addr {
	if kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); err == nil && kind == unix.SOCK_DGRAM {
		return packetAddr(sa)
	}
	return fromSockaddr(sa)
}

func (h *epoll) PeerAddr(fd FD) net.Addr {
	sa, err := unix.Getpeername(int(fd))
	if err != nil {
		return nil
	}
	return ofKind(fd, sa)
}

// newSocket makes a socket of the kind that addr needs. TCP_NODELAY and
// keep-alive are set as Go's net does; accepted connections inherit them from
// their listener, which saves two calls for each.
func newSocket(addr net.Addr) (int, unix.Sockaddr, error) {
	family, sa, err := toSockaddr(addr)
	if err != nil {
		return 0, nil, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	if family != unix.AF_UNIX {
		for _, o := range [...]struct{ level, name, value int }{
			{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAlive / time.Second)},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAlive / time.Second)},
		} {
			if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
				return 0, nil, closing(fd, os.NewSyscallError("setsockopt", err))
			}
		}
	}
	return fd, sa, nil
}

// keepAlive is the time between probes of an idle TCP connection, as in Go's net.
const keepAlive = 15 * time.Second

func closing(fd int, err error) error {
	_ = unix.Close(fd) // it was never used: err says what matters
	return err
}

func isUnix(addr net.Addr) bool {
	_, ok := addr.(*net.UnixAddr)
	return ok
}

func toSockaddr(addr net.Addr) (family int, sa unix.Sockaddr, err error) {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: a.Name}, nil
	case *net.UDPAddr:
		return toSockaddr(&net.TCPAddr{IP: a.IP, Port: a.Port, Zone: a.Zone})
	case *net.TCPAddr:
		if ip := a.IP.To4(); ip != nil {
			return unix.AF_INET, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}, nil
		}
		sa := &unix.SockaddrInet6{Port: a.Port}
		copy(sa.Addr[:], a.IP) // an empty IP is the unspecified address
		if a.Zone != "" {
			ifi, err := net.InterfaceByName(a.Zone)
			if err != nil {
				return 0, nil, err
			}
			sa.ZoneId = uint32(ifi.Index)
		}
		return unix.AF_INET6, sa, nil
	}
	return 0, nil, fmt.Errorf("address %v of type %T: %w", addr, addr, unix.EAFNOSUPPORT)
}

func fromSockaddr(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
		if sa.ZoneId != 0 {
			if ifi, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = ifi.Name
			}
		}
		return a
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}
