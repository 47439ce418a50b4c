package host

import (
	"runtime"
	"time"
)

// arm prepares to wait until the given time, unless a wake has come already.
func (h *epoll) arm(until time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.woken {
		h.woken, h.chatting = false, true
		return false
	}
	h.waiting = true
	if until != h.armed {
		h.setDeadline(until)
	}
	return true
}

func (h *epoll) disarm() {
	h.mu.Lock()
	h.waiting, h.chatting, h.woken = false, h.woken, false
	h.mu.Unlock()
}

func (h *epoll) Wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting && !h.woken {
		h.setDeadline(0)
	}
	h.woken = true
}

// setDeadline fails only on a closed file, and then the wait fails by itself.
func (h *epoll) setDeadline(until time.Duration) {
	h.armed = until
	switch {
	case until < 0:
		_ = h.file.SetReadDeadline(time.Time{})
	case until == 0:
		_ = h.file.SetReadDeadline(time.Unix(1, 0))
	default:
		_ = h.file.SetReadDeadline(h.epoch.Add(until))
	}
}

// nudged gives other goroutines a chance to wake the loop before it waits, if the last wait ended
// with a wake. A goroutine that asks again as soon as it is answered is then heard without the cost
// of a wait and a wake.
func (h *epoll) nudged() bool {
	if !h.chatting {
		return false
	}
	runtime.Gosched()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chatting = h.woken
	h.woken = false
	return h.chatting
}

func (h *epoll) Guard(limit time.Duration, alarm func(time.Duration, func() bool)) (stop func()) {
	g := startGuard(limit, func() time.Duration { return time.Since(h.epoch) }, alarm)
	h.guard = g
	return func() {
		h.guard = nil
		g.stop()
	}
}

func (h *epoll) Epoch() time.Time { return h.epoch }
