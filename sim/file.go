package sim

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// A simulated machine has pipes, and sends files; it has no files, terminals or processes of its
// own, and no descriptor can enter or leave it.

// absent is what a simulated machine does not have.
type absent struct{}

func unsupported(what string) error {
	return fmt.Errorf("%s on a simulated machine: %w", what, errors.ErrUnsupported)
}

func (absent) Adopt(syscall.Conn) (host.FD, host.Mode, error) {
	return 0, host.Mode{}, unsupported("adopting a descriptor")
}

func (absent) Release(host.FD) (*os.File, error) { return nil, unsupported("giving a socket away") }

func (absent) OpenTerminal() (host.FD, *os.File, error) {
	return 0, nil, unsupported("a terminal")
}

func (absent) Resize(host.FD, int, int) error { return unsupported("a terminal") }

func (absent) OpenProcess(int) (host.FD, error) { return 0, unsupported("a process") }

func (absent) TryWriteFiles(host.FD, []byte, []syscall.Conn) (int, error) {
	return 0, unsupported("passing files")
}

// TryReadFiles is TryRead: no files ever arrive.
func (m *machine) TryReadFiles(fd host.FD, b []byte) (int, []*os.File, error) {
	n, err := m.TryRead(fd, b)
	return n, nil, err
}

// Credentials are made up: the peer is the same program.
func (m *machine) Credentials(fd host.FD) (host.Credentials, error) {
	d, err := m.get(fd)
	if err == nil && d.other == nil {
		err = syscall.ENOTCONN
	}
	return host.Credentials{PID: 1, UID: 1000, GID: 1000}, err
}

func (m *machine) OpenPipe() (r, w host.FD, err error) {
	if err := m.room(2); err != nil {
		return 0, 0, err
	}
	reader, writer := m.host.newDesc(), m.host.newDesc()
	reader.join(writer)
	reader.end, writer.end = readEnd, writeEnd
	reader.connected, writer.connected = true, true
	reader.shut = true
	m.tracef("pipe fd=%d fd=%d", m.host.open(reader), m.host.open(writer))
	return reader.fd, writer.fd, nil
}

// end says which end of a pipe a stream is, if it is one.
type end uint8

const (
	readEnd end = iota + 1
	writeEnd
)

// pour writes into a pipe, which has no latency: what is written has arrived.
func (d *desc) pour(b []byte) (int, error) {
	if d.other.closed {
		return 0, syscall.EPIPE
	}
	n := min(len(b), d.capacity()-len(d.other.in))
	if d.blocked = n < len(b); n <= 0 {
		return 0, host.ErrAgain
	}
	d.other.in = append(d.other.in, b[:n]...)
	d.other.raise(host.Readable)
	return n, nil
}

// TrySplice moves as much as one end has and the other takes.
func (m *machine) TrySplice(to, from host.FD, n int) (int, error) {
	s, err := m.get(from)
	if err != nil {
		return 0, err
	}
	if len(s.in) == 0 {
		return m.TryRead(from, make([]byte, 1)) // which says why
	}
	n, err = m.TryWrite(to, s.in[:min(n, len(s.in))])
	if err != nil {
		return 0, err
	}
	return m.TryRead(from, make([]byte, n))
}

func (m *machine) TrySendFile(to host.FD, f *os.File, off int64, n int) (int, error) {
	b := make([]byte, n)
	n, err := f.ReadAt(b, off)
	if n == 0 {
		return 0, err
	}
	if err != nil && err != io.EOF {
		return 0, err
	}
	return m.TryWrite(to, b[:n])
}

// SetMember joins or leaves a group; what is sent to a group arrives at all its members.
func (m *machine) SetMember(fd host.FD, group net.IP, _ *net.Interface, member bool) error {
	d, err := m.get(fd)
	if err != nil {
		return err
	}
	is := slices.ContainsFunc(d.groups, group.Equal)
	switch {
	case !d.datagram:
		return syscall.EINVAL
	case member && is:
		return syscall.EADDRINUSE
	case !member && !is:
		return syscall.EADDRNOTAVAIL
	case member:
		d.groups = append(d.groups, group)
	default:
		d.groups = slices.DeleteFunc(d.groups, group.Equal)
	}
	return nil
}
