package sim

import (
	"log"
	"time"
)

// Outside runs f on a goroutine of its own and, until f returns, keeps the World from reporting a
// deadlock, since f may post to a loop. Meanwhile the loops' timers take real time, so that they
// do not run ahead of f. When f acts is up to the Go scheduler, so such a program does not repeat
// exactly. Safe from any goroutine.
func (w *World) Outside(f func()) {
	w.mu.Lock()
	w.outsiders++
	w.mu.Unlock()
	go func() {
		defer func() {
			w.mu.Lock()
			w.outsiders--
			w.stirred = true // it may have ended a context since that was looked at
			w.mu.Unlock()
			w.cond.Broadcast()
		}()
		f()
	}()
}

// elsewhere runs a job to its end on a goroutine of its own, as a real machine does: a job that
// calls runtime.Goexit must not end the loop's goroutine.
func elsewhere(job func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		job()
	}()
	<-ended
}

// launch starts the goroutine of a program.
func launch(run func()) { go run() }

// awaitOutsiders waits until a goroutine given to Outside has woken a loop or
// ended. It returns false when there is none.
func (c *crew) awaitOutsiders() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.outsiders == 0 {
		return c.stirred // the last may have just ended
	}
	for n := c.outsiders; !c.stirred && c.outsiders == n; {
		c.cond.Wait()
	}
	return true
}

// pace lets up to d of real time pass, if goroutines outside run, until one of them wakes a loop
// or ends. It reports whether one did.
func (c *crew) pace(d time.Duration) (woken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.outsiders
	if n == 0 {
		return c.stirred // as above
	}
	over := false
	timer := time.AfterFunc(d, func() {
		c.mu.Lock()
		over = true
		c.mu.Unlock()
		c.cond.Broadcast()
	})
	defer timer.Stop()
	for !over && !c.stirred && c.outsiders == n {
		c.cond.Wait()
	}
	return !over
}

// patience is how long, in real time, a goroutine that was started for the World may take.
const patience = 20 * time.Second

// warn says after a while that the World stands still because somebody does not come; the caller
// holds mu.
func (c *crew) warn() {
	if c.missing == 0 || c.patience != nil {
		return
	}
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		n := c.missing
		c.mu.Unlock()
		log.Printf("sim: the World has stood still for %v: it waits for %d loops or programs that were made and do not run", patience, n)
	})
	c.patience = func() { timer.Stop() }
}
