package corolla

import "runtime"

// Unseen is a failure that nobody has looked at yet.
type Unseen struct {
	loop       *Loop
	err        error
	where      string
	listed     bool
	next, prev *Unseen
}

// ReportUnseen sees to it that err, the failure of owner, is not lost: unless Seen
// is called before, the error handler gets an *UnseenError when owner is garbage
// collected or when the loop is closed, whichever is first. The text where names
// the owner. On a simulated loop it is always when the loop is closed.
func ReportUnseen[T any](l *Loop, owner *T, err error, where string) *Unseen {
	u := &Unseen{loop: l, err: err, where: where}
	l.unseen.add(u)
	if !l.host.Repeatable() {
		runtime.AddCleanup(owner, func(u *Unseen) {
			_ = l.Post(u.report) // refused when the loop is closed, which has reported it
		}, u)
	}
	return u
}

// Seen says that somebody has looked at the error.
func (u *Unseen) Seen() { u.loop.unseen.remove(u) }

func (u *Unseen) report() {
	if u.listed {
		u.Seen()
		u.loop.report(&UnseenError{Err: u.err, Where: u.where})
	}
}

// unseenList holds a loop's unseen failures in the order in which they came about.
type unseenList struct{ first, last *Unseen }

func (q *unseenList) add(u *Unseen) {
	u.listed = true
	if u.prev = q.last; q.last == nil {
		q.first = u
	} else {
		q.last.next = u
	}
	q.last = u
}

func (q *unseenList) remove(u *Unseen) {
	if !u.listed {
		return
	}
	u.listed = false
	if u.prev == nil {
		q.first = u.next
	} else {
		u.prev.next = u.next
	}
	if u.next == nil {
		q.last = u.prev
	} else {
		u.next.prev = u.prev
	}
	u.next, u.prev = nil, nil
}

func (q *unseenList) reportAll() {
	for q.first != nil {
		q.first.report()
	}
}
