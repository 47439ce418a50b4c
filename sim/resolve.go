package sim

import (
	"context"
	"net"
	"net/netip"
	"strconv"

	"github.com/corolla-go/corolla/internal/host"
)

func (m *machine) Resolve(ctx context.Context, network, address string) ([]net.Addr, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if addrs, err := host.Literal(network, address); addrs != nil || err != nil {
		return addrs, err
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, &net.AddrError{Err: "invalid port", Addr: address}
	}
	ips, err := m.host.lookUp(name)
	if err != nil {
		return nil, err
	}
	return host.Addresses(network, name, ips, port)
}

// lookUp returns the addresses of a name as the host sees it.
func (h *Host) lookUp(name string) (ips []netip.Addr, err error) {
	w := h.world
	for i := len(h.names) - 1; i >= 0; i-- { // the newest counts
		switch f := h.names[i]; {
		case f.Name != name:
		case f.Kind == NameFails:
			return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
		default:
			return []netip.Addr{netip.MustParseAddr(f.Addr)}, nil // Inject has checked it
		}
	}
	for _, s := range w.config.names[name] {
		ips = append(ips, netip.MustParseAddr(s)) // Name has checked it
	}
	if to := w.hosts.named(name); to != nil {
		ips = append(ips, to.addrs...)
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return ips, nil
}

// SetName makes a name resolve to other addresses from now on, or to none. It panics on an invalid
// address.
func (w *World) SetName(name string, ips ...string) { Name(name, ips...)(&w.config) }
