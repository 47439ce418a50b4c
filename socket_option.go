package corolla

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/corolla-go/corolla/internal/host"
)

// SocketOption says how a socket is made. What a listening socket is given, the connections
// that it accepts have too. Without any, sockets are as Go's net makes them: no delay of small
// writes, and a probe of idle TCP connections every 15 seconds.
type SocketOption func(*socketOptions)

type socketOptions struct {
	host.Settings
	dialTimeout      time.Duration
	handshakeTimeout time.Duration
	handshakes       *Semaphore
	policies         Policies
	limits           throttle
	gates            *gates         // of a socket that is throttled: it has options of its own
	proxy            *proxyListener // nil unless ProxyProtocol is given
	through          []*url.URL     // proxies, in the order in which they are reached
	feed             *Feed          // of its socket
	errs             []error
}

// defaultDialTimeout is how long Dial takes at the most unless DialTimeout says otherwise, as
// in Twisted; the system alone would take some two minutes.
const defaultDialTimeout = 30 * time.Second

// Limits of TLS handshakes unless HandshakeTimeout and MaxHandshakes say otherwise. asyncio lets one
// take a minute, which is long for a server with silent peers.
const (
	DefaultHandshakeTimeout = 10 * time.Second
	DefaultMaxHandshakes    = 256 // of one listener's connections
)

func socketSettings(opts []SocketOption) (socketOptions, error) {
	o := socketOptions{
		dialTimeout: defaultDialTimeout, handshakeTimeout: DefaultHandshakeTimeout, policies: defaultPolicies,
	}
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

func (o *socketOptions) limit(what string, d time.Duration) time.Duration {
	if d < 0 {
		o.errs = append(o.errs, fmt.Errorf("corolla: %s(%v): at least 0", what, d))
	}
	return d
}

// LocalAddr is where Dial connects from: a *net.TCPAddr, of which the port may be 0, or a
// *net.UnixAddr. Sockets that listen have no use for it, or for DialTimeout.
func LocalAddr(addr net.Addr) SocketOption { return func(o *socketOptions) { o.Local = addr } }

// DialTimeout is how long Dial takes at the most, for all addresses of a name together: 30
// seconds unless set. 0 is as long as the system does; less is an error.
func DialTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.dialTimeout = o.limit("DialTimeout", d) }
}

// HandshakeTimeout is how long a TLS handshake may take at the most, the wait for the peer's first
// byte and for its turn among others included, and how long the head that ProxyProtocol expects: 10
// seconds unless set. 0 is as long as the peer
// likes; less is an error. Sockets without TLS have no use for it, or for MaxHandshakes.
func HandshakeTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.handshakeTimeout = o.limit("HandshakeTimeout", d) }
}

// MaxHandshakes is how many TLS handshakes, at least 1, are at work at a time; more wait for their
// turn. One that waits for its peer is not at work: a peer that is silent holds up nobody. All that
// are given the same option, on one loop, share the number. Unless set it is 256 for each listener,
// and there is no limit for other connections.
func MaxHandshakes(n int) SocketOption {
	places := NewSemaphore(max(n, 1))
	return func(o *socketOptions) {
		o.number("MaxHandshakes", n)
		o.handshakes = places
	}
}

// Handshakes returns what options say of TLS handshakes, for who does them: how long one may take,
// 0 being no limit, and the places among those that work, nil if the options say nothing of that.
func Handshakes(opts ...SocketOption) (timeout time.Duration, places *Semaphore, err error) {
	o, err := socketSettings(opts)
	return o.handshakeTimeout, o.handshakes, err
}

// KeepAlive is how long a TCP connection idles before it is probed, and the time between probes:
// 15 seconds unless set, and if 0. It is rounded up to whole seconds. Less than 0 is no probes.
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

// ReadBuffer is how many bytes, at least 1, the system keeps that were not read. It may round.
func ReadBuffer(bytes int) SocketOption {
	return func(o *socketOptions) { o.Settings.ReadBuffer = o.number("ReadBuffer", bytes) }
}

// WriteBuffer is how many bytes, at least 1, the system keeps that were not sent. It may round.
func WriteBuffer(bytes int) SocketOption {
	return func(o *socketOptions) { o.Settings.WriteBuffer = o.number("WriteBuffer", bytes) }
}

// ReusePort lets several sockets listen at one address, if each has asked for it: the system
// spreads connections over them.
func ReusePort() SocketOption { return func(o *socketOptions) { o.Settings.ReusePort = true } }

// FileMode is the permissions of the path of a listening Unix socket, such as 0o660: what the umask
// leaves of 0o777 unless set. To connect, one needs to be allowed to write.
func FileMode(mode os.FileMode) SocketOption {
	return func(o *socketOptions) {
		if o.Mode = uint32(mode.Perm()); o.Mode == 0 || mode != mode.Perm() {
			o.errs = append(o.errs, fmt.Errorf("corolla: FileMode(%#o): want permissions", uint32(mode)))
		}
	}
}

// LockFile has a listening Unix socket hold a lock on its path, in a file of the same name with .lock
// behind it, which stays. A path that nothing listens on is taken over anyway; two that want the same
// one in the same moment need the lock, so that one of them gets EADDRINUSE. All of them must ask for it.
func LockFile() SocketOption { return func(o *socketOptions) { o.Lock = true } }

// Backlog is how many connections, at least 1, may wait to be accepted: as many as the system allows
// unless set.
func Backlog(n int) SocketOption {
	return func(o *socketOptions) { o.Settings.Backlog = o.number("Backlog", n) }
}
