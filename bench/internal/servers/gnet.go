package servers

import (
	"fmt"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// gnetEcho is gnet with one event loop, and its defaults otherwise.
func gnetEcho() error {
	return gnet.Run(&gnetHandler{}, "tcp4://127.0.0.1:0",
		gnet.WithNumEventLoop(1), gnet.WithLogger(quiet{}))
}

// quiet is a logger for gnet, whose own prints a greeting on standard output at any level, where
// the address belongs.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warnf(string, ...any)  {}

func (quiet) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "gnet: "+format+"\n", args...)
}

func (q quiet) Fatalf(format string, args ...any) {
	q.Errorf(format, args...)
	os.Exit(1)
}

type gnetHandler struct{ gnet.BuiltinEventEngine }

// OnBoot prints the address, which gnet offers only through the listener's descriptor.
func (*gnetHandler) OnBoot(e gnet.Engine) gnet.Action {
	if err := printPort(e); err != nil {
		fmt.Fprintln(os.Stderr, "gnet:", err)
		return gnet.Shutdown
	}
	return gnet.None
}

func printPort(e gnet.Engine) error {
	fd, err := e.Dup()
	if err != nil {
		return fmt.Errorf("duplicate the listener: %w", err)
	}
	defer unix.Close(fd)
	name, err := unix.Getsockname(fd)
	if err != nil {
		return fmt.Errorf("getsockname: %w", err)
	}
	addr, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return fmt.Errorf("the listener's address is a %T", name)
	}
	fmt.Printf("127.0.0.1:%d\n", addr.Port)
	return nil
}

func (*gnetHandler) OnTraffic(c gnet.Conn) gnet.Action {
	b, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := c.Write(b); err != nil {
		return gnet.Close
	}
	return gnet.None
}
