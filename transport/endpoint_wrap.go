package transport

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"slices"

	"github.com/corolla-go/corolla"
)

// Clients' endpoints around others: TLS, and proxies.

// ConnectFunc connects a protocol, as Dial does: the method Connect of an Endpoint, or a function of one's
// own.
type ConnectFunc func(l *corolla.Loop, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn]

// Connect calls f.
func (f ConnectFunc) Connect(l *corolla.Loop, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	return f(l, p, opts...)
}

// WrapClientTLS returns a ConnectFunc that connects by another and then starts TLS, as DialTLS does: Opened is
// called, and the future settled, after the handshake. cfg must have a ServerName, since there may be no
// address to take it from. (Twisted's wrapClientTLS.)
func WrapClientTLS(connect ConnectFunc, cfg *tls.Config) ConnectFunc {
	return func(l *corolla.Loop, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
		s := &starter{proto: p, cfg: cfg, opts: opts, result: corolla.NewFuture[*Conn](l)}
		inner := connect(l, s, opts...)
		s.result.OnCancel(func(cause error) {
			inner.Cancel(cause) // which does nothing if it has connected
			s.fail(&corolla.CanceledError{Cause: cause})
			if s.conn != nil {
				s.conn.Abort()
			}
		})
		inner.OnDone(func(f *corolla.Future[*Conn]) {
			if _, err := f.Result(); err != nil {
				s.fail(err)
			}
		})
		return s.result
	}
}

// starter is the Protocol of a connection on which TLS is being started.
type starter struct {
	proto  Protocol
	cfg    *tls.Config
	opts   []corolla.SocketOption
	result *corolla.Future[*Conn]
	conn   *Conn
}

func (s *starter) fail(err error) { _ = s.result.Fail(err) } // or it is settled

// Opened implements Protocol.
func (s *starter) Opened(c *Conn) {
	s.conn = c
	if err := c.ClientTLS(s.cfg, s.done, s.opts...); err != nil {
		s.fail(err)
		c.Abort()
	}
}

func (s *starter) done(err error) {
	if err != nil {
		s.fail(err)
		return
	}
	s.conn.SetProtocol(s.proto)
	s.conn.loop().Soon(func() { _ = s.result.Resolve(s.conn) })
	s.proto.Opened(s.conn)
}

// Data implements Protocol. TLS gets what arrives.
func (*starter) Data(*Conn, []byte) {}

// Closed implements Protocol.
func (s *starter) Closed(_ *Conn, err error) {
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	s.fail(err)
}

// connectWrapped is for tls with another endpoint in it.
func connectWrapped(l *corolla.Loop, a *EndpointArgs, host string, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	if len(a.args) > 0 || a.left["port"] != "" { // as Twisted has it, though nobody needs it
		a.port()
	}
	cfg, of := a.roots(), a.seconds("handshake", corolla.HandshakeTimeout)
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	in, err := ParseEndpoint(a.Option("endpoint"))
	if err != nil {
		a.Fail("%w", err)
	}
	if err := a.End(); err != nil {
		return failedConn(l, err)
	}
	return WrapClientTLS(in.Connect, cfg)(l, p, append(of, opts...)...)
}

// connectThrough has another endpoint connect by way of a proxy.
func connectThrough(l *corolla.Loop, a *EndpointArgs, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	proxy := &url.URL{Scheme: "socks5"}
	if a.e.Kind == "httpproxy" {
		proxy.Scheme = "http"
	}
	host := a.Arg("proxy's host")
	if port := a.Arg("proxy's port"); a.err == nil {
		a.number("proxy's port", port, 10, 1, 65535)
		proxy.Host = net.JoinHostPort(host, port)
	}
	user, password := a.Option("user"), a.Option("password")
	switch {
	case user != "":
		proxy.User = url.UserPassword(user, password)
	case password != "":
		a.Fail("a password without a user")
	}
	in := a.Inner()
	if a.err == nil && slices.Contains([]string{"fd", "process", "stdio", "unix"}, in.Kind) {
		a.Fail("%s cannot go around %s", a.e.Kind, in.Kind)
	}
	if a.err != nil {
		return failedConn(l, a.err)
	}
	return in.Connect(l, p, append(slices.Clip(opts), corolla.DialProxy(proxy))...) // behind those it is in
}
