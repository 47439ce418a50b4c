package corolla

import (
	"errors"
	"fmt"
	"math"
	"syscall"

	"github.com/corolla-go/corolla/internal/host"
)

// Interest says which kinds of readiness a Watch is about.
type Interest = host.Interest

const (
	// Readable asks to be called while a descriptor can be read.
	Readable = host.Read
	// Writable asks to be called while a descriptor can be written to.
	Writable = host.Write
)

// Watch calls a function while a descriptor that is not a Socket is ready.
type Watch struct {
	descriptor // of which r stands for all that was asked for
	want       Interest
}

// Watch calls f in every turn in which the descriptor is ready in a way that want
// names, or has failed, until Stop. The descriptor stays the caller's, who must
// make it non-blocking and must call Stop before closing it. The error wraps
// what the system says: EPERM for a plain file, which is always ready and cannot
// be watched, EBADF for one that was closed.
func (l *Loop) Watch(fd uintptr, want Interest, f func()) (*Watch, error) {
	l.check("Watch")
	if l.state >= closing {
		return nil, fmt.Errorf("corolla: watch descriptor %d: %w", fd, ErrLoopClosed)
	}
	if fd > math.MaxInt32 { // what Fd returns of a file that was closed; the system would cut it
		return nil, fmt.Errorf("corolla: watch descriptor %d: %w", int(fd), syscall.EBADF)
	}
	if int(fd) < len(l.fds) && l.fds[fd] != nil {
		return nil, fmt.Errorf("corolla: watch descriptor %d: %w", fd, errWatched)
	}
	if err := l.host.Watch(host.FD(fd), want&(Readable|Writable)); err != nil {
		return nil, fmt.Errorf("corolla: watch descriptor %d: %w", fd, err)
	}
	w := &Watch{descriptor{loop: l, fd: host.FD(fd)}, want}
	w.r.level = true
	w.register(&w.r, f, false, l.site())
	l.setWatcher(w.fd, w)
	return w, nil
}

var errWatched = errors.New("it belongs to a Socket or another Watch of this loop")

// Stop ends the calls, at once. A second Stop does nothing.
func (w *Watch) Stop() error {
	w.loop.check("Watch.Stop")
	if w.r.callback == nil {
		return nil
	}
	w.r.mute()
	w.loop.fds[w.fd] = nil
	if err := w.loop.host.Unwatch(w.fd); err != nil {
		return fmt.Errorf("corolla: stop watching descriptor %d: %w", w.fd, err)
	}
	return nil
}

func (w *Watch) event(host.Ready) { w.r.begin() }

func (w *Watch) drop() error {
	w.r.mute()
	return nil
}

// watcher is what the loop tells about events of a descriptor.
type watcher interface {
	event(host.Ready)
	// drop is told that the loop was closed.
	drop() error
}

func (l *Loop) setWatcher(fd host.FD, w watcher) {
	for int(fd) >= len(l.fds) {
		l.fds = append(l.fds, nil)
	}
	l.fds[fd] = w
}
