package corolla

// Fairness. A call that finds what it wants at once does not park, so a task whose peer is never
// late would keep the loop to itself. Code that makes such calls checks here, and lets others run
// when the task or callback has used up its share: a number of calls, or an amount of time. A count
// alone was rejected: 64 calls are quick for an echo, and slow if each is followed by work.

// maxCalls is how many calls without a wait may be made in one stretch.
const maxCalls = 64

// Overdue reports whether the current callback, or stretch of a task, has held the loop for longer
// than its TurnBudget. It reads the clock, which on a simulated machine stands still meanwhile unless
// the program spends time there (sim.World.Spend).
func (l *Loop) Overdue() bool {
	l.check("Overdue")
	return l.opt.budget > 0 && l.host.Now()-l.now > l.opt.budget
}

// Checkpoint lets others run if t has used up its share of the loop: if since it last waited it has
// called Checkpoint 64 times, or run for longer than the loop's TurnBudget. The first call after a
// wait is free; later ones read the clock. The error is t's own, and comes only from a Yield.
func (t *Task) Checkpoint() error {
	t.mustRun("Checkpoint")
	if t.calls++; t.calls == 1 || t.calls < maxCalls && !t.loop.Overdue() {
		return nil
	}
	return t.Yield()
}
