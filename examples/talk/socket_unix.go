//go:build unix

package talk

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// dial returns a connected, blocking socket, as a program that knows only system
// calls would make it. The address is of numbers, so nothing is looked up.
func dial(addr string) (fd int, err error) {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0, err
	}
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()})
	if a.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.Connect(fd, sa); err != nil {
		return 0, errors.Join(fmt.Errorf("dial %s: %w", addr, err), unix.Close(fd))
	}
	return fd, nil
}

// dialNonblocking returns a connected socket that never blocks.
func dialNonblocking(addr string) (fd int, err error) {
	if fd, err = dial(addr); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return fd, err
}

// waitWritable is select(2) for one descriptor that we want to write to. With poll it
// only looks.
func waitWritable(fd int, poll bool) (bool, error) {
	var set unix.FdSet
	set.Set(fd)
	var timeout *unix.Timeval // nil is for ever
	if poll {
		timeout = &unix.Timeval{}
	}
	for {
		n, err := unix.Select(fd+1, nil, &set, nil, timeout)
		if err != unix.EINTR {
			return n > 0, err
		}
	}
}

// observer waits, in a thread of its own, for a socket to become writable.
type observer struct {
	moved, quit, ended chan struct{}
}

func newObserver(fd int, writable func()) *observer {
	o := &observer{make(chan struct{}, 1), make(chan struct{}), make(chan struct{})}
	o.look()
	go func() {
		defer close(o.ended)
		for {
			select {
			case <-o.moved:
			case <-o.quit:
				return
			}
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			for {
				n, err := unix.Poll(fds, 20)
				if n > 0 && err == nil {
					writable()
					break
				}
				select {
				case <-o.quit:
					return
				default:
				}
			}
		}
	}()
	return o
}

// look says that bytes have moved: what was seen before is over.
func (o *observer) look() {
	select {
	case o.moved <- struct{}{}:
	default:
	}
}

func (o *observer) stop() {
	close(o.quit)
	<-o.ended
}
