package green

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// Kills. A killed thread is a canceled task, and cancellation is a level: every wait fails from
// then on, up to the end of the canceled scope. The thread is unwound by the loop's own panic
// (corolla.Task.Unwind), which scopes and groups recognize. Eventlet's kill is a single exception,
// after which a finally block may wait as long as it likes, so here the waits of a thread that is
// being unwound are shielded, within limits. The limits are gen's, for the same reason: one on the
// number of waits alone would let cleanup sleep for an hour each time, and one on the time alone
// would let it spin.
const (
	maxCleanupWaits = 100
	maxCleanupTime  = 5 * time.Second
)

// ErrKilled is the error of a thread that was killed without one.
var ErrKilled = errors.New("green: the thread was killed")

// cleanup is how much a thread that is being unwound may still wait.
type cleanup struct {
	why   error // the cancellation in force
	until time.Duration
	waits int
}

// wait runs every wait of green's own: if f fails because of a cancellation, it does not return.
func (h *Hub) wait(what string, f func(t *corolla.Task) error) {
	t := h.current(what)
	var err error
	if h.calm(t) {
		err = f(t)
	} else {
		err = h.shielded(t, func() error { return f(t) })
	}
	if err != nil {
		h.unwind(t)
	}
}

// calm reports whether the thread is not being unwound.
func (h *Hub) calm(t *corolla.Task) bool { return len(h.dying) == 0 || h.dying[t] == nil }

// unwind unwinds the thread to the end of its outermost canceled scope, if it has one.
func (h *Hub) unwind(t *corolla.Task) {
	if why := t.Scope().Canceled(); why != nil {
		c := h.dying[t]
		if c == nil {
			if h.dying == nil {
				h.dying = map[*corolla.Task]*cleanup{}
			}
			c = new(cleanup)
			h.dying[t] = c
			t.OnEnd(func() { delete(h.dying, t) })
		}
		if c.why != why {
			*c = cleanup{why: why, until: h.loop.Now() + maxCleanupTime}
		}
	}
	t.Unwind()
}

// within calls f, which may wait, so that it can even in the cleanup of a thread that is being
// unwound.
func (h *Hub) within(t *corolla.Task, f func() error) error {
	if h.calm(t) {
		return f()
	}
	return h.shielded(t, f)
}

func (h *Hub) shielded(t *corolla.Task, f func() error) error {
	c := h.dying[t]
	if c.why != t.Scope().Canceled() || c.waits == maxCleanupWaits || h.loop.Now() >= c.until {
		return f()
	}
	c.waits++
	var own error
	err := t.Shielded(func(*corolla.Scope) error {
		return t.TimeoutAt(c.until, func(*corolla.Scope) error {
			own = f()
			return own
		})
	})
	if _, late := err.(*corolla.TimeoutError); late && err != own { // this scope's own
		return c.why
	}
	return err
}

// call is within for a function with a result.
func call[T any](h *Hub, t *corolla.Task, f func() (T, error)) (v T, err error) {
	if h.calm(t) {
		return f()
	}
	err = h.shielded(t, func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}
