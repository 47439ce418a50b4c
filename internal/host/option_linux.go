package host

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// keepAlive is the time between probes of an idle TCP connection, as in Go's net.
const keepAlive = 15 * time.Second

// newSocket makes a socket of the kind that addr needs. Accepted connections inherit the options of
// their listener, which saves several calls for each.
func newSocket(addr net.Addr, set Settings) (int, unix.Sockaddr, error) {
	family, sa, err := toSockaddr(addr)
	if err != nil {
		return 0, nil, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	if err := setOptions(fd, family, set); err != nil {
		return 0, nil, closing(fd, err)
	}
	return fd, sa, nil
}

type socketOption struct{ level, name, value int }

func setOptions(fd, family int, set Settings) error {
	options := common(set)
	if family != unix.AF_UNIX {
		if !set.Delay {
			options = append(options, socketOption{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1})
		}
		if set.KeepAlive >= 0 {
			d := int(keepAlive / time.Second)
			if set.KeepAlive > 0 {
				d = int((set.KeepAlive + time.Second - 1) / time.Second)
			}
			options = append(
				options,
				socketOption{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				socketOption{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, d},
				socketOption{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, d},
			)
		}
	}
	return apply(fd, options)
}

// common returns the options that streams and datagrams share.
func common(set Settings) (options []socketOption) {
	if set.ReadBuffer > 0 {
		options = append(options, socketOption{unix.SOL_SOCKET, unix.SO_RCVBUF, set.ReadBuffer})
	}
	if set.WriteBuffer > 0 {
		options = append(options, socketOption{unix.SOL_SOCKET, unix.SO_SNDBUF, set.WriteBuffer})
	}
	if set.ReusePort {
		options = append(options, socketOption{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1})
	}
	return options
}

func apply(fd int, options []socketOption) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// bindTo binds a socket to a local address, even if its port lingers from a connection that has
// ended.
func bindTo(fd int, local net.Addr) error {
	_, sa, err := toSockaddr(local)
	if err != nil {
		return err
	}
	if !isUnix(local) {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// SetMember joins or leaves a multicast group.
func (h *epoll) SetMember(fd FD, group net.IP, ifi *net.Interface, member bool) error {
	index := 0
	if ifi != nil {
		index = ifi.Index
	}
	if ip := group.To4(); ip != nil {
		what := unix.IP_DROP_MEMBERSHIP
		if member {
			what = unix.IP_ADD_MEMBERSHIP
		}
		return unix.SetsockoptIPMreqn(int(fd), unix.IPPROTO_IP, what,
			&unix.IPMreqn{Multiaddr: [4]byte(ip), Ifindex: int32(index)})
	}
	what := unix.IPV6_LEAVE_GROUP
	if member {
		what = unix.IPV6_JOIN_GROUP
	}
	m := &unix.IPv6Mreq{Interface: uint32(index)}
	copy(m.Multiaddr[:], group)
	return unix.SetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IPV6, what, m)
}
