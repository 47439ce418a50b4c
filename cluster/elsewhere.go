package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

// mostAbsent is how often JetStream may not be there until it is given up: for half a minute.
const mostAbsent = 30

// isAbsent reports whether an error says that there is no JetStream, or that it is only starting.
func isAbsent(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders)
}

// retry calls f until it succeeds, fails for good, or the context ends.
func retry(ctx context.Context, f func(ctx context.Context) error, final func(error) bool) error {
	absent := 0
	patience := 500 * time.Millisecond // at first: without a leader nobody answers
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		attempt, cancel := context.WithTimeout(ctx, patience)
		patience = min(2*patience, 5*time.Second)
		err := f(attempt)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if isAbsent(err) {
			if absent++; absent > mostAbsent || final(err) {
				return fmt.Errorf("%w: %w", ErrNoJetStream, err)
			}
		} else if final(err) {
			return err
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// again calls session, which goes on until something fails, until it fails for good or the context ends.
func again(ctx context.Context, session func(ctx context.Context) error, final func(error) bool) error {
	for wait := 50 * time.Millisecond; ; {
		began := time.Now()
		err := session(ctx)
		if ctx.Err() != nil || final(err) {
			return err
		}
		if wait = min(2*wait, time.Second); time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}
