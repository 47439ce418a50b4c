package corolla

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen returns a socket that listens on "tcp", "tcp4", "tcp6" or "unix" at an
// address in Go's notation. A host name, as against an IP address, is looked up
// within the call, which may block: give addresses to a loop that runs.
func (l *Loop) Listen(network, address string) (*Socket, error) {
	l.check("Listen")
	addrs, err := l.host.Resolve(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	s, err := l.ListenAddr(addrs[0])
	if errors.Is(err, syscall.EAFNOSUPPORT) && len(addrs) > 1 { // a machine without IPv6
		s, err = l.ListenAddr(addrs[1])
	}
	return s, err
}

// Dial connects to an address in Go's notation on "tcp", "tcp4", "tcp6" or "unix".
// Names are looked up on another goroutine; the addresses are then tried one after
// the other. Canceling the future ends the attempt.
func (l *Loop) Dial(network, address string) *Future[*Socket] {
	d := &dialer{address: address, result: NewFuture[*Socket](l)}
	d.result.OnCancel(d.cancel)
	d.lookup = Offload(l, func() ([]net.Addr, error) { return l.host.Resolve(network, address) })
	d.lookup.OnDone(d.resolved)
	return d.result
}

// dialer is one Dial under way.
type dialer struct {
	address string
	result  *Future[*Socket]
	lookup  *Future[[]net.Addr]
	addrs   []net.Addr // still to try
	sock    *Socket    // being tried
	errs    []error
}

func (d *dialer) resolved(f *Future[[]net.Addr]) {
	addrs, err := f.Result()
	if d.result.done {
		return
	}
	if err != nil {
		d.end(nil, fmt.Errorf("dial %s: %w", d.address, err))
		return
	}
	d.addrs = addrs
	d.next()
}

func (d *dialer) next() {
	for len(d.addrs) > 0 {
		addr := d.addrs[0]
		d.addrs = d.addrs[1:]
		sock, err := d.result.loop.Connect(addr)
		if err == nil {
			d.sock = sock
			sock.OnWritable(func() { d.tried(addr) })
			return
		}
		d.errs = append(d.errs, err)
	}
	d.end(nil, errors.Join(d.errs...))
}

func (d *dialer) tried(addr net.Addr) {
	sock := d.sock
	d.sock = nil
	sock.OnWritable(nil)
	if err := sock.ConnectError(); err != nil {
		d.errs = append(d.errs, opError("dial", addr, err), sock.Close())
		d.next()
		return
	}
	d.end(sock, nil)
}

func (d *dialer) end(s *Socket, err error) {
	if !d.result.done {
		d.result.settle(s, err)
	}
}

func (d *dialer) cancel(cause error) {
	d.lookup.Cancel(cause)
	err := error(&CanceledError{Cause: cause})
	if d.sock != nil {
		if e := d.sock.Close(); e != nil {
			err = errors.Join(err, e)
		}
		d.sock = nil
	}
	d.end(nil, err)
}
