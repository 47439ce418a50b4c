package sim

import "time"

// Outside runs f on a goroutine of its own and, until f returns, keeps the World from reporting a
// deadlock, since f may post to the loop. Meanwhile the loop's timers take real time, so that they
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

// pace lets up to d of real time pass, if goroutines outside run, until one of them wakes the loop
// or ends. It reports whether one did.
func (w *World) pace(d time.Duration) (woken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.outsiders
	if n == 0 {
		return false
	}
	over := false
	timer := time.AfterFunc(d, func() {
		w.mu.Lock()
		over = true
		w.mu.Unlock()
		w.cond.Broadcast()
	})
	defer timer.Stop()
	for !over && !w.woken && w.outsiders == n {
		w.cond.Wait()
	}
	return !over
}
