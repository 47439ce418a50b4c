package corolla_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestHappyEyeballs(t *testing.T) { // RFC 8305
	w := sim.New(1, sim.Latency(ms, ms), sim.Silent("10.0.0.1", "10.0.0.2"),
		sim.Name("slow.test", "10.0.0.1", "10.0.0.2", "::2", "10.0.0.3"),
		sim.Name("dead.test", "10.0.0.1", "10.0.0.9"),
		sim.Name("refused.test", "10.0.0.8", "::9"))
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		three, err := l.Listen("tcp", "10.0.0.3:80")
		if err != nil {
			return err
		}
		defer closeAll(t, three)
		begin := l.Now()
		s, err := l.Dial("tcp", "slow.test:80").Await(task)
		if err != nil {
			return err
		}
		// 10.0.0.1 is silent; ::2, whose turn is after it, refuses; 10.0.0.2 is silent.
		if took := l.Now() - begin; s.PeerAddr().String() != "10.0.0.3:80" || took < 500*ms || took > 600*ms {
			t.Errorf("connected to %v after %v", s.PeerAddr(), took)
		}
		if n := w.Open(); n != 2 { // the listener and the socket: nobody has accepted the other end
			t.Errorf("%d descriptors are open: are the losers closed?", n)
		}
		closeAll(t, s)
		_, err = l.Dial("tcp", "refused.test:80").Await(task)
		if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "10.0.0.8:80") || !strings.Contains(err.Error(), "[::9]:80") {
			t.Errorf("refused everywhere: %v", err)
		}
		_, err = l.Dial("tcp", "dead.test:80").AwaitTimeout(task, time.Minute)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an address that never answers: %v", err)
		}
		begin = l.Now()
		_, err = l.Dial("tcp", "dead.test:80").Await(task)
		if took := l.Now() - begin; !errors.Is(err, os.ErrDeadlineExceeded) || took != 30*time.Second || !strings.HasPrefix(err.Error(), "dial 10.0.0.9:80: connection refused\ndial dead.test:80: ") {
			t.Errorf("the same without a time of its own: %v after %v", err, took)
		}
		_, err = l.Dial("tcp", "dead.test:80", corolla.DialTimeout(time.Second)).Await(task)
		if took := l.Now() - begin; !errors.Is(err, os.ErrDeadlineExceeded) || took != 31*time.Second {
			t.Errorf("with DialTimeout: %v after %v", err, took)
		}
		if n := w.Open(); n > 2 {
			t.Errorf("%d descriptors are open after a dial that timed out", n)
		}
		return nil
	})
}

// A dial that has ended leaves no timer: on a simulated machine the clock would go on to it before
// the deadlock is seen.
func TestDialLeavesNothingBehind(t *testing.T) {
	for name, want := range map[string]error{"good.test:80": nil, "refused.test:80": syscall.ECONNREFUSED} {
		w := sim.New(1, sim.Latency(ms, ms), sim.Name("good.test", "10.0.0.1", "10.0.0.2"), sim.Name("refused.test", "10.0.0.8", "10.0.0.9"))
		l := w.NewLoop()
		err := l.Run(func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "10.0.0.1:80")
			if err != nil {
				return err
			}
			s, err := l.Dial("tcp", name).Await(task)
			if !errors.Is(err, want) {
				t.Errorf("dial %s: %v", name, err)
			}
			if s != nil {
				s.OnWritable(nil)
				if err := s.OnceWritable(func() {}); err != nil {
					t.Errorf("the socket is not free: %v", err)
				}
				closeAll(t, s)
			}
			closeAll(t, ln)
			return task.Park("what never comes")
		})
		var dead *corolla.DeadlockError
		if !errors.As(err, &dead) || w.Now() > 100*ms {
			t.Errorf("%s: %v, at %v", name, err, w.Now())
		}
		if err := l.Close(); err != nil || w.Open() != 0 {
			t.Errorf("%s: Close: %v; %d descriptors are open", name, err, w.Open())
		}
	}
}

// A failed address is followed by the next at once, and the next but one by a time of its own.
func TestDialTriesTheNextAddressWhenOneHasFailed(t *testing.T) {
	w := sim.New(1, sim.Latency(ms, ms), sim.Silent("10.0.0.2"), sim.Name("some.test", "10.0.0.1", "10.0.0.2", "10.0.0.3"))
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		ln, err := l.Listen("tcp", "10.0.0.3:80")
		if err != nil {
			return err
		}
		defer closeAll(t, ln)
		s, err := l.Dial("tcp", "some.test:80").Await(task)
		if err != nil {
			return err
		}
		// The first refuses after two trips, and the second has 250 ms from then on.
		if took := l.Now(); took < 250*ms || took > 260*ms {
			t.Errorf("connected after %v", took)
		}
		closeAll(t, s)
		return nil
	})
}

// noNames is a machine whose look-ups never end by themselves.
type noNames struct{ host.Host }

func (noNames) Resolve(ctx context.Context, _, _ string) ([]net.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestDialGivesUpItsLookup(t *testing.T) {
	between := hosttest.Between(func(h host.Host) host.Host { return noNames{h} })
	l, err := corolla.New(between, corolla.MaxJobs(1))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		lookups := l.Workers("lookup")
		free := func() {
			t.Helper()
			if _, err := corolla.OffloadTo(lookups, func(context.Context) (int, error) { return 0, nil }).Await(task); err != nil {
				t.Error(err)
			}
		}
		_, err := l.Dial("tcp", "some.test:80", corolla.DialTimeout(ms)).Await(task)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("late: %v", err)
		}
		free()
		f := l.Dial("tcp", "some.test:80", corolla.DialTimeout(0)) // as long as it takes
		if err := task.Sleep(2 * ms); err != nil {
			return err
		}
		if f.Done() || lookups.Stats().Running != 1 {
			t.Errorf("a dial without a limit has ended: %v", f.Done())
		}
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		free()
		return nil
	})
}

func TestCanceledDialDoesNotConnect(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		f := l.Dial("tcp", "127.0.0.1:80") // known at once, and told in the next turn
		f.Cancel(nil)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		if err := turns(task, 3); err != nil || w.Open() != 0 {
			t.Errorf("%d descriptors are open, %v", w.Open(), err)
		}
		return nil
	})
}

func TestDialErrors(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			addr := ln.LocalAddr().String()
			if _, err := l.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr) {
				t.Errorf("listen twice: %v, want the address and EADDRINUSE", err)
			}
			closeAll(t, ln)
			_, err = l.Dial("tcp", addr).Await(task)
			if !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != "dial "+addr+": connection refused" {
				t.Errorf("dial of nobody: %v", err)
			}
			for _, bad := range []string{"127.0.0.1", "127.0.0.1:99999", "no.such.host.invalid:1"} {
				if _, err := l.Dial("tcp", bad).Await(task); err == nil || !strings.HasPrefix(err.Error(), "dial "+bad+": ") {
					t.Errorf("dial %s: %v", bad, err)
				}
			}
			if _, err := l.Dial("carrier pigeon", addr).Await(task); !errors.As(err, new(net.UnknownNetworkError)) {
				t.Errorf("dial on an unknown network: %v", err)
			}
			return nil
		})
	})
}

func TestDialCanBeCanceled(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer closeAll(t, ln)
			f := l.Dial("tcp", ln.LocalAddr().String())
			f.Cancel(nil)
			if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
				t.Errorf("canceled dial: %v", err)
			}
			return nil
		})
	})
}
