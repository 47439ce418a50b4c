package cluster

import (
	"context"
	"fmt"
	"time"
)

// This file is where goroutines and clocks of their own are: nats.go's calls may wait, and so must be made
// elsewhere than on the loop. What belongs to the loop is not touched by them; they hand it functions (Post),
// or messages (inlet). A Conn counts its goroutines, and has closed when they have ended.

// start runs f on a goroutine of c's.
func (c *Conn) start(f func()) {
	c.crew.Add(1)
	go func() {
		defer c.crew.Done()
		f()
	}()
}

// apart runs f on a goroutine that nobody waits for. It is for what is left over when nobody waits any more.
func apart(f func()) { go f() }

// pause waits, and reports whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// within calls f after some time, unless stop is called before.
func within(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// doubt is about an error that may pass, and for how long it has lasted.
type doubt struct{ since time.Time }

// settles reports whether an error is to be believed.
func (d *doubt) settles(err error, settled time.Duration) bool {
	switch judge(err) {
	case final:
		return true
	case passing:
		d.since = time.Time{}
		return false
	}
	return d.lasts(settled)
}

// lasts reports whether it is as old as that.
func (d *doubt) lasts(settled time.Duration) bool {
	if d.since.IsZero() {
		d.since = time.Now()
	}
	return time.Since(d.since) >= settled
}

// retry calls f until it succeeds, fails for good, or the context ends.
func (c *Conn) retry(ctx context.Context, f func(ctx context.Context) error) error {
	var doubted, absent doubt
	patience := 500 * time.Millisecond // at first: without a leader nobody answers
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		attempt, cancel := context.WithTimeout(ctx, patience)
		patience = min(2*patience, 5*time.Second)
		err := f(attempt)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		switch {
		case isOver(err):
			return ErrClosed
		case isAbsent(err):
			if c.withoutJetStream() || absent.lasts(c.cfg.settled) {
				return fmt.Errorf("%w: %w", ErrNoJetStream, err)
			}
			doubted = doubt{}
		case doubted.settles(err, c.cfg.settled):
			return err
		default:
			absent = doubt{}
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// again calls session, which goes on until something fails, until it fails for good or the context ends. The error
// is ErrClosed then, or if the connection is. A session
// reports whether it has found what it was looking for.
func (c *Conn) again(ctx context.Context, session func(ctx context.Context) (found bool, err error)) error {
	var d doubt
	for wait := 50 * time.Millisecond; ; {
		began := time.Now()
		found, err := session(ctx)
		if found {
			d = doubt{}
		}
		switch {
		case ctx.Err() != nil || isOver(err):
			return ErrClosed
		case d.settles(err, c.cfg.settled):
			return err
		}
		if wait = min(2*wait, time.Second); time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		if !pause(ctx, wait) {
			return ErrClosed
		}
	}
}
