package host

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// control calls f with the descriptor that c holds.
func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func (h *epoll) Adopt(c syscall.Conn) (fd FD, mode Mode, err error) {
	n := -1
	err = control(c, func(fd int) (err error) {
		n, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		return os.NewSyscallError("fcntl", err)
	})
	if err != nil {
		return 0, Mode{}, err
	}
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFL, 0)
	if err == nil {
		err = unix.SetNonblock(n, true)
	}
	if err != nil {
		return 0, Mode{}, closing(n, os.NewSyscallError("fcntl", err))
	}
	// Who shares a listening socket may be in the midst of an accept, which must not begin to block when
	// this process leaves it: so it stays as it is now.
	listening, _ := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	h.share(FD(n), flags&unix.O_NONBLOCK == 0 && listening == 0)
	access := flags & unix.O_ACCMODE
	mode = Mode{Read: access != unix.O_WRONLY, Write: access != unix.O_RDONLY}
	mode.Stream, mode.Packets = kindOf(n)
	_, err = unix.IoctlGetTermios(n, unix.TCGETS)
	mode.Terminal = err == nil
	return FD(n), mode, nil
}

// kindOf reports whether bytes come without boundaries, as from a pipe or a stream socket, or as
// datagrams. A terminal gives a line at a time, and other sockets a message.
func kindOf(fd int) (stream, packets bool) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return false, false
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return true, false
	case unix.S_IFSOCK:
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		return err == nil && kind == unix.SOCK_STREAM, err == nil && kind == unix.SOCK_DGRAM
	}
	return false, false
}

// leave undoes what Adopt did to a file that others hold too. Closing a duplicate does not remove
// it from the epoll descriptor while the original is open, so it would be reported under a number
// that means something else by then.
func (h *epoll) leave(fd FD) {
	blocked, shared := h.shared[fd]
	if !shared {
		return
	}
	delete(h.shared, fd)
	_ = h.Unwatch(fd) // or it was never watched
	if blocked {
		_ = unix.SetNonblock(int(fd), false)
	}
}

func (h *epoll) Release(fd FD) (*os.File, error) {
	h.touched = true
	h.ours.giveAway(fd) // its path is the new owner's
	delete(h.shared, fd)
	if err := h.Unwatch(fd); err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(int(fd), false); err != nil { // or a process that inherits it could not read
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "socket"), nil
}

func (h *epoll) OpenPipe() (r, w FD, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return 0, 0, os.NewSyscallError("pipe2", err)
	}
	return FD(p[0]), FD(p[1]), nil
}

func (h *epoll) OpenTerminal() (FD, *os.File, error) {
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Open("/dev/ptmx", flags|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	n := 0
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
		n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
	}
	if err != nil {
		return 0, nil, closing(fd, os.NewSyscallError("ioctl", err))
	}
	name := "/dev/pts/" + strconv.Itoa(n)
	other, err := unix.Open(name, flags, 0)
	if err != nil {
		return 0, nil, closing(fd, &os.PathError{Op: "open", Path: name, Err: err})
	}
	return FD(fd), os.NewFile(uintptr(other), name), nil
}

func (h *epoll) Resize(fd FD, rows, columns int) error {
	return os.NewSyscallError("ioctl", unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ,
		&unix.Winsize{Row: uint16(rows), Col: uint16(columns)}))
}

func (h *epoll) OpenProcess(pid int) (FD, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	return FD(fd), os.NewSyscallError("pidfd_open", err)
}

// TakeInherited keeps a descriptor that the program inherited from being passed on to the processes
// it starts. It fails for one that was not inherited: those are closed on exec already.
func TakeInherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err == nil && flags&unix.FD_CLOEXEC != 0 {
		err = unix.EBADF
	}
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	return nil
}

// SocketPair returns two Unix stream sockets that are connected to each other.
func SocketPair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), "socketpair"), os.NewFile(uintptr(fds[1]), "socketpair"), nil
}
