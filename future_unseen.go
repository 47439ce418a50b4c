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
	link  ds.Link[*Unseen] // in the loop's list, until it is seen
}

// ReportUnseen makes sure that err, the failure of owner, is not lost: unless Seen is
// called first, the error handler gets an *UnseenError when owner is garbage collected or
// when the loop is closed, whichever is first. On a simulated machine, which does not see
// garbage collections, that is always when the loop is closed. The text where names the
// owner.
func ReportUnseen[T any](l *Loop, owner *T, err error, where string) *Unseen {
	u := &Unseen{loop: l, err: err, where: where}
	u.link.Value = u
	l.unseen.Push(&u.link)
	runtime.AddCleanup(owner, collected, weak.Make(u))
	return u
}

// collected is called when an owner was collected. Only the loop's list holds the Unseen: if the
// cleanup did too, it would keep an abandoned loop, and the owner reachable from it, alive for ever.
func collected(w weak.Pointer[Unseen]) {
	u := w.Value()
	if u == nil { // seen, or reported, or the loop is gone too
		return
	}
	u.loop.host.Collected(func() {
		_ = u.loop.Post(u.report) // refused when the loop is closed, which has reported it
	})
}

// Seen records that the error was looked at.
func (u *Unseen) Seen() { u.link.Leave() }

func (u *Unseen) report() {
	if u.link.Leave() {
		u.loop.report(&UnseenError{Err: u.err, Where: u.where})
	}
}
