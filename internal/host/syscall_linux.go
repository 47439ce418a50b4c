package host

import (
	"io"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These are the system calls of the steady state. On a non-blocking descriptor none of them can
// block, so they are made with RawSyscall: Go's scheduler need not know. Never use RawSyscall for
// one that may block.

func epollWait(epfd int, events []unix.EpollEvent) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		if e == 0 {
			return int(n), nil
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func epollCtl(epfd, op, fd int, ev *unix.EpollEvent) error {
	_, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(ev)), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

func (h *epoll) TryRead(fd FD, b []byte) (int, error) {
	h.touched = true
	for {
		n, _, e := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch {
		case e == 0 && n == 0:
			return 0, io.EOF
		case e == 0:
			return int(n), nil
		case e == unix.EAGAIN:
			return 0, ErrAgain
		case e != unix.EINTR:
			return 0, e
		}
	}
}

func (h *epoll) TryWrite(fd FD, b []byte) (int, error) {
	h.touched = true
	for {
		// A write to a socket whose peer is gone must be an error, not a signal
		// that ends the process: Go ignores SIGPIPE except on descriptors 1 and 2.
		n, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch {
		case e == 0:
			return int(n), nil
		case e == unix.EAGAIN:
			return 0, ErrAgain
		case e != unix.EINTR:
			return 0, e
		}
	}
}

func (h *epoll) TryWriteBatch(fd FD, bufs [][]byte) (int, error) {
	h.touched = true
	n := min(len(bufs), MaxBatch)
	for i, b := range bufs[:n] {
		h.vectors[i].Base = &b[0]
		h.vectors[i].SetLen(len(b))
	}
	defer clear(h.vectors[:n])
	for {
		done, _, e := syscall.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&h.vectors[0])), uintptr(n))
		switch {
		case e == 0:
			return int(done), nil
		case e == unix.EAGAIN:
			return 0, ErrAgain
		case e != unix.EINTR:
			return 0, e
		}
	}
}

func (h *epoll) Accept(fd FD) (Accepted, error) {
	c, err := h.accept(fd)
	if (err == unix.EMFILE || err == unix.ENFILE) && h.reserve >= 0 {
		_ = unix.Close(h.reserve) // makes room for one
		h.reserve = -1
		if c, err = h.accept(fd); err == nil {
			_ = unix.Close(int(c.FD)) // shed
			err = ErrShed
		}
	}
	if h.reserve < 0 {
		h.reserve = openReserve()
	}
	return c, err
}

// openReserve opens a descriptor that is only there to be given up, or returns -1.
func openReserve() int {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

func (h *epoll) accept(fd FD) (Accepted, error) {
	h.touched = true
	var name unix.RawSockaddrAny
	for {
		size := uint32(unix.SizeofSockaddrAny)
		n, _, e := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&name)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch e {
		case 0:
			c := Accepted{FD: FD(n)}
			c.Peer, c.Other = fromName(&name)
			return c, nil
		case unix.EAGAIN:
			return Accepted{}, ErrAgain
		case unix.EINTR, unix.ECONNABORTED: // the latter: it was gone before it was accepted
		default:
			return Accepted{}, e
		}
	}
}

// TryReadUnix uses recvmsg, which reports that it has discarded files that were not received.
func (h *epoll) TryReadUnix(fd FD, b []byte) (n int, more bool, err error) {
	h.touched = true
	h.vectors[0].Base = &b[0]
	h.vectors[0].SetLen(len(b))
	h.message = unix.Msghdr{Iov: &h.vectors[0], Iovlen: 1}
	defer clear(h.vectors[:1])
	for {
		n, _, e := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.message)), 0)
		switch {
		case e == 0 && n == 0:
			return 0, false, io.EOF
		case e == 0:
			return int(n), h.message.Flags&unix.MSG_CTRUNC != 0, nil
		case e == unix.EAGAIN:
			return 0, false, ErrAgain
		case e != unix.EINTR:
			return 0, false, e
		}
	}
}
