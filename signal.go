package corolla

import (
	"os"
	"sync"
)

// OnSignal calls f on the loop whenever one of the signals arrives, until stop is
// called. While it is in force the signals do not end the program.
func (l *Loop) OnSignal(f func(os.Signal), sigs ...os.Signal) (stop func()) {
	l.check("OnSignal")
	return l.host.Notify(func(sig os.Signal) {
		_ = l.Post(func() { f(sig) }) // refused only when the loop is gone, and f with it
	}, sigs...)
}

// cancelOnSignal cancels a task at the first of the loop's signals, and then leaves them to the
// system.
func (l *Loop) cancelOnSignal(t *Task) (stop func()) {
	stop = l.OnSignal(func(sig os.Signal) {
		stop()
		t.Cancel(&SignalError{Signal: sig})
	}, l.opt.signals...)
	stop = sync.OnceFunc(stop)
	return stop
}
