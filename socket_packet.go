package corolla

import "net"

// Datagram sockets are Sockets: readiness is the same, and only what is tried differs.

// TryReadFrom reads one datagram, which may have no bytes, and says who sent it. If it is
// longer than b, the rest is lost, and truncated says so. ErrWouldBlock means that there is
// none; other errors, such as ECONNREFUSED for one that was sent before, are the system's,
// bare, and leave the socket as it is.
func (s *Socket) TryReadFrom(b []byte) (n int, from net.Addr, truncated bool, err error) {
	s.loop.check("Socket.TryReadFrom")
	if !s.may(&s.r, 1) {
		return 0, nil, false, s.refusal("read", 1)
	}
	n, from, truncated, err = s.loop.host.TryReadFrom(s.fd, b)
	s.r.tried(false, err)
	return n, from, truncated, err
}

// TryWriteTo sends one datagram, which may have no bytes, to an address, or to that of
// OpenPacket if it is nil.
func (s *Socket) TryWriteTo(b []byte, to net.Addr) error {
	s.loop.check("Socket.TryWriteTo")
	if !s.may(&s.w, 1) {
		return s.refusal("write", 1)
	}
	if err := wantKind(to, true); err != nil {
		return err
	}
	err := s.loop.host.TryWriteTo(s.fd, b, to)
	s.w.tried(false, err)
	return err
}
