package simtest

import (
	"log"
	"time"
)

// patience is how long a run may take by the real clock before it is spoken of. Most take a millisecond; one that
// takes longer than this spins, or waits for something that is not simulated, and a World cannot see that from
// within. The run is not ended: it may be in a debugger, and go test has a timeout.
var patience = 10 * time.Second

// watch says which run it is that does not end, unless it ends before; stop says that it has.
func (p program) watch(how recipe) (stop func()) {
	timer := time.AfterFunc(patience, func() {
		log.Printf("simtest: the run with seed %v has not ended after %v of real time: something in it spins, or "+
			"waits for what is not simulated; to have it alone: %s", how, patience, p.command(how))
	})
	return func() { timer.Stop() }
}
