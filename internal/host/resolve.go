package host

import (
	"context"
	"fmt"
	"net"
)

// resolve is the Resolve of every real host. Names are looked up by Go's
// resolver; literal addresses need no look-up and never block. "tcp" with a host
// of "" means every address of this machine: the IPv6 one, which takes IPv4 too,
// or where there is no IPv6 the IPv4 one.
func resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	var family string
	switch network {
	case "unix":
		if address == "" {
			return nil, &net.AddrError{Err: "missing path", Addr: address}
		}
		return []net.Addr{&net.UnixAddr{Name: address, Net: "unix"}}, nil
	case "tcp", "tcp4", "tcp6":
		family = "ip" + network[len("tcp"):]
	default:
		return nil, net.UnknownNetworkError(network)
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	if name == "" {
		if network == "tcp4" {
			return []net.Addr{&net.TCPAddr{IP: net.IPv4zero, Port: port}}, nil
		}
		any6 := &net.TCPAddr{IP: net.IPv6unspecified, Port: port}
		if network == "tcp6" {
			return []net.Addr{any6}, nil
		}
		return []net.Addr{any6, &net.TCPAddr{IP: net.IPv4zero, Port: port}}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, family, name)
	if err != nil {
		return nil, err
	}
	addrs := make([]net.Addr, len(ips))
	for i, ip := range ips {
		addrs[i] = &net.TCPAddr{IP: ip.AsSlice(), Port: port, Zone: ip.Zone()}
		if ip.Is4In6() && network != "tcp6" {
			addrs[i] = &net.TCPAddr{IP: ip.Unmap().AsSlice(), Port: port}
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up %s: no addresses", name)
	}
	return addrs, nil
}
