package corolla

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// SocketOption says how a socket is made. What a listening socket is given, the connections
// that it accepts have too. Without any, sockets are as Go's net makes them: no delay of small
// writes, and a probe of idle TCP connections every 15 seconds.
type SocketOption func(*socketOptions)

type socketOptions struct {
	host.Settings
	dialTimeout time.Duration
	errs        []error
}

// defaultDialTimeout is how long Dial takes at the most unless DialTimeout says otherwise, as
// in Twisted; the system alone would take some two minutes.
const defaultDialTimeout = 30 * time.Second

func socketSettings(opts []SocketOption) (socketOptions, error) {
	o := socketOptions{dialTimeout: defaultDialTimeout}
	for _, opt := range opts {
		opt(&o)
	}
	return o, errors.Join(o.errs...)
}

func (o *socketOptions) number(what string, n int) int {
	if n <= 0 {
		o.errs = append(o.errs, fmt.Errorf("corolla: %s(%d): at least 1", what, n))
	}
	return n
}

// LocalAddr is where Dial connects from: a *net.TCPAddr, of which the port may be 0, or a
// *net.UnixAddr.
func LocalAddr(addr net.Addr) SocketOption { return func(o *socketOptions) { o.Local = addr } }

// DialTimeout is how long Dial takes at the most, for all addresses of a name together: 30
// seconds unless set. 0 is as long as the system does.
func DialTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.dialTimeout = d }
}

// KeepAlive is the time between probes of an idle TCP connection, in whole seconds: 15 unless
// set. Less than 0 is none.
func KeepAlive(d time.Duration) SocketOption {
	return func(o *socketOptions) {
		if o.Settings.KeepAlive = d; d < 0 {
			o.Settings.KeepAlive = -1
		}
	}
}

// NoDelay, which is on unless set, sends small writes at once; off, TCP collects them while
// others are not acknowledged (Nagle's algorithm).
func NoDelay(on bool) SocketOption { return func(o *socketOptions) { o.Delay = !on } }

// ReadBuffer is how many bytes the system keeps that were not read. It may round.
func ReadBuffer(bytes int) SocketOption {
	return func(o *socketOptions) { o.Settings.ReadBuffer = o.number("ReadBuffer", bytes) }
}

// WriteBuffer is how many bytes the system keeps that were not sent. It may round.
func WriteBuffer(bytes int) SocketOption {
	return func(o *socketOptions) { o.Settings.WriteBuffer = o.number("WriteBuffer", bytes) }
}

// ReusePort lets several sockets listen at one address, if each has asked for it: the system
// spreads connections over them.
func ReusePort() SocketOption { return func(o *socketOptions) { o.Settings.ReusePort = true } }

// Backlog is how many connections may wait to be accepted: as many as the system allows
// unless set.
func Backlog(n int) SocketOption {
	return func(o *socketOptions) { o.Settings.Backlog = o.number("Backlog", n) }
}
