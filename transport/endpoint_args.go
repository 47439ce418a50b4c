package transport

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
)

// EndpointArgs are what an Endpoint says, for its kind to take one by one. They remember the first
// error, which End returns.
type EndpointArgs struct {
	e    Endpoint
	args []string
	left map[string]string
	err  error
}

func (e Endpoint) take() *EndpointArgs {
	a := &EndpointArgs{e: e, args: e.Args, left: maps.Clone(e.Options)}
	if a.left == nil {
		a.left = map[string]string{}
	}
	return a
}

// Fail records what is wrong with the endpoint, unless something else is already.
func (a *EndpointArgs) Fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf("endpoint %q: "+format, append([]any{a.e.String()}, args...)...)
	}
}

// Arg takes the next argument, by position or by name. It is required.
func (a *EndpointArgs) Arg(name string) string {
	if len(a.args) > 0 {
		v := a.args[0]
		a.args = a.args[1:]
		return v
	}
	v, ok := a.left[name]
	if !ok {
		a.Fail("no %s", name)
	}
	delete(a.left, name)
	return v
}

// Option takes an option, by the first of its names that is given, or else returns "".
func (a *EndpointArgs) Option(names ...string) (value string) {
	for _, name := range names {
		v, ok := a.left[name]
		if !ok {
			continue
		}
		if value != "" {
			a.Fail("%s given twice, also as %s", names[0], name)
		}
		value = v
		delete(a.left, name)
	}
	return value
}

// Number takes an option that is a number from least to most, written in a base, and reports whether it
// is given.
func (a *EndpointArgs) Number(name string, base, least, most int) (int, bool) {
	s := a.Option(name)
	if s == "" {
		return 0, false
	}
	return a.number(name, s, base, least, most), true
}

func (a *EndpointArgs) number(name, s string, base, least, most int) int {
	n, err := strconv.ParseInt(s, base, 0)
	if err == nil && int(n) >= least && int(n) <= most {
		return int(n)
	}
	kind := "a number"
	if base == 8 {
		kind = "an octal number"
	}
	a.Fail("%s %q: want %s from %s to %s", name, s, kind, strconv.FormatInt(int64(least), base), strconv.FormatInt(int64(most), base))
	return least
}

// Seconds takes an option that is a time in seconds, and reports whether it is given.
func (a *EndpointArgs) Seconds(name string) (time.Duration, bool) {
	s := a.Option(name)
	if s == "" {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds >= 0 && seconds <= 1e6) {
		a.Fail("%s %q: want a number of seconds", name, s)
	}
	return time.Duration(seconds * 1e9), true
}

// seconds is Seconds, for a socket.
func (a *EndpointArgs) seconds(name string, option func(time.Duration) corolla.SocketOption) []corolla.SocketOption {
	d, ok := a.Seconds(name)
	if !ok || a.err != nil {
		return nil
	}
	return []corolla.SocketOption{option(d)}
}

// Rest takes all arguments that are left.
func (a *EndpointArgs) Rest() []string {
	rest := a.args
	a.args = nil
	return rest
}

// Inner takes everything that is left as an endpoint, for a kind that goes around another.
func (a *EndpointArgs) Inner() Endpoint {
	in := Endpoint{Kind: a.Arg("endpoint"), Args: a.Rest(), Options: a.left}
	a.left = nil
	if a.err != nil {
		return in
	}
	parsed, err := ParseEndpoint(in.String())
	if err != nil {
		a.Fail("%w", err)
	}
	return parsed
}

// End returns the first error; what nobody has taken is one.
func (a *EndpointArgs) End() error {
	if len(a.args) > 0 {
		a.Fail("unexpected argument %q", a.args[0])
	}
	for _, name := range slices.Sorted(maps.Keys(a.left)) {
		if slices.Contains(knownOptions, name) {
			a.Fail("%s does not apply to %s here", name, a.e.Kind)
		}
		a.Fail("unknown option %q", name)
	}
	return a.err
}

// knownOptions are those of the kinds in this package.
var knownOptions = []string{
	"backlog", "bind", "bindAddress", "ca", "caCertsDir", "cert", "certKey", "certificate", "domain", "endpoint",
	"extraCertChain", "handshake", "host", "index", "interface", "key", "lockfile", "mode", "name", "password", "path",
	"port", "privateKey", "timeout", "trust", "trustRoots", "user",
}
