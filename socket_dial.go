package corolla

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// attemptDelay is how long one address is tried alone before the next is tried as well
// (RFC 8305, 8: 250 ms).
const attemptDelay = 250 * time.Millisecond

// Dial connects to an address in Go's notation on "tcp", "tcp4", "tcp6" or "unix". Names are
// looked up on another goroutine, as by Resolve. Several addresses are tried with the families
// alternating, the next one when one has failed or has taken 250 ms; the first to answer wins and
// the others are abandoned (Happy Eyeballs, RFC 8305). If all fail, their errors are joined.
// After 30 seconds, or the time set with DialTimeout, the error is a *TimeoutError. Canceling the
// future ends the attempts.
func (l *Loop) Dial(network, address string, opts ...SocketOption) *Future[*Socket] {
	d := &dialer{address: address, result: NewFuture[*Socket](l), opts: opts}
	set, err := socketSettings(opts)
	if l.state >= closing {
		err = ErrLoopClosed
	}
	if err != nil {
		d.end(nil, fmt.Errorf("dial %s: %w", address, err))
		return d.result
	}
	first, way, err := hops(set.through, network, address)
	if err != nil {
		d.end(nil, fmt.Errorf("dial %s: %w", address, err))
		return d.result
	}
	d.way = way
	d.result.OnCancel(d.cancel)
	if set.dialTimeout > 0 {
		d.limit = l.After(set.dialTimeout, func() {
			d.lookup.Cancel(nil)
			late := fmt.Errorf("dial %s: %s%w", address, d.asked, &TimeoutError{After: set.dialTimeout})
			d.end(nil, errors.Join(append(d.errs, late)...))
		})
	}
	d.lookup = l.Resolve(network, first)
	d.lookup.OnDone(d.resolved)
	return d.result
}

// dialer is one Dial in progress.
type dialer struct {
	address string
	result  *Future[*Socket]
	lookup  *Future[[]net.Addr]
	addrs   []net.Addr // still to try
	trying  []*Socket
	opts    []SocketOption
	way     []hop  // proxies still to ask
	asked   string // which has not answered
	delay   *Timer
	limit   *Timer
	errs    []error
}

func (d *dialer) resolved(f *Future[[]net.Addr]) {
	addrs, err := f.Result()
	switch {
	case d.result.done:
	case err != nil:
		d.end(nil, fmt.Errorf("dial %s: %w", d.address, err))
	default:
		d.addrs = interleave(addrs)
		d.next()
	}
}

// interleave alternates the address families, beginning with that of the first address.
func interleave(addrs []net.Addr) []net.Addr {
	var first, other []net.Addr
	for _, a := range addrs {
		if is4(a) == is4(addrs[0]) {
			first = append(first, a)
		} else {
			other = append(other, a)
		}
	}
	mixed := make([]net.Addr, 0, len(addrs))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(other) {
			mixed = append(mixed, other[i])
		}
	}
	return mixed
}

func is4(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.To4() != nil
}

// next tries the next address, if there is one.
func (d *dialer) next() {
	l := d.result.loop
	for len(d.addrs) > 0 {
		addr := d.addrs[0]
		d.addrs = d.addrs[1:]
		sock, err := l.Connect(addr, d.opts...)
		if err != nil {
			d.errs = append(d.errs, err)
			continue
		}
		d.trying = append(d.trying, sock)
		sock.OnWritable(func() { d.tried(sock, addr) })
		if len(d.addrs) > 0 {
			d.delay = l.After(attemptDelay, d.next)
		}
		return
	}
	if len(d.trying) == 0 {
		d.end(nil, errors.Join(d.errs...))
	}
}

// tried is called when an attempt has ended.
func (d *dialer) tried(sock *Socket, addr net.Addr) {
	d.trying = slices.DeleteFunc(d.trying, func(s *Socket) bool { return s == sock })
	sock.OnWritable(nil)
	err := sock.ConnectError()
	if err == nil && len(d.way) > 0 {
		d.abandon()
		d.trying = []*Socket{sock}
		d.tunnel(sock)
		return
	}
	if err == nil {
		d.end(sock, nil)
		return
	}
	d.errs = append(d.errs, opError("dial", addr, err))
	_ = sock.Close() // it never was connected
	if d.delay != nil {
		d.delay.stop()
	}
	d.next()
}

// tunnel has the next proxy connect to the one behind it, or to the address.
func (d *dialer) tunnel(sock *Socket) {
	if len(d.way) == 0 {
		d.trying = nil
		d.end(sock, nil)
		return
	}
	next := d.way[0]
	d.way = d.way[1:]
	d.asked = fmt.Sprintf("proxy %s has not answered: ", next.proxy.Host)
	Tunnel(sock, next.proxy, nil, next.target).OnDone(func(f *Future[struct{}]) {
		_, err := f.Result()
		switch {
		case d.result.done: // which closed the socket
		case err != nil:
			d.end(nil, fmt.Errorf("dial %s: %w", d.address, err))
		default:
			d.tunnel(sock)
		}
	})
}

// end settles the result, and abandons the other attempts.
func (d *dialer) end(s *Socket, err error) {
	d.abandon()
	if d.limit != nil {
		d.limit.stop()
	}
	d.result.settleOnce(s, err)
}

// abandon ends the attempts.
func (d *dialer) abandon() {
	if d.delay != nil {
		d.delay.stop()
	}
	for _, s := range d.trying {
		_ = s.Close()
	}
	d.trying = nil
}

func (d *dialer) cancel(cause error) {
	d.lookup.Cancel(cause)
	d.end(nil, &CanceledError{Cause: cause})
}
