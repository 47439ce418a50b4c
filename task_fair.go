package corolla

// Fairness. A call that finds what it wants at once does not park, so a task whose peer is never
// late would have the loop for itself. Whoever makes such calls asks here, and gives others a turn
// when the task, or the callback, has had its share: a number of calls, or a length of time. A
// count alone was rejected: 64 calls are short for an echo, and long where each is followed by
// work.

// maxCalls is how many calls that need not wait may be made in one stretch.
const maxCalls = 64

// Overdue reports whether what runs now, a callback or a stretch of a task, has held the loop for
// longer than the loop's TurnBudget. It reads the clock, which on a simulated machine stands still
// meanwhile unless the program spends time there (sim.World.Spend).
func (l *Loop) Overdue() bool {
	l.check("Overdue")
	return l.opt.budget > 0 && l.host.Now()-l.now > l.opt.budget
}

// Checkpoint lets others run if t has had its share of the loop: if it has come here 64 times, or
// for longer than the loop's TurnBudget, since it last waited. The first call after a wait costs
// nothing, and any other the reading of a clock. The error is t's own, and comes only with a turn.
func (t *Task) Checkpoint() error {
	t.mustRun("Checkpoint")
	if t.calls++; t.calls == 1 || t.calls < maxCalls && !t.loop.Overdue() {
		return nil
	}
	return t.Yield()
}
