package host

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

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
