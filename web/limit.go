package web

import (
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/ds"
)

// limit is a time that everything in it has alike, counted from when it began to wait. So those whose
// time is up first are in front, and one timer serves them all. A timer for each was rejected: most
// would be set and stopped for every request.
type limit[T any] struct {
	after   time.Duration // 0 or less is no limit
	loop    *corolla.Loop
	expired func(T)
	waiting ds.List[*wait[T]]
	timer   *corolla.Timer
}

// wait is a place in a limit.
type wait[T any] struct {
	who   T
	since time.Duration
	link  ds.Link[*wait[T]]
}

// begin starts w's time, anew if it runs already.
func (l *limit[T]) begin(w *wait[T], who T) {
	w.link.Leave()
	w.who, w.link.Value, w.since = who, w, l.loop.Now()
	l.waiting.Push(&w.link)
	switch {
	case l.after <= 0:
	case l.timer == nil:
		l.timer = l.loop.After(l.after, l.check)
	case !l.timer.Active():
		l.timer.Reset(l.after)
	}
}

// end stops w's time.
func (w *wait[T]) end() { w.link.Leave() }

// check expires those whose time is up, and sets the timer for the next.
func (l *limit[T]) check() {
	for first := l.waiting.First(); first != nil; first = l.waiting.First() {
		w := first.Value
		if left := w.since + l.after - l.loop.Now(); left > 0 {
			l.timer.Reset(left)
			return
		}
		w.end()
		l.expired(w.who)
	}
}

func (l *limit[T]) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
