package sim

import (
	"sync/atomic"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
)

// idle is for how long, in real time, nothing must happen before the clock jumps. Loopback delivers
// within the call that sends, so this only has to cover what the system does on its own.
const idle = time.Millisecond

// JumpClock returns the option that gives a loop of the real machine a clock that jumps: it stands
// still while the loop has anything to do, and goes to the next timer at once when there is nothing
// left. So a program with real sockets runs through an hour of timeouts in no time, and its timers run
// in the same order however busy the machine is. While work given to other goroutines runs
// (corolla.Offload) the clock stands still. What other processes do takes no time on this clock, so a
// program that waits for one with a time limit runs into the limit: use a real clock there.
func JumpClock() corolla.Option {
	return host.Between(func(h host.Host) host.Host {
		return &jumpClock{Host: h, now: h.Now()}
	}).(corolla.Option)
}

// jumpClock is a host whose time is made up and whose everything else is real.
type jumpClock struct {
	host.Host
	now   time.Duration
	woken atomic.Bool
	jobs  atomic.Int64
}

func (j *jumpClock) Now() time.Duration    { return j.now }
func (j *jumpClock) Recent() time.Duration { return j.now }

// Guard watches for a loop that is held, which this clock cannot see.
func (j *jumpClock) Guard(time.Duration, func(time.Duration, func() bool)) (stop func()) {
	return func() {}
}

func (j *jumpClock) Wake() {
	j.woken.Store(true)
	j.Host.Wake()
}

func (j *jumpClock) Start(job func()) {
	j.jobs.Add(1)
	j.Host.Start(func() {
		defer j.Wake()
		defer j.jobs.Add(-1)
		job()
	})
}

func (j *jumpClock) Wait(buf []host.Event, until time.Duration) (int, error) {
	for {
		n, err := j.Host.Wait(buf, j.limit(until))
		if n > 0 || err != nil || j.woken.Swap(false) || until >= 0 && until <= j.now {
			return n, err
		}
		if until > j.now && j.jobs.Load() == 0 {
			if n, err := j.look(buf); n > 0 || err != nil || j.woken.Swap(false) {
				return n, err
			}
			j.now = until
			return 0, nil
		}
	}
}

// look asks the system once more what is ready. The wait before may not have done so: if this goroutine
// was held up for as long as it was to wait, its time had passed, and then the answer can be an old one.
// A wait until a time that has passed asks; one that a wake ends need not.
func (j *jumpClock) look(buf []host.Event) (int, error) {
	return j.Host.Wait(buf, 0)
}

// limit is until when the real machine is to wait.
func (j *jumpClock) limit(until time.Duration) time.Duration {
	switch {
	case until < 0 || until > j.now && j.jobs.Load() > 0:
		return -1
	case until <= j.now:
		return 0
	}
	return j.Host.Now() + idle
}
