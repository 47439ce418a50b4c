package corolla

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/corolla-go/corolla/internal/host"
)

// A listening socket behind a proxy keeps each connection to itself until its head has been read, so
// that nothing else has to know: whoever accepts gets it with the announced addresses, and limits for
// each peer, reports and handlers see those. Reading the head on the first Read of the connection, as
// wrappers of net.Conn do, was rejected: the peer's address would be asked for before it is known, and
// one silent connection could hold up whoever reads.

// ProxyProtocol has a listening socket expect that a proxy connects, and begins by saying for whom, in
// the PROXY protocol's version 1 or 2, as HAProxy, nginx, Envoy and others do. LocalAddr and PeerAddr of
// an accepted socket are then those of the proxy's own connection with its client; if the proxy speaks
// for itself, as for a health check, or does not know, they are the connection's own. TLS comes after
// that.
//
// Only peers with an address in one of the prefixes are believed; others are reset, and the first one is
// reported, since anybody could say anything. A listening Unix socket needs no prefixes: whoever may
// connect is believed. A connection is reset, and reported, if what it begins with is not a head of at
// most 107 bytes in version 1, or 4 KiB in version 2. The head must come within HandshakeTimeout, and at
// most 1024 connections of a listener wait for theirs at a time; more wait to be accepted.
//
// Sockets that do not listen have no use for it. (The specification is haproxy's proxy-protocol.txt.)
func ProxyProtocol(trusted ...netip.Prefix) SocketOption {
	return func(o *socketOptions) {
		o.proxy = &proxyListener{}
		for _, p := range trusted {
			if !p.IsValid() {
				o.errs = append(o.errs, fmt.Errorf("corolla: ProxyProtocol(%v): not a prefix", p))
				continue
			}
			if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
				p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
			}
			o.proxy.trusted = append(o.proxy.trusted, p)
		}
	}
}

var errNobodyTrusted = fmt.Errorf("corolla: ProxyProtocol: no prefix of trusted peers")

// maxHeads is how many connections of a listener may wait for their heads at a time.
const maxHeads = 1024

// maxHeadAccepts is how many connections one call accepts without finding one for its caller, so that
// a flood of them leaves time for others.
const maxHeadAccepts = 64

// proxyListener is what a listening socket with ProxyProtocol has.
type proxyListener struct {
	trusted []netip.Prefix

	waiting []*proxyHead // in order of arrival
	ready   []*Socket    // their heads were read
	refused bool         // a peer, and that was reported
	begun   bool
}

// accept is TryAccept.
func (p *proxyListener) accept(s *Socket) (*Socket, error) {
	for range maxHeadAccepts {
		if len(p.ready) > 0 {
			c := p.ready[0]
			p.ready = p.ready[1:]
			return c, nil
		}
		if len(p.waiting) >= maxHeads {
			s.r.ready = false // until one is over
			return nil, ErrWouldBlock
		}
		c, err := acceptBare(s)
		if err != nil {
			return nil, err
		}
		p.begin(s, c)
	}
	s.r.ready = false
	s.loop.Soon(s.r.begin)
	return nil, ErrWouldBlock
}

// begin waits for a connection's head.
func (p *proxyListener) begin(s, c *Socket) {
	if !p.believes(c) {
		if !p.refused {
			p.refused = true
			s.loop.report(fmt.Errorf("accept at %v: %v is no trusted proxy; connections from such peers are reset", s.LocalAddr(), c.PeerAddr()))
		}
		_ = c.Reset() // it was open
		return
	}
	if !p.begun {
		p.begun = true
		s.OnClosed(p.close)
	}
	h := &proxyHead{p: p, ln: s, sock: c}
	p.waiting = append(p.waiting, h)
	if d := s.set.handshakeTimeout; d > 0 {
		h.limit = s.loop.After(d, func() { h.fail(&TimeoutError{After: d}) })
	}
	c.OnReadable(h.read)
}

func (p *proxyListener) believes(c *Socket) bool {
	if c.network == unix {
		return true
	}
	a, ok := c.PeerAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	return slices.ContainsFunc(p.trusted, func(t netip.Prefix) bool { return t.Contains(ip) })
}

// close ends the connections that nobody will accept, when the listening socket is closed.
func (p *proxyListener) close() {
	for _, h := range p.waiting {
		h.stop()
		_ = h.sock.Reset() // or its loop has dropped it
	}
	for _, c := range p.ready {
		_ = c.Reset()
	}
	p.waiting, p.ready = nil, nil
}

// proxyHead is a head being read.
type proxyHead struct {
	p     *proxyListener
	ln    *Socket
	sock  *Socket
	limit *Timer
	got   []byte
}

// read reads what is there of the head, and nothing behind it: that is for whoever gets the socket.
func (h *proxyHead) read() {
	for {
		n, err := proxyLacks(h.got)
		if err != nil {
			h.fail(err)
			return
		}
		if n == 0 {
			h.parse()
			return
		}
		have := len(h.got)
		h.got = slices.Grow(h.got, n)
		n, err = h.sock.TryRead(h.got[have : have+n])
		h.got = h.got[:have+n]
		switch {
		case err == ErrWouldBlock:
			return
		case err == io.EOF && have > 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			h.fail(err)
			return
		}
	}
}

func (h *proxyHead) parse() {
	from, to, err := parseProxyHead(h.got)
	if err != nil {
		h.fail(err)
		return
	}
	h.over()
	c := h.sock
	c.OnReadable(nil)
	if from != nil {
		var known bool
		if c.peer, known = host.EndpointOf(from); known {
			c.names = &names{local: to}
		} else {
			c.names = &names{local: to, peer: from}
		}
	}
	throttleAsSet(c)
	h.p.ready = append(h.p.ready, c)
	h.ln.r.begin()
}

// fail resets the connection. One that ends before it has said anything, as a check of whether the port
// is open does, is not worth a report.
func (h *proxyHead) fail(err error) {
	h.over()
	if len(h.got) > 0 {
		h.sock.loop.report(fmt.Errorf("PROXY head from %v at %v: %w", h.sock.PeerAddr(), h.ln.LocalAddr(), err))
	}
	_ = h.sock.Reset() // it is open
	h.ln.r.begin()     // there is room
}

func (h *proxyHead) over() {
	h.stop()
	h.p.waiting = slices.DeleteFunc(h.p.waiting, func(o *proxyHead) bool { return o == h })
}

func (h *proxyHead) stop() {
	if h.limit != nil {
		h.limit.stop()
	}
}
