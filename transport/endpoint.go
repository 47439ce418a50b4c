package transport

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
)

// An Endpoint says where to listen or connect, and how, as a string for a configuration file or a
// flag (Twisted's endpoint strings). For servers:
//
//	tcp:8080   tcp:8080:interface=127.0.0.1:backlog=100   tcp6:8080   unix:/run/my.sock
//	tls:443:cert=/etc/cert.pem:key=/etc/key.pem
//
// and for clients:
//
//	tcp:host:8080:timeout=10   tls:host:443:ca=/etc/ca.pem   unix:/run/my.sock
//
// Servers have the options interface and backlog, and with tls cert and key (by default cert).
// Clients have timeout, in seconds, and bind, an IP address to connect from, and with tls ca and
// name, the name that the server's certificate must have. Both have handshake with tls, in seconds.
// Listen and Connect read certificate files, which may block.
//
// The kind comes first, then its arguments, by position or by name, and then the options. A colon,
// equals sign or backslash in a value is escaped with a backslash, as Quote does. "ssl" means
// "tls".
type Endpoint struct {
	Kind    string            // "tcp", "tcp4", "tcp6", "tls" or "unix"
	Args    []string          // by position
	Options map[string]string // by name
}

// Quote escapes a value for an endpoint string.
func Quote(s string) string { return quoter.Replace(s) }

var quoter = strings.NewReplacer(`\`, `\\`, ":", `\:`, "=", `\=`)

// ParseEndpoint parses an endpoint string. Whether it suits a server or a client is left for Listen
// and Connect to check.
func ParseEndpoint(s string) (Endpoint, error) {
	fail := func(format string, args ...any) (Endpoint, error) {
		return Endpoint{}, fmt.Errorf("endpoint %q: "+format, append([]any{s}, args...)...)
	}
	e := Endpoint{Options: map[string]string{}}
	parts, err := split(s)
	if err != nil {
		return fail("%w", err)
	}
	for i, p := range parts {
		switch {
		case i == 0 && p.named:
			return fail("starts with a name instead of a kind")
		case i == 0:
			e.Kind = p.value
		case !p.named && len(e.Options) > 0:
			return fail("%q follows an option but has no name", p.value)
		case !p.named:
			e.Args = append(e.Args, p.value)
		default:
			if _, twice := e.Options[p.name]; twice {
				return fail("%s given twice", p.name)
			}
			e.Options[p.name] = p.value
		}
	}
	if e.Kind == "ssl" {
		e.Kind = "tls"
	}
	if !slices.Contains(kinds, e.Kind) {
		return fail("unknown kind %q; one of: %s", e.Kind, strings.Join(kinds, ", "))
	}
	return e, nil
}

var kinds = []string{"tcp", "tcp4", "tcp6", "tls", "unix"}

// String returns the endpoint as ParseEndpoint reads it.
func (e Endpoint) String() string {
	parts := []string{Quote(e.Kind)}
	for _, a := range e.Args {
		parts = append(parts, Quote(a))
	}
	names := make([]string, 0, len(e.Options))
	for name := range e.Options {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, Quote(name)+"="+Quote(e.Options[name]))
	}
	return strings.Join(parts, ":")
}

// part is the text between two colons.
type part struct {
	name, value string
	named       bool
}

func split(s string) (parts []part, err error) {
	var p part
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 == len(s):
			return nil, fmt.Errorf("ends with a backslash")
		case c == '\\':
			i++
			text.WriteByte(s[i])
		case c == ':':
			p.value = text.String()
			parts = append(parts, p)
			p, text = part{}, strings.Builder{}
		case c == '=' && !p.named:
			p.name, p.named = text.String(), true
			text.Reset()
		default:
			text.WriteByte(c)
		}
	}
	p.value = text.String()
	return append(parts, p), nil
}

// reader takes arguments and options one by one, and remembers the first error.
type reader struct {
	e    Endpoint
	left map[string]string
	args []string
	err  error
}

func (e Endpoint) reader() *reader {
	r := &reader{e: e, args: e.Args, left: map[string]string{}}
	for name, value := range e.Options {
		r.left[name] = value
	}
	return r
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("endpoint %q: "+format, append([]any{r.e.String()}, args...)...)
	}
}

// arg takes the next argument, by position or by name. It is required.
func (r *reader) arg(name string) string {
	if len(r.args) > 0 {
		v := r.args[0]
		r.args = r.args[1:]
		return v
	}
	v, ok := r.left[name]
	if !ok {
		r.fail("no %s", name)
	}
	delete(r.left, name)
	return v
}

// option takes an option, or else a default.
func (r *reader) option(name, otherwise string) string {
	v, ok := r.left[name]
	if !ok {
		return otherwise
	}
	delete(r.left, name)
	return v
}

func (r *reader) port() string {
	s := r.arg("port")
	if n, err := strconv.Atoi(s); r.err == nil && (err != nil || n < 0 || n > 65535) {
		r.fail("port %q: want a number from 0 to 65535", s)
	}
	return s
}

// seconds takes an option that is a time in seconds, if it is given.
func (r *reader) seconds(name string, option func(time.Duration) corolla.SocketOption) []corolla.SocketOption {
	s := r.option(name, "")
	if s == "" {
		return nil
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds >= 0 && seconds <= 1e6) {
		r.fail("%s %q: want a number of seconds", name, s)
		return nil
	}
	return []corolla.SocketOption{option(time.Duration(seconds * 1e9))}
}

// end rejects what is left once everything expected has been taken.
func (r *reader) end() error {
	if len(r.args) > 0 {
		r.fail("unexpected argument %q", r.args[0])
	}
	for _, name := range []string{"interface", "backlog", "timeout", "bind", "handshake", "cert", "key", "ca", "name", "host", "port", "path"} {
		if _, ok := r.left[name]; ok {
			r.fail("%s does not apply to %s here", name, r.e.Kind)
		}
	}
	for name := range r.left {
		r.fail("unknown option %q", name)
	}
	return r.err
}

// Listen serves at the endpoint, as Serve does.
func (e Endpoint) Listen(l *corolla.Loop, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	r := e.reader()
	var network, address string
	var cfg *tls.Config
	if e.Kind == "unix" {
		network, address = "unix", r.arg("path")
	} else {
		port := r.port()
		network, address = strings.Replace(e.Kind, "tls", "tcp", 1), net.JoinHostPort(r.option("interface", ""), port)
	}
	if s := r.option("backlog", ""); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n <= 0 {
			r.fail("backlog %q: want a number of at least 1", s)
		}
		opts = append([]ServeOption{Options(corolla.Backlog(max(n, 1)))}, opts...)
	}
	if e.Kind == "tls" {
		cfg = r.certificate()
		opts = append([]ServeOption{Options(r.seconds("handshake", corolla.HandshakeTimeout)...)}, opts...)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if cfg != nil {
		return ServeTLS(l, network, address, cfg, build, opts...)
	}
	return Serve(l, network, address, build, opts...)
}

// Connect connects a protocol to the endpoint, as Dial does.
func (e Endpoint) Connect(l *corolla.Loop, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	r := e.reader()
	var network, address string
	var cfg *tls.Config
	if e.Kind == "unix" {
		network, address = "unix", r.arg("path")
	} else {
		host := r.arg("host")
		network, address = strings.Replace(e.Kind, "tls", "tcp", 1), net.JoinHostPort(host, r.port())
	}
	opts = append(r.seconds("timeout", corolla.DialTimeout), opts...)
	if s := r.option("bind", ""); s != "" {
		ip := net.ParseIP(s)
		if ip == nil {
			r.fail("bind %q: want an IP address", s)
		}
		opts = append([]corolla.SocketOption{corolla.LocalAddr(&net.TCPAddr{IP: ip})}, opts...)
	}
	if e.Kind == "tls" {
		cfg = r.roots()
		opts = append(r.seconds("handshake", corolla.HandshakeTimeout), opts...)
	}
	if err := r.end(); err != nil {
		result := corolla.NewFuture[*Conn](l)
		_ = result.Fail(err) // nothing else has settled it
		return result
	}
	if cfg != nil {
		return DialTLS(l, network, address, cfg, p, opts...)
	}
	return Dial(l, network, address, p, opts...)
}
