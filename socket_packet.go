package corolla

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Datagram sockets are Sockets: readiness is the same, and only what is tried differs.

// Resolve looks up the addresses of a network ("tcp", "udp4", "unix", …) and an address in
// Go's notation, best first. A path, and an IP address with the number of a port, such as
// "[fe80::1%eth0]:80", are known at once. Names are looked up on another goroutine, by the Workers
// named "lookup"; canceling the future ends that.
func (l *Loop) Resolve(network, address string) *Future[[]net.Addr] {
	l.check("Resolve")
	addrs, err := host.Literal(network, address)
	if l.state >= closing {
		addrs, err = nil, fmt.Errorf("resolve %s: %w", address, ErrLoopClosed)
	}
	if addrs != nil || err != nil {
		f := NewFuture[[]net.Addr](l)
		f.settle(addrs, err)
		return f
	}
	return OffloadTo(l.Workers("lookup"), func(ctx context.Context) ([]net.Addr, error) {
		return l.host.Resolve(ctx, network, address)
	})
}

// OpenPacket returns a datagram socket that is bound to local, or to an address of the
// system's choice if that is nil, and that sends to remote alone and hears it alone, if that
// is not nil. The addresses are *net.UDPAddr or *net.UnixAddr.
func (l *Loop) OpenPacket(local, remote net.Addr, opts ...SocketOption) (*Socket, error) {
	l.check("OpenPacket")
	what := local
	if what == nil {
		what = remote
	}
	if what == nil {
		return nil, errors.New("corolla: OpenPacket without an address")
	}
	if l.state >= closing {
		return nil, opError("open", what, ErrLoopClosed)
	}
	for _, addr := range []net.Addr{local, remote} {
		if err := wantKind(addr, true); err != nil {
			return nil, opError("open", what, err)
		}
	}
	set, err := socketSettings(opts)
	if err != nil {
		return nil, opError("open", what, err)
	}
	fd, err := l.host.OpenPacket(local, remote, set.Settings)
	if err != nil {
		return nil, opError("open", what, err)
	}
	s, err := l.newSocket(fd, networkOf(what), true)
	if err != nil {
		return nil, opError("open", what, err)
	}
	return s, nil
}

var errNoAddress = &net.AddrError{Err: "missing address"}

// wantKind reports an error for an address of streams where datagrams are wanted, and the other
// way round.
func wantKind(addr net.Addr, packets bool) error {
	var is bool
	switch a := addr.(type) {
	case *net.UDPAddr:
		if a == nil {
			return errNoAddress
		}
		is = true
	case *net.TCPAddr:
	case *net.UnixAddr:
		is = a.Net == "unixgram" || a.Net == "" && packets
	default:
		return nil // the host knows
	}
	if is != packets {
		return net.UnknownNetworkError(addr.Network())
	}
	return nil
}

// ListenPacket returns a datagram socket that is bound to an address of "udp", "udp4", "udp6"
// or "unixgram". A host name is looked up within the call, which may block.
func (l *Loop) ListenPacket(network, address string, opts ...SocketOption) (*Socket, error) {
	l.check("ListenPacket")
	addrs, err := l.host.Resolve(context.Background(), network, address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	s, err := l.OpenPacket(addrs[0], nil, opts...)
	if errors.Is(err, syscall.EAFNOSUPPORT) && len(addrs) > 1 { // a machine without IPv6
		s, err = l.OpenPacket(addrs[1], nil, opts...)
	}
	return s, err
}

// TryReadFrom reads one datagram, which may have no bytes, and says who sent it. If it is
// longer than b, the rest is lost, and truncated says so. ErrWouldBlock means that there is
// none; other errors, such as ECONNREFUSED for one that was sent before, are the system's,
// bare, and leave the socket as it is.
func (s *Socket) TryReadFrom(b []byte) (n int, from net.Addr, truncated bool, err error) {
	s.loop.check("Socket.TryReadFrom")
	switch {
	case s.closed:
		return 0, nil, false, s.gone("read")
	case !s.r.ready:
		return 0, nil, false, ErrWouldBlock
	}
	n, from, truncated, err = s.loop.host.TryReadFrom(s.fd, b)
	if err == host.ErrAgain {
		s.r.ready = false
	}
	return n, from, truncated, err
}

// TryWriteTo sends one datagram, which may have no bytes, to an address, or to that of
// OpenPacket if it is nil.
func (s *Socket) TryWriteTo(b []byte, to net.Addr) error {
	s.loop.check("Socket.TryWriteTo")
	switch {
	case s.closed:
		return s.gone("write")
	case !s.w.ready:
		return ErrWouldBlock
	}
	if err := wantKind(to, true); err != nil {
		return err
	}
	err := s.loop.host.TryWriteTo(s.fd, b, to)
	if err == host.ErrAgain {
		s.w.ready = false
	}
	return err
}
