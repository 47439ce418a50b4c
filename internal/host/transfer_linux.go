package host

import (
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

func (h *epoll) TrySplice(to, from FD, n int) (int, error) {
	h.touched = true
	for {
		moved, err := unix.Splice(int(from), nil, int(to), nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err != unix.EINTR {
			return moving(int(moved), err)
		}
	}
}

// moving translates the result of moving bytes: none at all means the end of their source.
func moving(n int, err error) (int, error) {
	switch {
	case err == unix.EAGAIN:
		return 0, ErrAgain
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (h *epoll) TrySendFile(to FD, f *os.File, off int64, n int) (sent int, err error) {
	h.touched = true
	e := control(f, func(fd int) error {
		for {
			at := off
			if sent, err = unix.Sendfile(int(to), fd, &at, n); err != unix.EINTR {
				return nil
			}
		}
	})
	if e != nil {
		return 0, e
	}
	return moving(sent, err)
}

func (h *epoll) TryWriteFiles(fd FD, b []byte, files []syscall.Conn) (n int, err error) {
	h.touched = true
	fds := make([]int, 0, len(files))
	defer runtime.KeepAlive(files) // or the descriptors could be closed meanwhile
	for _, f := range files {
		if err := control(f, func(fd int) error { fds = append(fds, fd); return nil }); err != nil {
			return 0, err
		}
	}
	for {
		n, err := unix.SendmsgN(int(fd), b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		switch err {
		case unix.EAGAIN:
			return 0, ErrAgain
		case unix.EINTR:
		default:
			return n, err
		}
	}
}

func (h *epoll) TryReadFiles(fd FD, b []byte) (int, []*os.File, error) {
	h.touched = true
	if h.control == nil {
		h.control = make([]byte, unix.CmsgSpace(4*MaxFiles))
	}
	for {
		n, noob, flags, _, err := unix.Recvmsg(int(fd), b, h.control, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EAGAIN:
			return 0, nil, ErrAgain
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, nil, err
		}
		files, err := received(h.control[:noob])
		if err == nil && flags&unix.MSG_CTRUNC != 0 {
			err = unix.EMFILE // the process has no descriptors left for them; the system does not say so
		}
		if err == nil && n == 0 && len(files) == 0 {
			err = io.EOF
		}
		if err != nil {
			for _, f := range files {
				_ = f.Close() // the caller never sees them
			}
			return n, nil, err
		}
		return n, files, nil
	}
}

// received turns the descriptors in a control message into files.
func received(oob []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			continue
		}
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return files, os.NewSyscallError("recvmsg", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func (h *epoll) Credentials(fd FD) (Credentials, error) {
	c, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Credentials{}, os.NewSyscallError("getsockopt", err)
	}
	return Credentials{PID: int(c.Pid), UID: int(c.Uid), GID: int(c.Gid)}, nil
}
