package corolla

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Every socket is made by open, except accepted ones and the writing end of a pipe.

// open makes a socket of the descriptor that get opens. Its callers add to the error what was being
// opened, and where.
func (l *Loop) open(kind network, opts []SocketOption, get func(host.Settings) (host.FD, error)) (*Socket, error) {
	if l.state >= closing {
		return nil, ErrLoopClosed
	}
	set, err := socketSettings(opts)
	if err == nil && kind == tcp && set.proxy != nil && len(set.proxy.trusted) == 0 {
		err = errNobodyTrusted
	}
	err = errors.Join(err, set.limits.shared[0].join(l), set.limits.shared[1].join(l))
	if err != nil {
		return nil, err
	}
	fd, err := get(set.Settings)
	if err != nil {
		return nil, err
	}
	s, err := l.newSocket(fd, kind)
	if err == nil && (set.policies != defaultPolicies || set.limits != throttle{} || set.proxy != nil) {
		kept := set // a copy, so that set escapes to the heap only here
		s.set = &kept
	}
	return s, err
}

func (l *Loop) newSocket(fd host.FD, kind network) (*Socket, error) {
	s := &Socket{descriptor: descriptor{loop: l, fd: fd}, network: kind}
	s.r.pieces, s.w.pieces = s.packets(), s.packets()
	if err := l.host.Watch(fd, host.Read|host.Write|host.Edge); err != nil {
		return nil, errors.Join(err, l.host.CloseFD(fd))
	}
	l.setWatcher(fd, s)
	return s, nil
}

// ListenAddr returns a socket that listens at a *net.TCPAddr or *net.UnixAddr. Port 0
// picks a free port, which LocalAddr returns. Listen takes a string instead.
func (l *Loop) ListenAddr(addr net.Addr, opts ...SocketOption) (*Socket, error) {
	l.check("ListenAddr")
	s, err := l.open(networkOf(addr), opts, func(set host.Settings) (host.FD, error) {
		if err := wantKind(addr, false); err != nil {
			return 0, err
		}
		return l.host.Listen(addr, set)
	})
	if err != nil {
		return nil, opError("listen", addr, err)
	}
	s.know(names{local: s.LocalAddr()}) // the port has been chosen by now
	return s, nil
}

// Connect starts connecting to a *net.TCPAddr or *net.UnixAddr. Once the socket is
// writable, ConnectError returns the outcome. Dial does all of this.
func (l *Loop) Connect(addr net.Addr, opts ...SocketOption) (*Socket, error) {
	l.check("Connect")
	s, err := l.open(networkOf(addr), opts, func(set host.Settings) (host.FD, error) {
		if err := wantKind(addr, false); err != nil {
			return 0, err
		}
		return l.host.Connect(addr, set)
	})
	if err != nil {
		return nil, opError("dial", addr, err)
	}
	s.setPeer(addr)
	throttleAsSet(s)
	return s, nil
}

// OpenPacket returns a datagram socket bound to local, or to an address chosen by the system if
// that is nil. If remote is not nil, the socket sends to it and receives from it only. The
// addresses are *net.UDPAddr or *net.UnixAddr.
func (l *Loop) OpenPacket(local, remote net.Addr, opts ...SocketOption) (*Socket, error) {
	l.check("OpenPacket")
	what := local
	if what == nil {
		what = remote
	}
	if what == nil {
		return nil, errors.New("corolla: OpenPacket without an address")
	}
	s, err := l.open(networkOf(what), opts, func(set host.Settings) (host.FD, error) {
		if err := cmp.Or(wantKind(local, true), wantKind(remote, true)); err != nil {
			return 0, err
		}
		return l.host.OpenPacket(local, remote, set)
	})
	if err != nil {
		return nil, opError("open", what, err)
	}
	s.w.ready = true
	return s, nil
}

// Listen returns a socket that listens on "tcp", "tcp4", "tcp6" or "unix" at an address
// in Go's notation. A host name, unlike an IP address, is looked up within the call,
// which may block: on a running loop, use IP addresses.
func (l *Loop) Listen(network, address string, opts ...SocketOption) (*Socket, error) {
	l.check("Listen")
	return l.bind(network, address, func(addr net.Addr) (*Socket, error) { return l.ListenAddr(addr, opts...) })
}

// ListenPacket returns a datagram socket bound to an address on "udp", "udp4", "udp6" or
// "unixgram". A host name is looked up within the call, which may block.
func (l *Loop) ListenPacket(network, address string, opts ...SocketOption) (*Socket, error) {
	l.check("ListenPacket")
	return l.bind(network, address, func(addr net.Addr) (*Socket, error) { return l.OpenPacket(addr, nil, opts...) })
}

// bind opens a socket at an address in Go's notation: at the best match or, on a machine without
// IPv6, at the next.
func (l *Loop) bind(network, address string, open func(net.Addr) (*Socket, error)) (*Socket, error) {
	addrs, err := l.host.Resolve(context.Background(), network, address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	s, err := open(addrs[0])
	if errors.Is(err, syscall.EAFNOSUPPORT) && len(addrs) > 1 {
		s, err = open(addrs[1])
	}
	return s, err
}

var errNoAddress = &net.AddrError{Err: "missing address"}

// wantKind returns an error for a stream address where a datagram address is wanted, and vice
// versa.
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
		return nil // the host decides
	}
	if is != packets {
		return net.UnknownNetworkError(addr.Network())
	}
	return nil
}

// Pipe returns the two ends of a pipe: what is written to w can be read from r.
func (l *Loop) Pipe() (r, w *Socket, err error) {
	l.check("Pipe")
	r, err = l.open(pipe, nil, func(host.Settings) (host.FD, error) {
		rfd, wfd, err := l.host.OpenPipe()
		if err != nil {
			return 0, err
		}
		if w, err = l.newSocket(wfd, pipe); err != nil {
			err = errors.Join(err, l.host.CloseFD(rfd))
		}
		return rfd, err
	})
	if err != nil {
		if w != nil {
			err = errors.Join(err, w.Close())
		}
		return nil, nil, fmt.Errorf("corolla: pipe: %w", err)
	}
	w.w.ready, w.writeOnly = true, true
	return r, w, nil
}

// Terminal returns a new pseudo-terminal, and its other end to give to a process. When that is
// closed everywhere, reading from the terminal returns io.EOF.
func (l *Loop) Terminal() (*Socket, *os.File, error) {
	l.check("Terminal")
	var other *os.File
	s, err := l.open(file, nil, func(host.Settings) (fd host.FD, err error) {
		fd, other, err = l.host.OpenTerminal()
		return fd, err
	})
	if err != nil {
		if other != nil {
			err = errors.Join(err, other.Close())
		}
		return nil, nil, fmt.Errorf("corolla: open a terminal: %w", err)
	}
	s.w.ready, s.terminal = true, true
	s.r.pieces, s.w.pieces = true, true
	return s, other, nil
}

// Adopt makes a Socket of something already open: a *net.TCPListener, a *net.UnixConn and the
// like, or an *os.File that is a pipe, a terminal, a socket, or anything else that can be polled.
// The descriptor is duplicated: the Socket and c are closed independently, and the peer sees the
// end only when both are. Both share the non-blocking mode for as long as the Socket is open, so
// nothing else should read from c or write to it meanwhile, and no process should be given it. A listening
// socket stays in that mode, since processes that accept from one together must not block when one leaves.
//
// A Socket of a pipe's end can do only what that end can; when the peer is gone, TryRead on the
// writing end returns io.EOF. A plain file cannot be polled: the error wraps EPERM. Of the options those
// count that say how the Socket is used: HandshakeTimeout, ProxyProtocol, and policies such as
// LingerTimeout and Throttle.
func (l *Loop) Adopt(c syscall.Conn, opts ...SocketOption) (*Socket, error) {
	l.check("Adopt")
	var mode host.Mode
	s, err := l.open(file, opts, func(host.Settings) (fd host.FD, err error) {
		fd, mode, err = l.host.Adopt(c)
		return fd, err
	})
	if err != nil {
		return nil, fmt.Errorf("corolla: adopt: %w", err)
	}
	if local := l.host.LocalAddr(s.fd, mode.Packets); local != nil { // a socket
		s.network = networkOf(local)
		s.know(names{local: local, peer: l.host.PeerAddr(s.fd, mode.Packets)})
	}
	if s.network == file && mode.Read != mode.Write && !mode.Terminal {
		s.network = pipe
	}
	s.w.ready, s.writeOnly, s.terminal = mode.Write, !mode.Read, mode.Terminal
	s.r.pieces, s.w.pieces = !mode.Stream, !mode.Stream
	throttleAsSet(s)
	return s, nil
}

// Resolve resolves an address in Go's notation on a network ("tcp", "udp4", "unix", …), best
// match first. A path, or an IP address with a port number, such as "[fe80::1%eth0]:80", needs no
// lookup and is known at once. Names are looked up on another goroutine, by the Workers named
// "lookup"; canceling the future ends the lookup.
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

// opError adds the operation and its address to an error, as Go's net does.
func opError(op string, addr net.Addr, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", op, addr, err)
}
