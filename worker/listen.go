package worker

import (
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/corolla-go/corolla"
)

// listeners are the sockets that a parent holds. It has them as files, and not on its loop, which would be
// woken by each connection.
type listeners struct {
	names []string
	files []*os.File
	paths []path
}

// path is that of a Unix socket, which the parent removes when it ends.
type path struct {
	name string
	made os.FileInfo
}

// listen opens what a pool listens at, or takes it from systemd: sockets that have the names of addresses, or, if
// none has, as many as there are, in their order.
func (s *supervisor) listen() (err error) {
	defer func() {
		if err != nil {
			s.listeners.close()
		}
	}()
	passed, err := corolla.Inherited()
	if err != nil {
		return err
	}
	found := make([]*os.File, len(s.Listen))
	named := false
	for i, a := range s.Listen {
		for _, f := range passed {
			if f.Name() == a.Name {
				found[i], named = f, true
			}
		}
	}
	switch {
	case named || len(passed) == 0:
	case len(passed) == len(s.Listen):
		copy(found, passed)
	default:
		err = fmt.Errorf("worker: %d sockets were passed, none under a name in Pool.Listen, which has %d", len(passed), len(s.Listen))
	}
	for i, a := range s.Listen {
		if err == nil {
			err = s.open(a, found[i])
		}
	}
	for _, f := range passed {
		_ = f.Close() // those that are used were duplicated
	}
	return err
}

// open opens an address, or takes a socket that was passed.
func (s *supervisor) open(a Address, passed *os.File) error {
	var sock *corolla.Socket
	var err error
	if passed != nil {
		sock, err = s.loop.Adopt(passed)
	} else {
		sock, err = s.loop.Listen(a.Network, a.Address, a.Options...)
	}
	if err != nil {
		return fmt.Errorf("worker: socket %q: %w", a.Name, err)
	}
	addr := sock.LocalAddr()
	f, err := sock.Detach() // in blocking mode, which os.StartProcess would return it to
	if err != nil {
		_ = sock.Close()
		return fmt.Errorf("worker: socket %q: %w", a.Name, err)
	}
	s.listeners.names = append(s.listeners.names, a.Name)
	s.listeners.files = append(s.listeners.files, f)
	if u, ok := addr.(*net.UnixAddr); ok && passed == nil {
		if made, err := os.Lstat(u.Name); err == nil { // else its name is abstract
			s.listeners.paths = append(s.listeners.paths, path{u.Name, made})
		}
	}
	s.log.Info("listening", slog.String("name", a.Name), slog.String("addr", addr.String()), slog.Bool("passed", passed != nil))
	return nil
}

// close closes the sockets, and removes paths that are still those of ours.
func (l *listeners) close() {
	for _, f := range l.files {
		_ = f.Close()
	}
	for _, p := range l.paths {
		if now, err := os.Lstat(p.name); err == nil && os.SameFile(now, p.made) {
			_ = os.Remove(p.name)
		}
	}
	*l = listeners{}
}
