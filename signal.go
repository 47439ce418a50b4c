package corolla

import (
	"os"
	"slices"
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

// Signals are those that have arrived and that no task has taken.
type Signals struct {
	pending []os.Signal
	arrived Event
	stop    func()
}

// Signals catches signals for tasks that wait for them, until Stop. While it is in force they do
// not end the program. One that arrives again before it was taken is taken once.
func (l *Loop) Signals(sigs ...os.Signal) *Signals {
	s := &Signals{}
	s.stop = sync.OnceFunc(l.OnSignal(func(sig os.Signal) {
		if !slices.Contains(s.pending, sig) {
			s.pending = append(s.pending, sig)
			s.arrived.Set()
		}
	}, sigs...))
	return s
}

// Wait parks t until there is a signal, and takes it: the first to have arrived.
func (s *Signals) Wait(t *Task) (os.Signal, error) {
	for len(s.pending) == 0 {
		s.arrived.Clear()
		if err := s.arrived.Wait(t); err != nil {
			return nil, err
		}
	}
	sig := s.pending[0]
	s.pending = s.pending[1:]
	return sig, nil
}

// Stop leaves the signals to the system again. What has arrived can still be taken.
func (s *Signals) Stop() { s.stop() }
