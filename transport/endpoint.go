package transport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
)

// An Endpoint says where to listen or connect, and how, as a string for a configuration file or a
// flag (Twisted's endpoint strings). For servers:
//
//	tcp:8080   tcp:8080:interface=127.0.0.1:backlog=100   tcp6:8080
//	unix:/run/my.sock   unix:/run/my.sock:mode=660:lockfile=1
//	tls:443:cert=/etc/cert.pem:key=/etc/key.pem
//	systemd:   systemd:name=web   systemd:index=1   fd:3   stdio:
//	haproxy:tcp:8080:trust=10.0.0.0/8   haproxy: around any of the others but stdio
//
// and for clients:
//
//	tcp:host:8080:timeout=10   tls:host:443:ca=/etc/ca.pem   unix:/run/my.sock   fd:3   stdio:
//	process:/bin/sort:-n:dir=/tmp, if package process is part of the program
//	tls:host:endpoint=unix\:/run/my.sock   tls: with any other of these in it, escaped
//	socks5:proxy:1080:tls:host:443:user=me:password=secret
//	httpproxy:proxy:3128:tcp:host:80   both around tcp and tls, and around each other
//
// Servers have the options interface, the name or address of one of the machine's own, and backlog;
// with unix mode, the permissions as an octal number, and lockfile, for corolla.LockFile; and with tls
// cert and key (by default cert), extraCertChain, a file of certificates between that one and its CA's,
// and ca, CAs of one of which clients must have a certificate. Clients have timeout, in seconds, and
// bind, an IP address to connect from; and with tls ca, a file or a folder of files with certificates,
// name, the name that the server's certificate must have, by default the host's, and cert and key for
// one of their own. Both have handshake with tls, in seconds. haproxy has trust, the addresses of
// proxies and prefixes of these, separated by commas, by default those of the machine itself. socks5 and
// httpproxy, for corolla.DialProxy, have user and password, and their host and port come first. Twisted's
// names mean the same: certKey, privateKey, caCertsDir, trustRoots, certificate and bindAddress. Listen
// and Connect read certificate files, and Listen looks up host names, which may block.
//
// systemd is a socket that was passed to the program: the only one, or that of an index from 0, or of a
// name; see corolla.Inherited, which must not be called as well. fd is a descriptor by its number, which
// must be listening for Listen and connected for Connect, and is taken over. Listen on stdio serves one
// connection, the program's standard input and output.
//
// The kind comes first, then its arguments, by position or by name, and then the options. A colon,
// equals sign or backslash in a value is escaped with a backslash, as Quote does. "ssl" means
// "tls". RegisterEndpoint adds other kinds.
type Endpoint struct {
	Kind    string            // such as "tcp"
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
	if _, ok := kinds.get(e.Kind); !ok {
		return fail("unknown kind %q; one of: %s", e.Kind, strings.Join(kinds.names(), ", "))
	}
	return e, nil
}

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

// Listen serves at the endpoint, as Serve does.
func (e Endpoint) Listen(l *corolla.Loop, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	a := e.take()
	k, ok := kinds.get(e.Kind)
	if !ok || k.Listen == nil {
		a.Fail("%s is no kind to listen at", e.Kind)
		return nil, a.err
	}
	return k.Listen(l, a, build, opts...)
}

// Connect connects a protocol to the endpoint, as Dial does.
func (e Endpoint) Connect(l *corolla.Loop, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	a := e.take()
	k, ok := kinds.get(e.Kind)
	if !ok || k.Connect == nil {
		a.Fail("%s is no kind to connect to", e.Kind)
		return failedConn(l, a.err)
	}
	return k.Connect(l, a, p, opts...)
}

func failedConn(l *corolla.Loop, err error) *corolla.Future[*Conn] {
	result := corolla.NewFuture[*Conn](l)
	_ = result.Fail(err) // nothing else has settled it
	return result
}
