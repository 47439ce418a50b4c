package transport

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/corolla-go/corolla"
)

// EndpointKind is what a kind of Endpoint does. A function that is nil is one that it does not have.
type EndpointKind struct {
	// Listen serves at the endpoint, as Serve does.
	Listen func(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error)
	// Connect connects p to the endpoint, as Dial does.
	Connect func(l *corolla.Loop, a *EndpointArgs, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn]
}

// RegisterEndpoint adds a kind of Endpoint, for the whole program. It panics if there is one of that name.
// Safe from any goroutine.
func RegisterEndpoint(kind string, k EndpointKind) { kinds.add(kind, k) }

// registry is the kinds that there are. It belongs to no loop, hence the mutex, which is held for a look
// at a map and no longer.
type registry struct {
	mu    sync.Mutex
	kinds map[string]EndpointKind
}

var kinds registry

func init() { // a variable's value could not refer to itself, as haproxy does
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		kinds.add(network, EndpointKind{listenTCP, connectTCP})
	}
	kinds.add("tls", EndpointKind{listenTCP, connectTCP})
	kinds.add("unix", EndpointKind{listenUnix, connectUnix})
	for _, scheme := range []string{"socks5", "httpproxy"} {
		kinds.add(scheme, EndpointKind{Connect: connectThrough})
	}
	kinds.add("haproxy", EndpointKind{Listen: listenProxied})
	kinds.add("systemd", EndpointKind{Listen: listenSystemd})
	kinds.add("fd", EndpointKind{listenFD, connectFD})
	kinds.add("stdio", EndpointKind{listenStandardIO, connectStandardIO})
}

func (r *registry) add(kind string, k EndpointKind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kinds[kind]; ok || kind == "" || kind == "ssl" {
		panic(fmt.Sprintf("transport: RegisterEndpoint(%q): the name is taken", kind))
	}
	if r.kinds == nil {
		r.kinds = map[string]EndpointKind{}
	}
	r.kinds[kind] = k
}

func (r *registry) get(kind string) (EndpointKind, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.kinds[kind]
	return k, ok
}

func (r *registry) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.kinds))
}

// before puts options of the endpoint before those of the program, which go before them.
func before(opts []ServeOption, of ...corolla.SocketOption) []ServeOption {
	return append([]ServeOption{Options(of...)}, opts...)
}

func (a *EndpointArgs) port() string {
	s := a.Arg("port")
	if a.err == nil {
		a.number("port", s, 10, 0, 65535)
	}
	return s
}

func (a *EndpointArgs) backlog() []corolla.SocketOption {
	if n, ok := a.Number("backlog", 10, 1, 1<<20); ok {
		return []corolla.SocketOption{corolla.Backlog(n)}
	}
	return nil
}

// listenTCP is for tls too.
func listenTCP(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	port := a.port()
	network, address := strings.Replace(a.e.Kind, "tls", "tcp", 1), net.JoinHostPort(a.Option("interface"), port)
	of := a.backlog()
	var cfg *tls.Config
	if a.e.Kind == "tls" {
		cfg = a.certificate()
		of = append(of, a.seconds("handshake", corolla.HandshakeTimeout)...)
	}
	if err := a.End(); err != nil {
		return nil, err
	}
	if cfg != nil {
		return ServeTLS(l, network, address, cfg, build, before(opts, of...)...)
	}
	return Serve(l, network, address, build, before(opts, of...)...)
}

func connectTCP(l *corolla.Loop, a *EndpointArgs, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	host := a.Arg("host")
	if a.e.Kind == "tls" && a.left["endpoint"] != "" {
		return connectWrapped(l, a, host, p, opts...)
	}
	network, address := strings.Replace(a.e.Kind, "tls", "tcp", 1), net.JoinHostPort(host, a.port())
	of := a.seconds("timeout", corolla.DialTimeout)
	if s := a.Option("bind", "bindAddress"); s != "" {
		ip := net.ParseIP(s)
		if ip == nil {
			a.Fail("bind %q: want an IP address", s)
		}
		of = append(of, corolla.LocalAddr(&net.TCPAddr{IP: ip}))
	}
	var cfg *tls.Config
	if a.e.Kind == "tls" {
		cfg = a.roots()
		of = append(of, a.seconds("handshake", corolla.HandshakeTimeout)...)
	}
	if err := a.End(); err != nil {
		return failedConn(l, err)
	}
	if cfg != nil {
		return DialTLS(l, network, address, cfg, p, append(of, opts...)...)
	}
	return Dial(l, network, address, p, append(of, opts...)...)
}

func listenUnix(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	path, of := a.Arg("path"), a.backlog()
	if mode, ok := a.Number("mode", 8, 1, 0o777); ok {
		of = append(of, corolla.FileMode(os.FileMode(mode)))
	}
	if lock, ok := a.Number("lockfile", 10, 0, 1); ok && lock == 1 {
		of = append(of, corolla.LockFile())
	}
	if err := a.End(); err != nil {
		return nil, err
	}
	return Serve(l, "unix", path, build, before(opts, of...)...)
}

func connectUnix(l *corolla.Loop, a *EndpointArgs, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	path, of := a.Arg("path"), a.seconds("timeout", corolla.DialTimeout)
	if err := a.End(); err != nil {
		return failedConn(l, err)
	}
	return Dial(l, "unix", path, p, append(of, opts...)...)
}

// listenProxied has another endpoint expect the PROXY protocol.
func listenProxied(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	list := a.Option("trust")
	if list == "" {
		list = "127.0.0.0/8,::1"
	}
	var trusted []netip.Prefix
	for s := range strings.SplitSeq(list, ",") {
		p, err := netip.ParsePrefix(s)
		if ip, e := netip.ParseAddr(s); e == nil {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			a.Fail("trust %q: want IP addresses or prefixes of these", s)
		}
		trusted = append(trusted, p)
	}
	in := a.Inner()
	if a.err == nil && (in.Kind == "stdio" || in.Kind == "haproxy") {
		a.Fail("haproxy cannot go around %s", in.Kind)
	}
	if a.err != nil {
		return nil, a.err
	}
	return in.Listen(l, build, before(opts, corolla.ProxyProtocol(trusted...))...)
}
