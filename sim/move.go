package sim

import (
	"errors"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// porter moves descriptors between the loops of a host. They have one table of them, as the threads of a
// process have, so a descriptor keeps its number.
type porter struct{ m *machine }

// parcel is a descriptor that no loop has at present.
type parcel struct{ d *desc }

func (p porter) Give(fd host.FD) (host.Parcel, error) {
	d, err := p.m.get(fd)
	if err != nil {
		return nil, err
	}
	if by := d.by; by != nil { // what it has not reported is found again when it is watched again
		by.edges = slices.DeleteFunc(by.edges, func(o *desc) bool { return o == d })
		d.edge, d.by = 0, nil
	}
	p.m.tracef("give fd=%d", fd)
	return parcel{d}, nil
}

func (p porter) Take(from host.Parcel) (host.FD, error) {
	c, ok := from.(parcel)
	switch {
	case !ok || c.d.host != p.m.host:
		return 0, errors.New("a descriptor cannot move from one machine to another")
	case p.m.dead:
		return 0, syscall.ENETDOWN
	case p.m.host.at(c.d.fd) != c.d:
		return 0, syscall.EBADF
	}
	p.m.tracef("take fd=%d", c.d.fd)
	return c.d.fd, nil
}

func (c parcel) Drop() error {
	if h := c.d.host; h.at(c.d.fd) == c.d {
		h.close(c.d)
	}
	return nil
}
