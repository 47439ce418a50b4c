package gen_test

import (
	"errors"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// fill writes to a socket until it takes no more.
func fill(t *testing.T, s *corolla.Socket) {
	t.Helper()
	for {
		if _, err := s.TryWrite(make([]byte, 1<<16)); err == corolla.ErrWouldBlock {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// drain reads all that has arrived.
func drain(task *corolla.Task, s *corolla.Socket) error {
	for b := make([]byte, 1<<16); ; {
		if _, err := s.TryRead(b); err == corolla.ErrWouldBlock {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestCanceledWaitIsOver: what a canceled generator waited for does not resume it any more, be it
// in its cleanup, and others can wait for it.
func TestCanceledWaitIsOver(t *testing.T) {
	onLoops(t, func(t *testing.T, task *corolla.Task) {
		l := task.Loop()
		a, b := connected(t, task)
		fill(t, a)
		f := corolla.NewFuture[int](l)
		for _, c := range []struct {
			name    string
			wait    gen.Wait
			trigger func() error // makes it come about
			again   func(f func()) error
		}{
			{"readable", gen.Readable(a), func() error { _, err := b.TryWrite([]byte("x")); return err }, a.OnceReadable},
			{"writable", gen.Writable(a), func() error { return drain(task, b) }, a.OnceWritable},
			{"done", gen.Done(f), func() error { return f.Resolve(1) }, nil},
			{"turn", gen.Turn(), func() error { return nil }, nil},
			{"sleep", gen.Sleep(time.Millisecond), func() error { return task.Sleep(2 * time.Millisecond) }, nil},
			{"sleep for nothing", gen.Sleep(-1), func() error { return task.Sleep(2 * time.Millisecond) }, nil},
		} {
			hold := corolla.NewFuture[int](l)
			cleaned := false
			var canceled *corolla.Future[int]
			canceled = gen.Go(l, func(y *co) (int, error) {
				l.Soon(func() { canceled.Cancel(nil) }) // before the turn comes for which it waits
				_, err := y.Yield(c.wait)
				if err != gen.ErrExit {
					t.Errorf("%s: Yield returned %v", c.name, err)
				}
				_, _ = y.Yield(gen.Done(hold))
				cleaned = true
				return 0, err
			})
			begun(t, task)
			if c.again != nil {
				if err := c.again(func() {}); err != nil {
					t.Errorf("%s: waiting for it after the cancel: %v", c.name, err)
				}
			}
			if err := c.trigger(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			begun(t, task)
			if cleaned {
				t.Errorf("%s: the cleanup did not wait", c.name)
			}
			_ = hold.Resolve(0)
			if _, err := canceled.Await(task); !errors.Is(err, corolla.ErrCanceled) || !cleaned {
				t.Errorf("%s: Await = %v", c.name, err)
			}
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestCanceledGeneratorLeavesNoTimer: on a simulated machine a timer is something that can still
// happen, so with one left the clock would go on to it before the deadlock is seen.
func TestCanceledGeneratorLeavesNoTimer(t *testing.T) {
	for name, body := range map[string]gen.Coroutine[string]{
		"sleeping":  func(y *co) (string, error) { _, err := y.Yield(gen.Sleep(time.Hour)); return "", err },
		"cleaning":  tidy(new(bool), 2),
		"not begun": nil,
	} {
		l := sim.New(1).NewLoop()
		never := corolla.NewFuture[int](l)
		err := l.Run(func(task *corolla.Task) error {
			f := gen.Go(l, body)
			if name != "not begun" {
				begun(t, task)
			}
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("%s: Await = %v", name, err)
			}
			_, err := never.Await(task)
			return err
		})
		var deadlock *corolla.DeadlockError
		if !errors.As(err, &deadlock) || l.Now() >= time.Second {
			t.Errorf("%s: at %v: %v", name, l.Now(), err)
		}
		_ = never.Resolve(0)
		turns(t, l, 2)
		leaktest.Close(t, l)
	}
}

// TestLimitsOfACleanup: 100 waits and 5 seconds.
func TestLimitsOfACleanup(t *testing.T) {
	for _, c := range []struct {
		name    string
		wait    gen.Wait
		n       int // waits
		refused int
		at      time.Duration
	}{
		{"as many waits as may be", gen.Turn(), 100, 0, 0},
		{"one more", gen.Turn(), 101, 1, 0},
		{"nearly as long as may be", gen.Sleep(5*time.Second - time.Millisecond), 1, 0, 5*time.Second - time.Millisecond},
		{"longer", gen.Sleep(6 * time.Second), 1, 1, 5 * time.Second},
		{"longer, again and again", gen.Sleep(6 * time.Second), 100, 100, 5 * time.Second},
		{"longer in all", gen.Sleep(2 * time.Second), 4, 2, 5 * time.Second},
	} {
		var reports []error
		l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { reports = append(reports, err) }))
		if err := l.Run(func(task *corolla.Task) error {
			refused := 0
			f := gen.Go(l, func(y *co) (int, error) {
				_, err := y.Yield(gen.Sleep(time.Hour))
				for range c.n {
					if _, err := y.Yield(c.wait); err == gen.ErrExit {
						refused++
					} else if err != nil {
						t.Errorf("%s: %v", c.name, err)
					}
				}
				return 0, err
			})
			begun(t, task)
			begin := l.Now()
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) || refused != c.refused || (l.Now()-begin).Truncate(time.Millisecond) != c.at {
				t.Errorf("%s: %d refused, after %v: %v", c.name, refused, l.Now()-begin, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		leaktest.Close(t, l)
		if len(reports) != 0 { // it has ended by itself
			t.Errorf("%s: reported: %v", c.name, reports)
		}
	}
}

// TestRefusalsBeforeUnwinding: a body that ends within 100 refusals, after the cancel, has ended by
// itself.
func TestRefusalsBeforeUnwinding(t *testing.T) {
	for _, n := range []int{101, 102} {
		onNewLoops(t, func(t *testing.T, l *corolla.Loop, reports *[]error) {
			refused := 0
			gen.Go(l, func(y *co) (int, error) {
				for refused < n {
					if _, err := y.Yield(gen.Sleep(time.Hour)); err == gen.ErrExit {
						refused++
					}
				}
				return 0, nil
			})
			turns(t, l, 2)
			closeLoop(t, l)
			if refused != 101 || n > 101 != (len(*reports) == 1) {
				t.Errorf("%d refused, reported: %v", refused, *reports)
			}
		})
	}
}

// A generator whose body ignores that the task is canceled ends with the task, which is unwound.
func TestGeneratorInATaskThatIsUnwound(t *testing.T) {
	var log []error
	l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { log = append(log, err) }))
	if err := l.Run(func(task *corolla.Task) error {
		f := l.Go(func(task *corolla.Task) error {
			g := gen.New(func(*gen.Yield[int, int]) (int, error) {
				for {
					_ = task.Sleep(time.Second)
				}
			})
			_, err := g.Next()
			return err
		}, corolla.Eager())
		f.Cancel(nil)
		if _, err := f.Await(task); !corolla.IsOnly(err, corolla.ErrCanceled) {
			t.Errorf("the task has ended with %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if len(log) != 1 || !errors.As(log[0], new(*corolla.UnwoundError)) {
		t.Errorf("the handler got %v", log)
	}
	leaktest.Close(t, l)
}
