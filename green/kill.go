package green

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
)

// Kills. A killed thread is a canceled task, and cancels are levels: each wait fails from then on, up
// to the end of the scope that is canceled. What unwinds it is the loop's own panic
// (corolla.Task.Unwind), which scopes and groups know. Eventlet's kill is one exception, after which a
// finally block may wait as long as it likes, so once a thread is being unwound its waits are shielded,
// within limits. They are gen's, and for the same reason: a bound on the number of waits alone would let
// cleanup sleep for an hour each time, one on the time would let it spin.
const (
	maxCleanupWaits = 100
	maxCleanupTime  = 5 * time.Second
)

// ErrKilled is the error of a thread that was killed without another one.
var ErrKilled = errors.New("green: the thread was killed")

// cleanup is what a thread that is being unwound may still wait.
type cleanup struct {
	why   error // the cancel in force
	until time.Duration
	waits int
}

// wait is how everything waits that is green's own: where f fails because of a cancel it does not
// return.
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

// unwind leaves what is canceled of the thread, if anything is.
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

// within calls f, which may wait, in the cleanup of a thread that is being unwound so that it can.
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
	if _, late := err.(*corolla.TimeoutError); late && err != own { // that of this scope
		return c.why
	}
	return err
}

// call is within for what has a result.
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
