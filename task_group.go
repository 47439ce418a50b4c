package corolla

import (
	"errors"
	"fmt"

	"github.com/corolla-go/corolla/internal/ds"
)

// ErrGroupOver is the result of a task started in a group that has finished or is
// being canceled.
var ErrGroupOver = errors.New("corolla: the group is over")

// Group is a set of tasks that begins and ends at one place: Task.Group returns
// when all of them have ended, so none outlives it. The first that fails cancels
// the rest. A child may start further children. (Trio's nursery.)
type Group struct {
	task  *Task
	scope Scope
	n     int // children that have not ended
	errs  []error
	cut   error // why the group did not complete all its work
	over  bool
	idle  bool // the owner waits for the last child

	limit  int // how many children may run; 0 is any number
	run    int // children that are running, or will be next
	queued ds.List[*Task]

	refused bool // a child was, because of a cancel or the loop's end
}

// Group runs body and then waits for every task started in the group. An error of body or of a
// child cancels the rest. Group returns that error, or all errors joined if there are several; a
// child that was canceled individually adds none. If t, or a scope around the group, is canceled,
// so are the children; Group still waits for them, and then returns the cancel. If body panics,
// the children's errors go to the error handler.
func (t *Task) Group(body func(g *Group) error) (err error) {
	t.mustRun("Group")
	g := &Group{task: t}
	g.scope.of = g
	g.scope.enter(t)
	returned := false
	defer func() {
		var v any
		if t.unwinding == &g.scope {
			v = recover()
		}
		if u, ok := v.(unwinding); ok {
			err, returned, v = u.err, true, nil
		}
		g.fail(err)
		if g.scope.canceled == nil && (err != nil || !returned) {
			g.scope.Cancel(err)
		}
		g.join()
		if err = g.result(err); !returned {
			g.lost()
		}
		if v != nil {
			panic(v)
		}
		if c := t.unwilling(); g.refused && returned && c != nil {
			_ = t.refuse(c) // join may not have waited at all
		}
	}()
	err = body(g)
	returned = true
	return err
}

// lost reports the errors that Group cannot return because its body panicked.
func (g *Group) lost() {
	for _, err := range g.errs {
		g.task.loop.report(&UnseenError{Err: err, Where: "a child of a group whose body panicked, in " + g.task.String()})
	}
}

// Go starts a task in the group; see Loop.Go. In a group that is over or canceled the task
// fails with ErrGroupOver and never runs; in a canceled group that error may go unseen.
func (g *Group) Go(body func(t *Task) error, opts ...TaskOption) *Future[struct{}] {
	return goPlain(g, body, g.home().site(), opts)
}

// SetLimit makes at most n children run at a time; 0 is any number. Children over the limit
// begin as others end, in the order in which they were started. Running children carry on;
// waiting ones begin now if there is room for them.
func (g *Group) SetLimit(n int) {
	g.task.loop.check("Group.SetLimit")
	g.limit = max(n, 0)
	g.fill()
}

// Cancel ends the group early: its children and its body are canceled, and Task.Group
// returns nil unless one of them fails for another reason.
func (g *Group) Cancel(cause error) { g.scope.Cancel(cause) }

// Len returns how many tasks of the group have not ended.
func (g *Group) Len() int {
	g.task.loop.check("Group.Len")
	return g.n
}

// GroupStats describes a Group.
type GroupStats struct {
	Limit   int // how many children may run; 0 is any number
	Running int // children that have begun, or will next
	Waiting int // children over the limit
}

// Stats returns the current state of the group. A child that was canceled before it began is
// neither running nor waiting, but counts in Len until it has ended.
func (g *Group) Stats() GroupStats {
	g.task.loop.check("Group.Stats")
	return GroupStats{g.limit, g.run, g.queued.Len()}
}

func (g *Group) home() *Loop { return g.task.loop }

func (g *Group) adopt(t *Task) error {
	if g.over {
		return ErrGroupOver
	}
	if err := g.task.loop.adopt(t); err != nil {
		g.refused = true
		return err
	}
	if c := g.scope.canceled; c != nil {
		g.interrupted()
		g.refused = true
		return fmt.Errorf("%w: %w", ErrGroupOver, c)
	}
	t.group = g
	t.root.attach(&g.scope)
	g.n++
	switch {
	case t.root.canceled != nil: // it ends at once, and needs no room
	case g.full():
		t.queue = &ds.Link[*Task]{Value: t}
		g.queued.Push(t.queue)
	default:
		g.begin(t)
	}
	return nil
}

func (g *Group) full() bool { return g.limit > 0 && g.run >= g.limit }

// begin counts a child that will run.
func (g *Group) begin(t *Task) {
	t.counted = true
	g.run++
}

// fill lets waiting children begin while there is room.
func (g *Group) fill() {
	for next := g.queued.First(); next != nil && !g.full(); next = g.queued.First() {
		next.Leave()
		g.begin(next.Value)
		g.task.loop.push(next.Value)
	}
}

// left is called when a child has ended.
func (g *Group) left(t *Task) {
	g.n--
	if t.counted {
		g.run--
	}
	if g.over {
		return // the loop was closed under the group, which no longer collects errors
	}
	err := t.work.outcome()
	if isCancel(err) {
		g.interrupted()
	}
	g.fail(err)
	g.fill()
	if g.n == 0 && g.idle {
		g.task.Unpark()
	}
}

// fail records an error, and cancels the group.
func (g *Group) fail(err error) {
	if err == nil || isCancel(err) {
		return
	}
	g.errs = append(g.errs, err)
	if g.scope.canceled == nil {
		g.scope.Cancel(err)
	}
}

// interrupted records that a cancel from outside the group kept a child from its work.
func (g *Group) interrupted() {
	if c := g.scope.canceled; c != nil && c.scope != &g.scope {
		g.cut = c
	}
}

// join waits for the children, even if the waiting task is canceled: a cancel reaches
// the children through the scope.
func (g *Group) join() {
	for g.n > 0 {
		g.idle = true
		g.task.park(parked, g)
		g.idle = false
		if g.task.loop.state == closing {
			g.cut = ErrLoopClosed // the children are ended next
			break
		}
	}
	g.over = true
}

func (g *Group) interrupt(*Task, *CanceledError) {} // see join

func (g *Group) String() string { return "the children of a group" }

func (g *Group) result(err error) error {
	err = g.scope.leave(err)
	switch len(g.errs) {
	case 0:
	case 1:
		return g.errs[0]
	default:
		return errors.Join(g.errs...)
	}
	own, rest := split(err, &g.scope)
	switch {
	case own == nil && err != nil:
		return err
	case rest != nil:
		return rest
	}
	return g.cut // and the group's own cancel ends here
}
