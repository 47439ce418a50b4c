package host

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// resolve is the Resolve of every real host. Names are looked up by Go's
// resolver; literal addresses need no look-up and never block. "tcp" with a host
// of "" means every address of this machine: the IPv6 one, which takes IPv4 too,
// or where there is no IPv6 the IPv4 one.
func resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	var family string
	switch network {
	case "unix", "unixgram":
		if address == "" {
			return nil, &net.AddrError{Err: "missing path", Addr: address}
		}
		return []net.Addr{&net.UnixAddr{Name: address, Net: network}}, nil
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		family = "ip" + network[3:]
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
	ips := []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}
	if name != "" {
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, family, name); err != nil {
			return nil, err
		}
	}
	var addrs []net.Addr
	for _, ip := range ips {
		if ip.Is4In6() && family != "ip6" {
			ip = ip.Unmap()
		}
		if family == "ip" || ip.Is4() == (family == "ip4") {
			addrs = append(addrs, addrOf(network, ip, port))
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up %s: no addresses", name)
	}
	return addrs, nil
}

// addrOf makes an address of the network's kind.
func addrOf(network string, ip netip.Addr, port int) net.Addr {
	at := netip.AddrPortFrom(ip, uint16(port))
	if network[:3] == "udp" {
		return net.UDPAddrFromAddrPort(at)
	}
	return net.TCPAddrFromAddrPort(at)
}
