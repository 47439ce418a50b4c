package corolla

import (
	"errors"
)

// ErrGroupOver is the result of a task that was to start in a group that has
// finished or is being canceled.
var ErrGroupOver = errors.New("corolla: the group is over")

// Group is a set of tasks that begins and ends at one place: Task.Group returns
// when all of them have ended, so none outlives it. The first that fails cancels
// the rest. A child may start further children. (Trio's nursery.)
type Group struct {
	task  *Task
	scope Scope
	n     int // children that live
	errs  []error
	over  bool
	idle  bool // the owner waits for the last child
}

// Group runs body and then waits for every task that was started in the group. An
// error of body or of a child cancels the others. It returns all errors, joined;
// a child that was canceled adds none. If t itself is canceled, so are the
// children, and Group still waits for them.
func (t *Task) Group(body func(g *Group) error) (err error) {
	t.mustRun("Group")
	g := &Group{task: t}
	g.scope.enter(t)
	defer func() {
		g.fail(err)
		g.join()
		err = g.result(err)
	}()
	return body(g)
}

// Go starts a task in the group; see Loop.Go. In a group that is over the task
// fails with ErrGroupOver without having run.
func (g *Group) Go(body func(t *Task) error, opts ...TaskOption) *Future[struct{}] {
	return goPlain(g, body, g.home().site(), opts)
}

// Cancel ends the group early: its children and its body are canceled, and
// Task.Group returns nil unless one of them fails otherwise.
func (g *Group) Cancel(cause error) { g.scope.Cancel(cause) }

// Len returns how many tasks of the group have not ended.
func (g *Group) Len() int { return g.n }

func (g *Group) home() *Loop { return g.task.loop }

func (g *Group) adopt(t *Task) error {
	if g.over || g.scope.canceled != nil {
		return ErrGroupOver
	}
	t.group = g
	t.root.attach(&g.scope)
	g.n++
	return nil
}

// left is told that a child has ended.
func (g *Group) left(t *Task) {
	g.n--
	g.fail(t.work.outcome())
	if g.n == 0 && g.idle {
		g.task.Unpark()
	}
}

// fail notes an error, and cancels what still runs.
func (g *Group) fail(err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, ErrCanceled) {
		g.errs = append(g.errs, err)
	}
	if g.scope.canceled == nil && !errors.Is(err, ErrCanceled) {
		g.scope.Cancel(err)
	}
}

// join waits for the children, whatever happens to the task that waits: a cancel
// reaches the children through the scope.
func (g *Group) join() {
	for g.n > 0 {
		g.idle = true
		g.task.suspend(parked, g)
		g.idle = false
		if g.task.loop.state == closing {
			break // the children are ended next
		}
	}
	g.over = true
}

func (g *Group) interrupt(*Task, *CanceledError) {} // see join

func (g *Group) String() string { return "the children of a group" }

func (g *Group) result(err error) error {
	outer := g.scope.leave(err)
	if len(g.errs) > 0 {
		return errors.Join(g.errs...)
	}
	var c *CanceledError
	if errors.As(outer, &c) && c.scope == &g.scope {
		return nil // the group's own cancel ends here
	}
	return outer
}
