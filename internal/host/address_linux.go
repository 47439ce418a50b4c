package host

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

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

// nameOf asks the system for an address of a socket, with getsockname or getpeername.
func nameOf(fd FD, call uintptr, packets bool) net.Addr {
	var name unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	if _, _, e := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size))); e != 0 {
		return nil
	}
	at, other := fromName(&name)
	switch {
	case !packets && other != nil:
		return other
	case !packets:
		return at.Addr()
	}
	return packetAddr(at.Addr(), other)
}

// fromName decodes an address as the system gives it: that of an IP socket, or another.
func fromName(name *unix.RawSockaddrAny) (at Endpoint, other net.Addr) {
	switch name.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		at = Endpoint{port: fromNetwork(in.Port), known: true}
		at.ip = netip.AddrFrom4(in.Addr).As16()
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		at = Endpoint{ip: in.Addr, zone: in.Scope_id, port: fromNetwork(in.Port), known: true}
	case unix.AF_UNIX:
		in := (*unix.RawSockaddrUnix)(unsafe.Pointer(name))
		other = &net.UnixAddr{Name: unixName(in), Net: "unix"}
	}
	return at, other
}

// fromNetwork converts a port from network byte order.
func fromNetwork(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// unixName returns a path, or an abstract name, whose leading 0 byte Go writes as @. An unnamed
// socket is just @, as in Go's net.
func unixName(in *unix.RawSockaddrUnix) string {
	name := []byte{}
	for i, c := range in.Path {
		if i == 0 && c == 0 {
			c = '@'
		}
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return string(name)
}

// fromSockaddr is fromName for an address that x/sys has decoded.
func fromSockaddr(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return Endpoint{ip: netip.AddrFrom4(sa.Addr).As16(), port: uint16(sa.Port), known: true}.Addr()
	case *unix.SockaddrInet6:
		return Endpoint{ip: sa.Addr, zone: sa.ZoneId, port: uint16(sa.Port), known: true}.Addr()
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}
