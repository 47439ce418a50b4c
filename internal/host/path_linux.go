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
	lock int // a descriptor; -1 if none
}

// lockPath locks the path of a socket, in a file of its own, for as long as the descriptor is open. It
// is EADDRINUSE if another process has the lock.
func lockPath(sa unix.Sockaddr) (int, error) {
	name, ok := pathOf(sa)
	if !ok {
		return -1, nil
	}
	fd, err := unix.Open(name+".lock", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return -1, err
	}
	if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err == nil {
		return fd, nil
	}
	if err == unix.EWOULDBLOCK {
		err = unix.EADDRINUSE
	}
	return -1, closing(fd, err)
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
func (p *paths) note(fd FD, sa unix.Sockaddr, lock int) {
	name, ok := pathOf(sa)
	var st unix.Stat_t
	if !ok || unix.Lstat(name, &st) != nil {
		if lock >= 0 {
			_ = unix.Close(lock)
		}
		return
	}
	if *p == nil {
		*p = paths{}
	}
	(*p)[fd] = path{name, st.Dev, st.Ino, lock}
}

// giveAway forgets the path of a socket that goes on elsewhere, and lets its lock go.
func (p paths) giveAway(fd FD) {
	if own, ok := p[fd]; ok && own.lock >= 0 {
		_ = unix.Close(own.lock)
	}
	delete(p, fd)
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
	if own.lock >= 0 {
		_ = unix.Close(own.lock) // the file stays: removing it could take a lock from its next owner
	}
}
