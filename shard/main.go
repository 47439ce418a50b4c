package shard

import (
	"os"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
)

// Main is a whole program: it is Run, and then ends the process, as corolla.Main does. A first SIGINT or
// SIGTERM cancels every body, with a *corolla.SignalError as the cause, and a second one ends the process at
// once, when each loop has seen the first. Tasks that the bodies leave behind are canceled, and have 5
// seconds to end before the loops are closed under them.
//
// The exit status is that of corolla.Main: 0 if all bodies return nil, and 128 plus the signal's number if
// they only pass on its cancel.
func Main(n int, body func(s *Shard) error, opts ...Option) {
	signals := On(corolla.CancelOnSignal(os.Interrupt, syscall.SIGTERM))
	grace := func(o *options) { o.grace = mainGrace }
	corolla.Exit(Run(n, body, append([]Option{signals, grace}, opts...)...))
}

// mainGrace is how long tasks have to end after Main's bodies.
var mainGrace = 5 * time.Second

// bound stops the loop when its tasks have not ended in time. Each of the loop's runs that has tasks to end
// calls it when it begins to do so; the time is that of the first.
func (s *Shard) bound() {
	if s.group.grace == 0 {
		return
	}
	now := s.loop.Now()
	if s.bounded == nil {
		s.bounded = s.loop.After(s.group.grace, s.loop.Stop)
	} else {
		s.loop.After(max(s.bounded.When()-now, 0), s.loop.Stop)
	}
}
