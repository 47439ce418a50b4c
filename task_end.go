package corolla

// OnEnd calls f, on the loop, when the task has ended, after functions registered before. It is for
// state that others keep about a task.
func (t *Task) OnEnd(f func()) {
	t.loop.check("Task.OnEnd")
	if t.phase == ended {
		t.loop.push(callback(f))
		return
	}
	before := t.detach
	t.detach = func() {
		if before != nil {
			before()
		}
		f()
	}
}
