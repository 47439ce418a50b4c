package host

import (
	"errors"

	"golang.org/x/sys/unix"
)

// belongings are what a Host remembers of some of its descriptors.
type belongings struct {
	ours   paths
	shared map[FD]bool // adopted descriptors, and whether they blocked before
}

// parcel is a descriptor and what belonged to it.
type parcel struct {
	fd      FD
	path    *path
	shared  bool
	blocked bool
}

func (b *belongings) Give(fd FD) (Parcel, error) {
	p := &parcel{fd: fd}
	if own, ok := b.ours[fd]; ok {
		p.path = &own
		delete(b.ours, fd)
	}
	if p.blocked, p.shared = b.shared[fd]; p.shared {
		delete(b.shared, fd)
	}
	return p, nil
}

func (b *belongings) Take(from Parcel) (FD, error) {
	p, ok := from.(*parcel)
	if !ok {
		return 0, errors.New("a simulated descriptor cannot be taken to a real machine")
	}
	if p.path != nil {
		if b.ours == nil {
			b.ours = paths{}
		}
		b.ours[p.fd] = *p.path
	}
	if p.shared {
		b.share(p.fd, p.blocked)
	}
	return p.fd, nil
}

// share remembers an adopted descriptor.
func (b *belongings) share(fd FD, blocked bool) {
	if b.shared == nil {
		b.shared = map[FD]bool{}
	}
	b.shared[fd] = blocked
}

func (p *parcel) Drop() error {
	if p.path != nil {
		paths{p.fd: *p.path}.unlink(p.fd)
	}
	if p.blocked {
		_ = unix.SetNonblock(int(p.fd), false) // for the others that hold it
	}
	return unix.Close(int(p.fd))
}
