package corolla

import (
	"fmt"
	"os"
	"slices"

	"github.com/corolla-go/corolla/internal/host"
)

// OnSignal calls f on the loop whenever one of the signals arrives, until stop is called.
// Until then the signals do not end the program. It panics on a closed loop; on one that is
// being closed it does nothing.
func (l *Loop) OnSignal(f func(os.Signal), sigs ...os.Signal) (stop func()) {
	l.check("OnSignal")
	switch l.state {
	case closing:
		return func() {}
	case closed:
		panic("corolla: OnSignal on a closed loop: nothing would ever run the callback; check the order of shutdown")
	}
	stopped := false
	end := l.host.Notify(func(sig os.Signal) {
		_ = l.Post(func() { // refused only on a closed loop
			if !stopped {
				f(sig)
			}
		})
	}, sigs...)
	var forget func()
	stop = func() {
		if !stopped {
			stopped = true
			forget()
			end()
		}
	}
	forget = l.OnClose(stop)
	return stop
}

// cancelOnSignal cancels a task at the first of the loop's signals, and restores their usual effect.
func (l *Loop) cancelOnSignal(t *Task) (stop func()) {
	stop = l.OnSignal(func(sig os.Signal) {
		stop()
		t.Cancel(&SignalError{Signal: sig})
	}, l.opt.signals...)
	return stop
}

// Signals collects signals that have arrived for tasks to take.
type Signals struct {
	loop    *Loop
	pending []os.Signal
	arrived Event
	stop    func()
	stopped bool
}

// Signals catches signals for tasks that wait for them, until Stop. Until then they do not end the
// program. A signal that arrives again before it is taken is taken once.
func (l *Loop) Signals(sigs ...os.Signal) *Signals {
	s := &Signals{loop: l}
	s.stop = l.OnSignal(func(sig os.Signal) {
		if !slices.Contains(s.pending, sig) {
			s.pending = append(s.pending, sig)
			s.arrived.Set()
		}
	}, sigs...)
	return s
}

// Wait parks t until there is a signal, and takes the one that arrived first.
func (s *Signals) Wait(t *Task) (os.Signal, error) {
	t.mustRun("Signals.Wait")
	for len(s.pending) == 0 {
		if s.stopped {
			return nil, fmt.Errorf("corolla: wait for a signal: %w", os.ErrClosed)
		}
		s.arrived.Clear()
		if err := s.arrived.Wait(t); err != nil {
			return nil, err
		}
	}
	sig := s.pending[0]
	s.pending = s.pending[1:]
	return sig, nil
}

// SignalsStats describes a Signals.
type SignalsStats struct {
	Pending int // signals that have arrived and that no task has taken
	Waiting int // tasks
}

// Stats returns how the signals stand.
func (s *Signals) Stats() SignalsStats {
	s.loop.check("Signals.Stats")
	return SignalsStats{len(s.pending), s.arrived.Stats().Waiting}
}

// Stop restores the usual effect of the signals. Those that have arrived can still be taken; a task
// that waits for more gets os.ErrClosed.
func (s *Signals) Stop() {
	s.loop.check("Signals.Stop")
	s.stop()
	s.stopped = true
	s.arrived.Set()
}

// OnExit calls f once, when a process started by this program has ended; waiting for it no longer
// blocks then. stop cancels the call.
func (l *Loop) OnExit(p *os.Process, f func()) (stop func(), err error) {
	l.check("OnExit")
	s, err := l.open(file, nil, func(host.Settings) (host.FD, error) { return l.host.OpenProcess(p.Pid) })
	if err != nil {
		return nil, fmt.Errorf("corolla: watch process %d: %w", p.Pid, err)
	}
	end := func() { _ = s.Close() } // closing twice does no harm
	s.OnReadable(func() {
		end()
		f()
	})
	return end, nil
}
