package host

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// Literal returns what Resolve would for an address that needs no lookup: a path; an IP address or
// an empty host, with a numeric port; or an invalid address. It never blocks. For an address that
// must be looked up it returns neither addresses nor an error. "tcp" with a host of "" means every
// address of this machine: the IPv6 wildcard, which takes IPv4 too, or the IPv4 one if there is no
// IPv6.
func Literal(network, address string) ([]net.Addr, error) {
	switch network {
	case "unix", "unixgram":
		if address == "" {
			return nil, &net.AddrError{Err: "missing path", Addr: address}
		}
		return []net.Addr{&net.UnixAddr{Name: address, Net: network}}, nil
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if service == "" {
		port, err = 0, nil
	}
	if err != nil {
		return nil, nil // the name of a service
	}
	if port < 0 || port > 65535 {
		return nil, &net.AddrError{Err: "invalid port", Addr: service}
	}
	ips := []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}
	if name != "" {
		ip, err := netip.ParseAddr(name)
		if err != nil {
			return nil, nil // the name of a host
		}
		ips = []netip.Addr{ip}
	}
	return Addresses(network, name, ips, port)
}

// Addresses makes a network's addresses from those of the IP addresses that it can use. It is an
// error if there are none.
func Addresses(network, name string, ips []netip.Addr, port int) (addrs []net.Addr, err error) {
	for _, ip := range ips {
		ip = ip.Unmap()
		if family := network[3:]; family != "" && ip.Is4() != (family == "4") {
			continue
		}
		at := netip.AddrPortFrom(ip, uint16(port))
		if network[:3] == "udp" {
			addrs = append(addrs, net.UDPAddrFromAddrPort(at))
		} else {
			addrs = append(addrs, net.TCPAddrFromAddrPort(at))
		}
	}
	if len(addrs) == 0 {
		return nil, &net.AddrError{Err: "no suitable address", Addr: name}
	}
	return addrs, nil
}

// resolve is the Resolve of every real host: Go's resolver looks up names. LookupNetIP would lose
// the zones of addresses in /etc/hosts.
func resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	if addrs, err := Literal(network, address); addrs != nil || err != nil {
		return addrs, err
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	if addrs, err := Literal(network, net.JoinHostPort(name, strconv.Itoa(port))); addrs != nil || err != nil {
		return addrs, err
	}
	if network[3:] == "4" { // IPv4 has no zones, and IPv6 need not be looked up
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
		if err != nil {
			return nil, err
		}
		return Addresses(network, name, ips, port)
	}
	found, err := net.DefaultResolver.LookupIPAddr(ctx, name)
	if err != nil {
		return nil, err
	}
	ips := make([]netip.Addr, 0, len(found))
	for _, a := range found {
		if ip, ok := netip.AddrFromSlice(a.IP); ok {
			ips = append(ips, ip.WithZone(a.Zone))
		}
	}
	return Addresses(network, name, ips, port)
}
