package corolla

import "fmt"

// Name gives the task a name, for reports and lists.
func Name(name string) TaskOption { return func(t *Task) { t.describe().name = name } }

// Describe makes lists and reports name body as the function of the task and, if it is not nil,
// about as what the task is for, such as a connection; its String is called only on demand. It is
// for code that starts tasks on behalf of others.
func Describe(body any, about fmt.Stringer) TaskOption {
	return func(t *Task) { t.describe().body, t.describe().about = body, about }
}

// description is what is known of a task besides its body. Most tasks have none.
type description struct {
	name  string
	body  any // nil is the task's own
	about fmt.Stringer
	site  site // where it was started, in debug mode
}

func (t *Task) describe() *description {
	if t.about == nil {
		t.about = new(description)
	}
	return t.about
}

// Name returns the task's name, or "" if it has none.
func (t *Task) Name() string {
	if t.about == nil {
		return ""
	}
	return t.about.name
}

// Started says where the task comes from: the name and place of its body's function and,
// in debug mode, the place of the call that started it.
func (t *Task) Started() string {
	if t.about == nil {
		return function(t.work.function())
	}
	body := t.about.body
	if body == nil {
		body = t.work.function()
	}
	return function(body) + registered(t.about.site)
}

// Ended reports whether the task's body has returned, or will never run.
func (t *Task) Ended() bool {
	t.loop.check("Task.Ended")
	return t.phase == ended
}

// Unwound returns how often the task was unwound, or abandoned; see UnwoundError. Code that records
// that a call by t is in progress should record this number too: once it has changed, the call is
// over.
func (t *Task) Unwound() int {
	t.loop.check("Task.Unwound")
	return int(t.unwound)
}

func (t *Task) String() string {
	text := t.title()
	if t.about != nil && t.about.about != nil {
		text += " for " + t.about.about.String()
	}
	return text
}

// title is the part of a task's description that never changes. Safe from any goroutine.
func (t *Task) title() string {
	text := "task of "
	if name := t.Name(); name != "" {
		text = fmt.Sprintf("task %q of ", name)
	}
	return text + t.Started()
}
