package host

import "golang.org/x/sys/unix"

// A listening Unix socket has a path in the file system, which outlives the process that made it. A
// path that nothing listens on is taken over; on closing, the path is removed unless something else
// has taken its place (as asyncio does since 3.13).

// paths are those of listening sockets.
type paths map[FD]path

type path struct {
	name string
	dev  uint64
	ino  uint64
}

// stale removes the path of a socket that nothing listens on, and reports whether it did.
func stale(sa unix.Sockaddr) bool {
	name, ok := pathOf(sa)
	if !ok {
		return false
	}
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return false // not a socket, so not ours to remove
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	err = unix.Connect(fd, sa)
	return closing(fd, err) == unix.ECONNREFUSED && unix.Unlink(name) == nil
}

// pathOf returns a socket's path. Abstract names, which begin with @ or 0, have none.
func pathOf(sa unix.Sockaddr) (string, bool) {
	u, ok := sa.(*unix.SockaddrUnix)
	if !ok || u.Name == "" || u.Name[0] == '@' || u.Name[0] == 0 {
		return "", false
	}
	return u.Name, true
}

// note remembers the path that a listening socket made.
func (p *paths) note(fd FD, sa unix.Sockaddr) {
	name, ok := pathOf(sa)
	var st unix.Stat_t
	if !ok || unix.Lstat(name, &st) != nil {
		return
	}
	if *p == nil {
		*p = paths{}
	}
	(*p)[fd] = path{name, st.Dev, st.Ino}
}

// unlink removes the path of a socket that is being closed, if it is still its own.
func (p paths) unlink(fd FD) {
	own, ok := p[fd]
	if !ok {
		return
	}
	delete(p, fd)
	var st unix.Stat_t
	if unix.Lstat(own.name, &st) == nil && st.Dev == own.dev && st.Ino == own.ino {
		_ = unix.Unlink(own.name) // gone by now is fine too
	}
}
