package corolla

import (
	"runtime"
	"weak"

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
// the owner. On a simulated machine, which does not hear of garbage collections, it is always
// when the loop is closed.
func ReportUnseen[T any](l *Loop, owner *T, err error, where string) *Unseen {
	u := &Unseen{loop: l, err: err, where: where}
	u.link.Value = u
	l.unseen.Push(&u.link)
	runtime.AddCleanup(owner, collected, weak.Make(u))
	return u
}

// collected is called when an owner is gone. What is unseen is held by the loop's list: a cleanup that
// held it too would keep a loop that nobody uses any more, and from which the owner can be
// reached, for ever.
func collected(w weak.Pointer[Unseen]) {
	u := w.Value()
	if u == nil { // seen, or reported, or the loop is gone too
		return
	}
	u.loop.host.Collected(func() {
		_ = u.loop.Post(u.report) // refused when the loop is closed, which has reported it
	})
}

// Seen says that somebody has looked at the error.
func (u *Unseen) Seen() { u.link.Leave() }

func (u *Unseen) report() {
	if u.link.Leave() {
		u.loop.report(&UnseenError{Err: u.err, Where: u.where})
	}
}
