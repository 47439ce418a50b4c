package corolla_test

import (
	"bytes"
	"errors"
	"log"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// stallLog is what a loop's two handlers were told of one culprit. A machine that is busy may find
// others slow, which are not what a test is about.
type stallLog struct {
	culprit string // a part of its name
	release func() // ends the stall

	mu            sync.Mutex
	lasting, over []*corolla.SlowError
}

func (s *stallLog) stalled(err *corolla.SlowError) {
	if !strings.Contains(err.Where, s.culprit) {
		return
	}
	s.mu.Lock()
	s.lasting = append(s.lasting, err)
	first := len(s.lasting) == 1
	s.mu.Unlock()
	if first {
		s.release()
	}
}

func (s *stallLog) ended(err error) {
	var slow *corolla.SlowError
	if errors.As(err, &slow) && strings.Contains(slow.Where, s.culprit) {
		s.over = append(s.over, slow)
	}
}

func (s *stallLog) newLoop(t *testing.T, opts ...corolla.Option) *corolla.Loop {
	t.Helper()
	l, err := corolla.New(append([]corolla.Option{
		corolla.SlowLimit(5 * time.Millisecond), corolla.StallHandler(s.stalled), corolla.ErrorHandler(s.ended),
	}, opts...)...)
	leaktest.NeedLoop(t, err)
	return l
}

// want checks that there was one report while it lasted and one when it was over.
func (s *stallLog) want(t *testing.T, stack ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lasting) != 1 || len(s.over) != 1 {
		t.Fatalf("reported %v while it lasted, and %v when it was over; want one of each", s.lasting, s.over)
	}
	lasting, over := s.lasting[0], s.over[0]
	if !lasting.Lasting || over.Lasting || lasting.Took < lasting.Limit || over.Took < over.Limit {
		t.Errorf("reported %v while it lasted, and %v when it was over", lasting, over)
	}
	if !strings.Contains(lasting.Error(), "has been holding the loop") || !strings.Contains(over.Error(), "held the loop") {
		t.Errorf("the reports say %q and %q", lasting, over)
	}
	for _, part := range stack {
		if !strings.Contains(string(lasting.Stack), part) {
			t.Errorf("no %q in the stack of what lasted:\n%s", part, lasting.Stack)
		}
	}
	if !bytes.Equal(over.Stack, lasting.Stack) {
		t.Errorf("when it was over the stack was:\n%s", over.Stack)
	}
}

// Nothing in the tests below goes on before the report has come, so that they hang if it does not.

func TestCallbackThatHangsIsReportedWhileItDoes(t *testing.T) {
	gate := make(chan struct{})
	s := &stallLog{culprit: "callback corolla_test.hang ", release: func() { close(gate) }}
	l := s.newLoop(t)
	hanging = gate
	l.Soon(func() {})
	l.Soon(hang)
	l.Soon(l.Stop)
	if err := l.RunForever(); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	s.want(t, "corolla_test.hang(", "(*Loop).RunForever(")
	if !strings.Contains(s.lasting[0].Where, "stall_test.go:") {
		t.Errorf("reported %q, without the place", s.lasting[0].Where)
	}
}

var hanging <-chan struct{}

// hang has a name that a report can be asked for.
func hang() { <-hanging }

func TestTaskThatWantsAMutexOfAnotherTaskIsReported(t *testing.T) {
	var mu sync.Mutex
	s := &stallLog{culprit: `task "greedy" of corolla_test.`, release: mu.Unlock}
	l := s.newLoop(t)
	run(t, l, func(task *corolla.Task) error {
		mu.Lock() // and it parks with it
		return task.Group(func(g *corolla.Group) error {
			g.Go(func(*corolla.Task) error { return grab(&mu) }, corolla.Name("greedy"))
			return nil
		})
	})
	leaktest.Close(t, l)
	s.want(t, "corolla_test.grab(", "(*Task).body(")
}

func grab(mu *sync.Mutex) error {
	mu.Lock()
	defer mu.Unlock()
	return nil
}

func TestStackOfAStallIsThatOfWhatIsResumed(t *testing.T) {
	for name, start := range map[string]func(task *corolla.Task){
		"a task within a task": func(task *corolla.Task) {
			task.Loop().Go(func(*corolla.Task) error { hang(); return nil }, corolla.Eager())
		},
		"a generator": func(*corolla.Task) {
			next, stop := corolla.Pull(func(yield func(int) bool) { hang() })
			defer stop()
			next()
		},
	} {
		t.Run(name, func(t *testing.T) {
			gate := make(chan struct{})
			s := &stallLog{culprit: `task "main" of`, release: func() { close(gate) }}
			l := s.newLoop(t)
			hanging = gate
			run(t, l, func(task *corolla.Task) error { start(task); return nil })
			leaktest.Close(t, l)
			s.want(t, "corolla_test.hang(")
		})
	}
}

func TestStallOfAConnectionSaysWhoseItIs(t *testing.T) {
	gate := make(chan struct{})
	s := &stallLog{culprit: "I/O callback corolla_test.hang (", release: func() { close(gate) }}
	l := s.newLoop(t)
	hanging = gate
	run(t, l, func(task *corolla.Task) error {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		client, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
		if err != nil {
			return err
		}
		defer client.Close()
		if err := client.OnceWritable(hang); err != nil { // it is not registered any more when it hangs
			return err
		}
		if err := turns(task, 2); err != nil {
			return err
		}
		s.want(t, "corolla_test.hang(")
		for _, r := range []*corolla.SlowError{s.lasting[0], s.over[0]} {
			if !strings.HasSuffix(r.Where, " for "+ln.LocalAddr().String()) {
				t.Errorf("reported %q, not of whom", r.Where)
			}
		}
		return nil
	})
	leaktest.Close(t, l)
}

// Of two loops one waits, for as long as the other one hangs.
func TestLoopThatWaitsIsNotReported(t *testing.T) {
	idle, err := corolla.New(corolla.SlowLimit(time.Millisecond),
		corolla.StallHandler(func(err *corolla.SlowError) { t.Errorf("reported of a loop that waits: %v", err) }),
		corolla.ErrorHandler(func(error) {}))
	leaktest.NeedLoop(t, err)
	waits, ended := make(chan struct{}), make(chan error)
	go func() {
		ended <- idle.Run(func(task *corolla.Task) error {
			close(waits)
			return task.Park("the other loop")
		})
	}()
	<-waits
	gate := make(chan struct{})
	s := &stallLog{culprit: "corolla_test.hang", release: func() { close(gate) }}
	l := s.newLoop(t)
	hanging = gate
	l.Soon(hang)
	l.Soon(l.Stop)
	if err := l.RunForever(); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	s.want(t)
	idle.Stop()
	if err := <-ended; !errors.Is(err, corolla.ErrLoopStopped) {
		t.Error(err)
	}
	if err := idle.Close(); err != nil {
		t.Error(err)
	}
}

// Of two loops that hang, one hangs at least five times as long as it may.
func TestStallIsReportedOnce(t *testing.T) {
	told, gate := make(chan struct{}), make(chan struct{})
	long := &stallLog{culprit: "corolla_test.hangLong", release: func() { close(told) }}
	l := long.newLoop(t, corolla.SlowLimit(time.Millisecond))
	hangingLong = gate
	l.Soon(hangLong)
	l.Soon(l.Stop)
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	<-told
	short := &stallLog{culprit: "corolla_test.hang (", release: func() { close(gate) }}
	other := short.newLoop(t)
	hanging = gate
	other.Soon(hang)
	other.Soon(other.Stop)
	if err := errors.Join(other.RunForever(), <-ended); err != nil {
		t.Error(err)
	}
	leaktest.Close(t, l)
	leaktest.Close(t, other)
	short.want(t)
	long.want(t)
}

var hangingLong <-chan struct{}

func hangLong() { <-hangingLong }

// printed collects what the log package is given.
type printed chan string

func (p printed) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

func TestStallsArePrintedUnlessThereIsAHandler(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []corolla.Option
		want []string
	}{
		{"none", nil, []string{"callback corolla_test.hang (", "has been holding the loop", "corolla_test.hang("}},
		{
			"one that panics",
			[]corolla.Option{corolla.StallHandler(func(*corolla.SlowError) { panic("unhandled") })},
			[]string{"the stall handler panicked: unhandled", "callback corolla_test.hang (", "has been holding the loop"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := make(printed, 64) // nobody waits for it to be read
			before := log.Writer()
			log.SetOutput(out)
			defer log.SetOutput(before)
			gate := make(chan struct{})
			hanging = gate
			l, err := corolla.New(append(c.opts, corolla.SlowLimit(5*time.Millisecond), corolla.ErrorHandler(func(error) {}))...)
			leaktest.NeedLoop(t, err)
			l.Soon(hang)
			l.Soon(l.Stop)
			ended := make(chan error)
			go func() { ended <- l.RunForever() }()
			text := <-out
			for !strings.Contains(text, c.want[0]) { // something else was slow
				text = <-out
			}
			for _, part := range c.want {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in what was printed:\n%s", part, text)
				}
			}
			close(gate)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			leaktest.Close(t, l)
		})
	}
}

func TestNothingStallsOnASimulatedLoop(t *testing.T) {
	var over []error
	w := sim.New(1)
	l := w.NewLoop(
		corolla.StallHandler(func(err *corolla.SlowError) { t.Errorf("reported while it lasted: %v", err) }),
		corolla.ErrorHandler(func(err error) { over = append(over, err) }))
	run(t, l, func(*corolla.Task) error { w.Spend(time.Hour); return nil })
	leaktest.Close(t, l)
	if len(over) != 1 {
		t.Errorf("reported %v, want one that was slow", over)
	}
}
