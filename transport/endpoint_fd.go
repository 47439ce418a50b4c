package transport

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/corolla-go/corolla"
)

// Endpoints that are open already.

// inherited is what systemd has passed to the program, which can be asked for once only.
var inherited = sync.OnceValues(corolla.Inherited)

func listenSystemd(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	domain, name := a.Option("domain"), a.Option("name")
	index, numbered := a.Number("index", 10, 0, 1<<10)
	if name != "" && numbered {
		a.Fail("give an index or a name")
	}
	if err := a.noArguments(); err != nil {
		return nil, err
	}
	files, err := inherited()
	if err != nil {
		a.Fail("%w", err)
		return nil, a.err
	}
	f := pick(files, name, index)
	switch {
	case f == nil && name != "":
		a.Fail("name %q: no socket of that name was passed", name)
	case f == nil:
		a.Fail("index %d: %d sockets were passed", index, len(files))
	case name == "" && !numbered && len(files) > 1:
		a.Fail("%d sockets were passed: give an index or a name", len(files))
	}
	if a.err != nil {
		return nil, a.err
	}
	srv, err := serveFile(l, f, build, opts)
	if err == nil && domain != "" && !strings.EqualFold(domain, domainOf(srv.Addr())) {
		err = fmt.Errorf("domain %q: %v was passed", domain, srv.Addr())
		_ = srv.Close() // it has just begun
	}
	if err != nil {
		a.Fail("%w", err)
		return nil, a.err
	}
	return srv, nil
}

func pick(files []*os.File, name string, index int) *os.File {
	if name == "" {
		if index < len(files) {
			return files[index]
		}
		return nil
	}
	for _, f := range files {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

// domainOf returns what an address's kind is called in endpoints of systemd.
func domainOf(addr net.Addr) string {
	switch a := addr.(type) {
	case *net.UnixAddr:
		return "UNIX"
	case *net.TCPAddr:
		if a.IP.To4() != nil {
			return "INET"
		}
		return "INET6"
	}
	return ""
}

// serveFile serves at a file that is a listening socket.
func serveFile(l *corolla.Loop, f *os.File, build func(c *Conn) Protocol, opts []ServeOption) (*Server, error) {
	srv := newServer(build, opts)
	sock, err := l.Adopt(f, srv.options...)
	if err != nil {
		return nil, err
	}
	return srv.start(sock), nil
}

// descriptor takes the number of a descriptor, and returns it as a file with what closes it: the
// standard ones stay open.
func (a *EndpointArgs) descriptor() (f *os.File, done func()) {
	n := a.number("descriptor", a.Arg("descriptor"), 10, 0, 1<<20)
	if a.End() != nil {
		return nil, nil
	}
	if n < 3 {
		return []*os.File{os.Stdin, os.Stdout, os.Stderr}[n], func() {}
	}
	f = os.NewFile(uintptr(n), fmt.Sprintf("descriptor %d", n))
	return f, func() { _ = f.Close() } // it was duplicated
}

func listenFD(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	f, done := a.descriptor()
	if f == nil {
		return nil, a.err
	}
	srv, err := serveFile(l, f, build, opts)
	if err != nil {
		a.Fail("%w", err)
		return nil, a.err
	}
	done()
	return srv, nil
}

func connectFD(l *corolla.Loop, a *EndpointArgs, p Protocol, opts ...corolla.SocketOption) *corolla.Future[*Conn] {
	f, done := a.descriptor()
	if f == nil {
		return failedConn(l, a.err)
	}
	sock, err := l.Adopt(f, opts...)
	if err != nil {
		a.Fail("%w", err)
		return failedConn(l, a.err)
	}
	done()
	return resolved(New(sock, p))
}

// resolved returns a future of a connection, which resolves after Opened was called.
func resolved(c *Conn) *corolla.Future[*Conn] {
	result := corolla.NewFuture[*Conn](c.loop())
	result.OnCancel(func(cause error) {
		_ = result.Fail(&corolla.CanceledError{Cause: cause}) // it was pending
		c.Abort()
	})
	c.loop().Soon(func() { _ = result.Resolve(c) })
	return result
}

// noArguments ends the arguments of a kind that has none; "stdio:" looks as if it had an empty one.
func (a *EndpointArgs) noArguments() error {
	if len(a.args) == 1 && a.args[0] == "" {
		a.args = nil
	}
	return a.End()
}

// listenStandardIO serves its one connection at once. The Server has no socket.
func listenStandardIO(l *corolla.Loop, a *EndpointArgs, build func(c *Conn) Protocol, opts ...ServeOption) (*Server, error) {
	if err := a.noArguments(); err != nil {
		return nil, err
	}
	in, out, err := standardIO(l)
	if err != nil {
		a.Fail("%w", err)
		return nil, a.err
	}
	srv := newServer(build, opts)
	srv.sock = in
	srv.solo = true
	c := connectPair(in, out, nil)
	defer func() {
		if c.proto == nil { // build said no, or panicked
			c.end(nil, false)
		}
	}()
	if c.proto = build(c); c.proto != nil {
		c.openSoon()
	}
	return srv, nil
}

func connectStandardIO(l *corolla.Loop, a *EndpointArgs, p Protocol, _ ...corolla.SocketOption) *corolla.Future[*Conn] {
	if err := a.noArguments(); err != nil {
		return failedConn(l, err)
	}
	c, err := StandardIO(l, p)
	if err != nil {
		a.Fail("%w", err)
		return failedConn(l, a.err)
	}
	return resolved(c)
}
