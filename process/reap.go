package process

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/corolla-go/corolla"
)

// ours are the processes that this package has started and not waited for. Who starts one holds the lock for
// reading from before there is a process until it is on the list, so whoever has locked it knows all of them.
var ours struct {
	sync.RWMutex
	list sync.Map // of *os.Process, by PID
}

// remember puts a process on the list. Its caller holds the lock for reading.
func remember(p *os.Process) { ours.list.Store(p.Pid, p) }

// forget takes a process off the list when it was waited for. Its PID may be another's by then.
func forget(p *os.Process) { ours.list.CompareAndDelete(p.Pid, p) }

// ReapOrphans waits, until stop is called, for processes that have become this program's children because their
// parents have ended: all those of a container, if the program is its process 1. They would stay there as zombies
// otherwise. It finds them in /proc, and leaves alone what this package has started; a process that the program
// has started with package os would lose its exit status. Elsewhere than on Unix it does nothing.
func ReapOrphans(l *corolla.Loop) (stop func()) {
	running, again := false, false
	var reap func()
	reap = func() {
		if running {
			again = true
			return
		}
		running, again = true, false
		corolla.OffloadTo(l.Workers("process reap"), func(context.Context) (struct{}, error) { return struct{}{}, reapOrphans() }).
			OnDone(func(f *corolla.Future[struct{}]) {
				running = false
				if _, err := f.Result(); err != nil && !f.Canceled() {
					l.Report(fmt.Errorf("process: reap orphans: %w", err))
				}
				if again {
					reap()
				}
			})
	}
	stop = onChild(l, reap)
	reap() // those that have ended before
	return stop
}
