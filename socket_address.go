package corolla

import (
	"net"

	"github.com/corolla-go/corolla/internal/host"
)

// A socket's addresses are known for as long as anybody has the Socket, also after Close and when
// the peer has reset the connection, which the system then forgets the peer of.
//
// The peer's comes with the connection: accept4 returns it, and dialing knows it. The socket's own
// is that of the listener it came from, if that listens at one address. If it listens at all of
// them, the system is asked when somebody wants to know, and when the socket is closed: a call of
// 0.4 µs there, which was the cheapest of all moments, since it costs nothing while a connection
// lives, and no memory. Asking when it is accepted, as Go's net does, was rejected for both.

// names are addresses of a socket that do not fit into it. They are not changed once they are
// there: connections share those of their listener.
type names struct {
	local net.Addr
	peer  net.Addr // if the socket's own field does not say it
}

// setPeer notes where the other side is.
func (s *Socket) setPeer(addr net.Addr) {
	if e, ok := host.EndpointOf(addr); ok {
		s.peer = e.Reached()
	} else if addr != nil {
		s.know(names{peer: host.CloneAddr(addr)})
	}
}

// know adds what was not known before.
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

// inherit gives a connection what is known of its own address because its listener has only one.
func (s *Socket) inherit(ln *Socket) {
	if ln.names == nil {
		return
	}
	if a, ok := ln.names.local.(*net.TCPAddr); !ok || !a.IP.IsUnspecified() {
		s.names = ln.names
	}
}

// remember asks the system for what it will not know any more when the socket is closed.
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

// packets reports whether it is a datagram socket.
func (s *Socket) packets() bool { return s.network >= udp }

// LocalAddr returns the socket's own address, or nil if it has none. It is known after Close too.
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

// PeerAddr returns the address of the other side, or nil if there is none. It is known after Close
// too, and when the peer has reset the connection.
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

// PeerHost returns the IP address of the other side, or what else names it; empty if nothing
// does.
func (s *Socket) PeerHost() string {
	s.loop.check("Socket.PeerHost")
	switch a := s.PeerAddr().(type) {
	case nil:
		return ""
	case *net.TCPAddr:
		return a.IP.String()
	case *net.UnixAddr:
		if a.Name == "@" { // how the system shows that it has no name
			return ""
		}
		return a.Name
	default:
		return a.String()
	}
}
