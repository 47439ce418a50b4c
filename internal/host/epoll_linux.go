package host

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The epoll descriptor is nested in Go's own netpoller: an epoll descriptor can
// itself be polled, so the loop's goroutine waits for it as any goroutine waits
// for a socket. No thread sits in a system call while the loop is idle, and
// waking the loop needs no eventfd: a read deadline in the past does it, and the
// next timer is a read deadline in the future.
//
// Rejected: a blocking epoll_wait with an eventfd to wake it, which costs a thread switch for every
// wake (sixty times as long), and LockOSThread, which would keep the loop from resuming coroutines
// made elsewhere.

// pollGrain is how old, by the recent clock, a look at the descriptors may be and still count, for
// a loop that has done no I/O since. It keeps a loop that only computes from asking the kernel on
// every turn.
const pollGrain = 20 * time.Microsecond

// crowd is how many events make it likely that more will be ready once they are handled.
const crowd = 4

// New returns the host of this machine.
func New() (Host, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.NewFile will not poll it
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	h := &epoll{fd: fd, file: os.NewFile(uintptr(fd), "epoll"), epoch: time.Now(), armed: -1, reserve: openReserve()}
	if h.raw, err = h.file.SyscallConn(); err == nil {
		err = h.file.SetReadDeadline(time.Time{}) // fails where the netpoller refused it
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.poll = h.pollNested
	return h, nil
}

type epoll struct {
	goroutines
	belongings

	fd    int
	file  *os.File
	raw   syscall.RawConn
	epoch time.Time
	now   time.Duration // as last returned by Now
	read  uint64        // what ticks returned then

	looked  time.Duration // when the descriptors were last looked at
	touched bool          // whether a descriptor was used since then
	busy    bool          // whether much was ready then

	guard *guard // while there is one

	chatting bool // whether the last wait ended with a wake

	reserve int // a descriptor to give up when none are left, or -1
	vectors [MaxBatch]unix.Iovec
	message unix.Msghdr // of TryReadUnix
	control []byte      // of TryReadFiles

	poll   func(uintptr) bool // pollNested, bound once so that Wait does not allocate
	events [MaxEvents]unix.EpollEvent
	limit  int // how many of them the caller of Wait can take
	n      int
	err    error

	mu      sync.Mutex // guards what Wake and Wait share
	woken   bool
	waiting bool
	armed   time.Duration // the read deadline in force; < 0 is none, 0 is the past
}

func (h *epoll) Now() time.Duration {
	h.now = time.Since(h.epoch)
	h.read = ticks()
	return h.now
}

func (h *epoll) Recent() time.Duration {
	if ticks()-h.read < tickGrain {
		return h.now
	}
	h.Now()
	h.guard.begin(h.now)
	return h.now
}

func (h *epoll) Wait(buf []Event, until time.Duration) (int, error) {
	h.limit = min(len(buf), MaxEvents)
	if until >= 0 && (until <= h.now || until-h.now < pollGrain && until <= h.Now()) {
		h.guard.begin(h.now)
		if !h.touched && h.now-h.looked < pollGrain {
			return 0, nil
		}
		h.look()
		return h.report(buf)
	}
	if h.busy { // probably something is ready again, so skip preparing a wait
		h.look()
	}
	if h.n == 0 && h.err == nil && !h.nudged() && h.arm(until) {
		err := h.raw.Read(h.poll)
		h.disarm()
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
	}
	h.guard.begin(h.Now())
	return h.report(buf)
}

// pollNested is called by the netpoller before it parks the goroutine, and again whenever the epoll
// descriptor becomes readable. The netpoller is edge-triggered, so this drains: it parks only after
// having seen nothing.
func (h *epoll) pollNested(uintptr) (done bool) {
	if h.look(); h.n != 0 || h.err != nil {
		return true
	}
	h.guard.wait()
	return false
}

// look asks the kernel what is ready, without waiting.
func (h *epoll) look() {
	h.n, h.err = epollWait(h.fd, h.events[:h.limit])
	h.busy = h.n >= crowd
	h.looked, h.touched = h.now, h.n > 0
}

// report hands over what look found.
func (h *epoll) report(buf []Event) (int, error) {
	n := h.n
	h.n = 0
	for i, ev := range h.events[:n] {
		var r Ready
		if ev.Events&unix.EPOLLIN != 0 {
			r |= Readable
		}
		if ev.Events&unix.EPOLLOUT != 0 {
			r |= Writable
		}
		if ev.Events&(unix.EPOLLHUP|unix.EPOLLRDHUP|unix.EPOLLERR) != 0 {
			r |= Hangup
		}
		if ev.Events&unix.EPOLLPRI != 0 {
			r |= Urgent
		}
		buf[i] = Event{FD(ev.Fd), r}
	}
	return n, h.err
}

func (h *epoll) Watch(fd FD, want Interest) error {
	ev := unix.EpollEvent{Fd: int32(fd)}
	if want&Read != 0 {
		ev.Events |= unix.EPOLLIN | unix.EPOLLRDHUP
	}
	if want&Write != 0 {
		ev.Events |= unix.EPOLLOUT
	}
	if want&Edge != 0 {
		ev.Events |= unix.EPOLLET
		if want&Read != 0 {
			ev.Events |= unix.EPOLLPRI // a read ends at an urgent mark, and no edge comes for what follows
		}
	}
	h.touched = true
	err := epollCtl(h.fd, unix.EPOLL_CTL_ADD, int(fd), &ev)
	if err == unix.EEXIST {
		err = epollCtl(h.fd, unix.EPOLL_CTL_MOD, int(fd), &ev)
	}
	return err
}

func (h *epoll) Unwatch(fd FD) error {
	return epollCtl(h.fd, unix.EPOLL_CTL_DEL, int(fd), nil)
}

func (h *epoll) Close() error {
	if h.reserve >= 0 {
		_ = unix.Close(h.reserve) // nothing was ever written to it
	}
	return h.file.Close()
}
