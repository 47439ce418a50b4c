package sim

// Outside runs f on a goroutine of its own and, until f returns, keeps the World
// from reporting a deadlock, since f may post to the loop. When f acts is up to
// the Go scheduler: such a program does not repeat exactly. Safe from any
// goroutine.
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
