package corolla

import (
	"runtime"

	"github.com/corolla-go/corolla/internal/ds"
)

// Unseen is a failure that nobody has looked at yet.
type Unseen struct {
	loop  *Loop
	err   error
	where string
	link  ds.Link[*Unseen] // in the loop's list, until somebody looks
}

// ReportUnseen sees to it that err, the failure of owner, is not lost: unless Seen
// is called before, the error handler gets an *UnseenError when owner is garbage
// collected or when the loop is closed, whichever is first. The text where names
// the owner. On a simulated loop it is always when the loop is closed.
func ReportUnseen[T any](l *Loop, owner *T, err error, where string) *Unseen {
	u := &Unseen{loop: l, err: err, where: where}
	u.link.Value = u
	l.unseen.Push(&u.link)
	if !l.host.Repeatable() {
		runtime.AddCleanup(owner, func(u *Unseen) {
			_ = l.Post(u.report) // refused when the loop is closed, which has reported it
		}, u)
	}
	return u
}

// Seen says that somebody has looked at the error.
func (u *Unseen) Seen() { u.link.Leave() }

func (u *Unseen) report() {
	if u.link.Leave() {
		u.loop.report(&UnseenError{Err: u.err, Where: u.where})
	}
}
