package corolla

// LoopStats says what a loop holds. Where nothing is under way every number is 0: a number that
// grows and grows is a leak.
type LoopStats struct {
	Tasks     int // that have not ended
	Timers    int // that are set: callbacks, sleeps and deadlines
	Sockets   int // that are open, and descriptors that are watched
	Waits     int // of tasks and callbacks for a socket
	Callbacks int // of futures that are not settled
	Contexts  int // that tasks are attached to
	OnClose   int // callbacks for the end of the loop
	Jobs      int // that run elsewhere, or wait to
	Closed    bool
}

// Stats returns what the loop holds. It looks at every socket.
func (l *Loop) Stats() LoopStats {
	l.check("Stats")
	s := LoopStats{
		Tasks: l.tasks.n, Timers: l.timers.Len(), Callbacks: l.callbacks, Contexts: l.contexts,
		OnClose: l.closers.Len(), Closed: l.state == closed,
	}
	for _, w := range l.workers {
		s.Jobs += w.running + w.waiting.Len()
	}
	for _, w := range l.fds {
		if w == nil {
			continue
		}
		s.Sockets++
		if sock, ok := w.(*Socket); ok {
			s.Waits += sock.r.waits() + sock.w.waits()
		}
	}
	return s
}

// waits returns how many wait for a direction of a socket: one or none.
func (d *direction) waits() int {
	if d.waiter != nil || d.callback != nil {
		return 1
	}
	return 0
}
