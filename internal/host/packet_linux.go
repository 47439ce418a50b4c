package host

import (
	"net"

	"golang.org/x/sys/unix"
)

func (h *epoll) OpenPacket(local, remote net.Addr, set Settings) (FD, error) {
	addr := local
	if addr == nil {
		addr = remote
	}
	family, _, err := toSockaddr(addr)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = apply(fd, common(set))
	if err == nil && family != unix.AF_UNIX { // as Go's net does
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	}
	if err == nil && local != nil {
		err = bindPacket(fd, local)
	}
	if err == nil && remote != nil {
		var sa unix.Sockaddr
		if _, sa, err = toSockaddr(remote); err == nil {
			err = unix.Connect(fd, sa)
		}
	}
	if err != nil {
		return 0, closing(fd, err)
	}
	if local != nil {
		if _, sa, err := toSockaddr(local); err == nil {
			h.ours.note(FD(fd), sa, -1)
		}
	}
	return FD(fd), nil
}

func bindPacket(fd int, local net.Addr) error {
	_, sa, err := toSockaddr(local)
	if err != nil {
		return err
	}
	if u, ok := local.(*net.UDPAddr); ok && u.IP.IsMulticast() { // several may listen to a group
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	err = unix.Bind(fd, sa)
	if err == unix.EADDRINUSE && isUnix(local) && stale(sa) {
		err = unix.Bind(fd, sa)
	}
	return err
}

func (h *epoll) TryReadFrom(fd FD, b []byte) (n int, from net.Addr, truncated bool, err error) {
	h.touched = true
	for {
		n, _, flags, sa, err := unix.Recvmsg(int(fd), b, nil, 0)
		switch {
		case err == nil:
			return n, packetAddr(fromSockaddr(sa), nil), flags&unix.MSG_TRUNC != 0, nil
		case err == unix.EAGAIN:
			return 0, nil, false, ErrAgain
		case err != unix.EINTR:
			return 0, nil, false, err
		}
	}
}

func (h *epoll) TryWriteTo(fd FD, b []byte, to net.Addr) error {
	h.touched = true
	var sa unix.Sockaddr
	if to != nil {
		var err error
		if _, sa, err = toSockaddr(to); err != nil {
			return err
		}
	}
	for {
		_, err := unix.SendmsgN(int(fd), b, nil, sa, 0)
		switch err {
		case unix.EAGAIN:
			return ErrAgain
		case unix.EINTR:
		default:
			return err
		}
	}
}

// packetAddr turns a stream's address, whichever of the two is there, into a datagram socket's.
func packetAddr(at, other net.Addr) net.Addr {
	if at == nil {
		at = other
	}
	switch a := at.(type) {
	case *net.TCPAddr:
		return &net.UDPAddr{IP: a.IP, Port: a.Port, Zone: a.Zone}
	case *net.UnixAddr:
		return &net.UnixAddr{Name: a.Name, Net: "unixgram"}
	}
	return nil
}
