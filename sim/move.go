package sim

import (
	"errors"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// porter moves descriptors between the loops of one World.
type porter struct{ of *World }

// parcel is a descriptor that no loop has at present.
type parcel struct {
	w *World
	d *desc
}

func (p porter) Give(fd host.FD) (host.Parcel, error) {
	d, err := p.of.machine().get(fd)
	if err != nil {
		return nil, err
	}
	p.of.unlevel(d)
	d.want, d.edge = 0, 0
	p.of.fds[fd] = nil
	p.of.tracef("give fd=%d", fd)
	return &parcel{p.of, d}, nil
}

func (p porter) Take(from host.Parcel) (host.FD, error) {
	c, ok := from.(*parcel)
	switch {
	case !ok || c.w != p.of:
		return 0, errors.New("a descriptor cannot move from one machine to another")
	case c.d == nil:
		return 0, syscall.EBADF
	}
	fd := p.of.open(c.d)
	c.d = nil
	p.of.tracef("take fd=%d", fd)
	return fd, nil
}

func (c *parcel) Drop() error {
	if c.d == nil {
		return syscall.EBADF
	}
	fd := c.w.open(c.d)
	c.d = nil
	return c.w.machine().CloseFD(fd)
}
