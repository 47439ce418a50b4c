package host

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// Endpoint is the address of one end of a connection, in a form that holds no pointers and takes 24
// bytes, since every accepted connection keeps one.
type Endpoint struct {
	ip    [16]byte // IPv4 as an IPv4-mapped address
	zone  uint32   // an interface's index, or 0
	port  uint16
	known bool
}

// EndpointOf returns the endpoint of a TCP address, and whether it has one: an address of another
// kind, or with a zone, has none.
func EndpointOf(addr net.Addr) (Endpoint, bool) {
	a, ok := addr.(*net.TCPAddr)
	if !ok || a.Zone != "" {
		return Endpoint{}, false
	}
	ip := a.IP.To16()
	if ip == nil {
		ip = net.IPv6unspecified
	}
	return Endpoint{ip: [16]byte(ip), port: uint16(a.Port), known: true}, true
}

// Reached returns the endpoint at which a connection to e arrives: one to the unspecified address
// arrives at the loopback address.
func (e Endpoint) Reached() Endpoint {
	switch netip.AddrFrom16(e.ip).Unmap() {
	case netip.IPv4Unspecified():
		e.ip = netip.AddrFrom4([4]byte{127, 0, 0, 1}).As16()
	case netip.IPv6Unspecified():
		e.ip = netip.IPv6Loopback().As16()
	}
	return e
}

// Known reports whether there is an address.
func (e Endpoint) Known() bool { return e.known }

// Addr returns the address in Go's form, or nil if there is none.
func (e Endpoint) Addr() net.Addr {
	if !e.known {
		return nil
	}
	a := &net.TCPAddr{IP: netip.AddrFrom16(e.ip).Unmap().AsSlice(), Port: int(e.port)}
	if e.zone != 0 {
		a.Zone = strconv.Itoa(int(e.zone)) // if the interface is gone
		if ifi, err := net.InterfaceByIndex(int(e.zone)); err == nil {
			a.Zone = ifi.Name
		}
	}
	return a
}

// CloneAddr copies an address, so that a caller cannot change the original.
func CloneAddr(addr net.Addr) net.Addr {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return &net.TCPAddr{IP: slices.Clone(a.IP), Port: a.Port, Zone: a.Zone}
	case *net.UDPAddr:
		return &net.UDPAddr{IP: slices.Clone(a.IP), Port: a.Port, Zone: a.Zone}
	case *net.UnixAddr:
		return &net.UnixAddr{Name: a.Name, Net: a.Net}
	}
	return addr
}
