package corolla

import (
	"fmt"
	"log/slog"
	"time"
)

// What options say of connections that their socket does not see to: how long they may last, and what is
// logged of them. Packages aio and transport, and what is built on them, do it for every connection, be
// it accepted, dialed or adopted. They are options of sockets, so that a listener is given them once for
// all its connections, and so that every model has the same ones.

// Policies is what options say of a connection; see those of the same names.
type Policies struct {
	LingerTimeout time.Duration
	IdleTimeout   time.Duration
	LifeTimeout   time.Duration
	LogTraffic    *TrafficLog // nil if nothing is logged
}

var defaultPolicies = Policies{LingerTimeout: 30 * time.Second}

// Policies returns what options say of the socket, or of the listener that accepted it. It is for those
// who make connections of sockets: the Socket itself closes at once, lasts, and logs nothing.
func (s *Socket) Policies() Policies {
	s.loop.check("Socket.Policies")
	if s.set == nil {
		return defaultPolicies
	}
	return s.set.policies
}

// LingerTimeout is how long a connection that was closed goes on without its peer taking anything of
// what was written before, until it is given up: 30 seconds unless set. 0 is as long as the system
// has patience, which is for ever with a peer that is there and does not read; less is an error. What
// belongs to a loop that is closed has CloseTimeout.
func LingerTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.policies.LingerTimeout = o.limit("LingerTimeout", d) }
}

// IdleTimeout ends a connection when for d nothing was received, written, or taken by its peer: 0, which
// it is unless set, is never; less is an error. What the peer takes is looked at once every d. A
// connection that waits for its turn under a Throttle is not idle. The connection is closed, or reset if
// anything is unsent; those who use it get a *TimeoutError, which is an os.ErrDeadlineExceeded.
// (Twisted's TimeoutMixin and TimeoutFactory.)
func IdleTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.policies.IdleTimeout = o.limit("IdleTimeout", d) }
}

// LifeTimeout ends a connection, as IdleTimeout does, d after it was made, whatever happens on it: 0,
// which it is unless set, is never; less is an error. It bounds what a peer can hold that sends a byte
// now and then.
func LifeTimeout(d time.Duration) SocketOption {
	return func(o *socketOptions) { o.policies.LifeTimeout = o.limit("LifeTimeout", d) }
}

// TrafficFormat says how bytes are logged.
type TrafficFormat uint8

const (
	// AsText logs bytes as a string, with what cannot be printed as in a Go string: "GET / HTTP/1.1\r\n".
	AsText TrafficFormat = iota
	// AsHex logs bytes as pairs of hexadecimal digits.
	AsHex
)

// TrafficLog is what LogTraffic is given.
type TrafficLog struct {
	Logger *slog.Logger
	Format TrafficFormat
	Most   int // bytes
}

// LogTraffic logs what connections do: when they are opened, what is read and what is written, when one
// of the ends is done, and when they are closed, with how much was read and written in all. Each record
// has the connection's addresses, and of the bytes the first most, or all of them if most is less than 0.
// With TLS they are what was said through it. What is sent from a file, or moved from one connection to
// another, is only counted.
//
// Records have the level Debug, and the time of the loop's clock. The logger's handler runs on the loop:
// one that blocks holds it up. Nothing is left out of what is logged: that it may hold passwords is for
// whoever logs it to think of. (Twisted's TrafficLoggingFactory.)
func LogTraffic(to *slog.Logger, as TrafficFormat, most int) SocketOption {
	return func(o *socketOptions) {
		if to == nil {
			o.errs = append(o.errs, fmt.Errorf("corolla: LogTraffic to a logger that is nil"))
			return
		}
		o.policies.LogTraffic = &TrafficLog{to, as, most}
	}
}
