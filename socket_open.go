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

// Every socket begins in open, but for those that are accepted.

// open makes a socket of the descriptor that get opens. What was being opened, and where, is for its
// callers to add to the error.
func (l *Loop) open(kind network, opts []SocketOption, get func(host.Settings) (host.FD, error)) (*Socket, error) {
	if l.state >= closing {
		return nil, ErrLoopClosed
	}
	set, err := socketSettings(opts)
	if err != nil {
		return nil, err
	}
	fd, err := get(set.Settings)
	if err != nil {
		return nil, err
	}
	s, err := l.newSocket(fd, kind)
	if err == nil && set.linger != defaultLingerTimeout {
		kept := set // most are not
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

// ListenAddr returns a socket that listens at a *net.TCPAddr or *net.UnixAddr. A
// port of 0 picks a free one, which LocalAddr tells. Listen takes text.
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
	s.know(names{local: s.LocalAddr()}) // the port is known now
	return s, nil
}

// Connect begins to connect to a *net.TCPAddr or *net.UnixAddr. Once the socket is
// writable, ConnectError tells what came of it. Dial does the whole of it.
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
	return s, nil
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

// Listen returns a socket that listens on "tcp", "tcp4", "tcp6" or "unix" at an
// address in Go's notation. A host name, as against an IP address, is looked up
// within the call, which may block: give addresses to a loop that runs.
func (l *Loop) Listen(network, address string, opts ...SocketOption) (*Socket, error) {
	l.check("Listen")
	return l.bind(network, address, func(addr net.Addr) (*Socket, error) { return l.ListenAddr(addr, opts...) })
}

// ListenPacket returns a datagram socket that is bound to an address of "udp", "udp4", "udp6"
// or "unixgram". A host name is looked up within the call, which may block.
func (l *Loop) ListenPacket(network, address string, opts ...SocketOption) (*Socket, error) {
	l.check("ListenPacket")
	return l.bind(network, address, func(addr net.Addr) (*Socket, error) { return l.OpenPacket(addr, nil, opts...) })
}

// bind opens a socket at an address in Go's notation: at the best, or on a machine without IPv6 at
// the next.
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

// Pipe returns the two ends of a pipe: what is written to w is read from r.
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

// Terminal returns a new pseudo-terminal, and its other end, which a process can be given.
// When that is closed everywhere, the terminal reads the end of the stream.
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

// Adopt makes a Socket of something that is open already: a *net.TCPListener, a *net.UnixConn
// and the like, or an *os.File that is a pipe, a terminal, a socket, or anything else that can
// be polled. The descriptor is duplicated: the Socket and c are closed each by itself, and the
// other side sees the end only when both are. Both share the non-blocking mode for as long as
// the Socket is open, so nothing else should read c or write to it meanwhile, nor a process be
// given it.
//
// A Socket of a pipe's end can do only what the end can; when the peer is gone, TryRead of the
// writing end returns io.EOF. A plain file cannot be polled: the error wraps EPERM.
func (l *Loop) Adopt(c syscall.Conn) (*Socket, error) {
	l.check("Adopt")
	var mode host.Mode
	s, err := l.open(file, nil, func(host.Settings) (fd host.FD, err error) {
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
	s.w.ready, s.writeOnly, s.terminal = mode.Write, !mode.Read, mode.Terminal
	s.r.pieces, s.w.pieces = !mode.Stream, !mode.Stream
	return s, nil
}

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

// opError says what was being done to what, as Go's net does.
func opError(op string, addr net.Addr, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %v: %w", op, addr, err)
}
