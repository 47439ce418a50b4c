package corolla

import (
	"net"

	"github.com/corolla-go/corolla/internal/host"
)

// A socket's addresses stay available for as long as the Socket does, even after Close, and after
// the peer has reset the connection, when the system no longer knows the peer.
//
// The peer's address comes with the connection: accept4 returns it, and dialing knows it. The
// socket's own is that of its listener, if that listens at one address. If it listens at all of
// them, the system is asked on request, and when the socket is closed. That call takes 0.4 µs, but
// costs nothing while the connection lives, and no memory. Asking on accept, as Go's net does, was
// rejected because it costs both.

// names are addresses of a socket that its peer field does not hold. They are immutable, since
// connections share those of their listener.
type names struct {
	local net.Addr
	peer  net.Addr // if the socket's own field cannot hold it
}

// setPeer records the peer's address.
func (s *Socket) setPeer(addr net.Addr) {
	if e, ok := host.EndpointOf(addr); ok {
		s.peer = e.Reached()
	} else if addr != nil {
		s.know(names{peer: host.CloneAddr(addr)})
	}
}

// know adds addresses that were not known before.
func (s *Socket) know(n names) {
	if old := s.names; old != nil {
		if old.local != nil {
			n.local = old.local
		}
		if old.peer != nil {
			n.peer = old.peer
		}
	}
	s.names = &n
}

// inherit gives a connection its listener's address, unless the listener has several.
func (s *Socket) inherit(ln *Socket) {
	if ln.names != nil && !ln.names.everywhere() {
		s.names = ln.names
	}
}

// everywhere reports whether a listening socket does so at all of the machine's addresses.
func (n *names) everywhere() bool {
	a, ok := n.local.(*net.TCPAddr)
	return ok && a.IP.IsUnspecified()
}

// remember asks the system for addresses that it will no longer know once the socket is closed.
func (s *Socket) remember() {
	if s.network == file || s.network == pipe {
		return
	}
	var n names
	if s.names == nil || s.names.local == nil {
		n.local = s.loop.host.LocalAddr(s.fd, s.packets())
	}
	if s.packets() && (s.names == nil || s.names.peer == nil) {
		n.peer = s.loop.host.PeerAddr(s.fd, true)
	}
	if n != (names{}) {
		s.know(n)
	}
}

// packets reports whether s is a datagram socket.
func (s *Socket) packets() bool { return s.network >= udp }

// LocalAddr returns the socket's own address, or nil if it has none. It works after Close too.
func (s *Socket) LocalAddr() net.Addr {
	s.loop.check("Socket.LocalAddr")
	if n := s.names; n != nil && n.local != nil {
		return host.CloneAddr(n.local)
	}
	if s.closed {
		return nil
	}
	return s.loop.host.LocalAddr(s.fd, s.packets())
}

// PeerAddr returns the address of the peer, or nil if there is none. It works after Close too, and
// when the peer has reset the connection.
func (s *Socket) PeerAddr() net.Addr {
	s.loop.check("Socket.PeerAddr")
	switch n := s.names; {
	case s.peer.Known():
		return s.peer.Addr()
	case n != nil && n.peer != nil:
		return host.CloneAddr(n.peer)
	case s.closed:
		return nil
	}
	return s.loop.host.PeerAddr(s.fd, s.packets())
}

// PeerHost returns the IP address of the peer, or whatever else names it, or "" if nothing does.
func (s *Socket) PeerHost() string {
	s.loop.check("Socket.PeerHost")
	switch a := s.PeerAddr().(type) {
	case nil:
		return ""
	case *net.TCPAddr:
		return a.IP.String()
	case *net.UnixAddr:
		if a.Name == "@" { // which is how the system shows an unnamed socket
			return ""
		}
		return a.Name
	default:
		return a.String()
	}
}
