package corolla

import "fmt"

// Name gives the task a name, for reports and lists.
func Name(name string) TaskOption { return func(t *Task) { t.name = name } }

// Describe makes lists and reports name body as the function of the task, and about, if it is
// not nil, as what the task is for: a connection, say, which is asked only when somebody looks.
// It is for who starts tasks on behalf of others.
func Describe(body any, about fmt.Stringer) TaskOption {
	return func(t *Task) { t.about = &description{body, about} }
}

// description is what Describe says.
type description struct {
	body  any
	about fmt.Stringer
}

// Name returns the task's name, which is empty unless it was given one.
func (t *Task) Name() string { return t.name }

// Started says where the task comes from: the name and place of its body's function
// and, in debug mode, of the call that started it.
func (t *Task) Started() string {
	body := t.work.function()
	if t.about != nil {
		body = t.about.body
	}
	return function(body) + registered(t.site)
}

// Ended reports whether the task's body has returned, or never will run.
func (t *Task) Ended() bool {
	t.loop.check("Task.Ended")
	return t.phase == ended
}

// Unwound returns how often the task was unwound, or abandoned; see UnwoundError. Whoever notes that
// a call of t is under way notes this number with it: once it has changed, the call is over.
func (t *Task) Unwound() int {
	t.loop.check("Task.Unwound")
	return int(t.unwound)
}

func (t *Task) String() string {
	text := "task of "
	if t.name != "" {
		text = fmt.Sprintf("task %q of ", t.name)
	}
	text += t.Started()
	if t.about != nil && t.about.about != nil {
		text += " for " + t.about.about.String()
	}
	return text
}
