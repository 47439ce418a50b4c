package corolla

import "os"

// OnSignal calls f on the loop whenever one of the signals arrives, until stop is
// called. While it is in force the signals do not end the program.
func (l *Loop) OnSignal(f func(os.Signal), sigs ...os.Signal) (stop func()) {
	l.check("OnSignal")
	return l.host.Notify(func(sig os.Signal) {
		_ = l.Post(func() { f(sig) }) // refused only when the loop is gone, and f with it
	}, sigs...)
}
