package corolla_test

import (
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// A limiter that nobody has used lets through a tenth of a second's worth, and sets no timer while nobody
// waits for it.
func TestThrottledSocket(t *testing.T) {
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		l := newLoop()
		if l.Simulated() { // whose writes are to take what they can
			l = sim.New(1, sim.Whole()).NewLoop()
		}
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			lim := corolla.NewLimiter(100)
			corolla.SetThrottle(a, nil, lim)
			n, err := a.TryWriteBatch([][]byte{make([]byte, 4), make([]byte, 1000)})
			if n != 10 || err != nil || !corolla.Throttled(a) {
				t.Errorf("the first write: %d, %v", n, err)
			}
			if n, err := a.TryWrite(make([]byte, 1000)); n != 0 || err != corolla.ErrWouldBlock {
				t.Errorf("the next one: %d, %v", n, err)
			}
			if s := lim.Stats(); s != (corolla.LimiterStats{Rate: 100, Waiting: 1, Moved: 10}) {
				t.Errorf("%+v", s)
			}
			before := l.Now()
			if err := a.WaitWritable(task); err != nil {
				return err
			}
			if took := l.Now() - before; took < 50*ms-100*time.Microsecond { // as the clock may lag
				t.Errorf("writable again after %v", took)
			}
			if n, err := a.TryWrite([]byte("xxx")); n != 3 || err != nil {
				t.Errorf("in its turn: %d, %v", n, err)
			}
			return task.Timeout(2*time.Second, func(*corolla.Scope) error { _, err = readN(task, b, 13); return err })
		})
		if s := l.Stats(); s.Timers != 0 {
			t.Errorf("%d timers while nobody waits", s.Timers)
		}
		closeAll(t, a, b)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What waits may go on as soon as the rate is changed, or the limiter.
func TestThrottleThatChanges(t *testing.T) {
	for name, change := range map[string]func(lim *corolla.Limiter, s *corolla.Socket){
		"no limit":      func(lim *corolla.Limiter, _ *corolla.Socket) { lim.SetRate(0) },
		"faster":        func(lim *corolla.Limiter, _ *corolla.Socket) { lim.SetRate(1_000_000_000) },
		"another":       func(_ *corolla.Limiter, s *corolla.Socket) { corolla.SetThrottle(s, corolla.NewLimiter(1e9), nil) },
		"none any more": func(_ *corolla.Limiter, s *corolla.Socket) { corolla.SetThrottle(s, nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
				a, b := socketPair(t, l)
				run(t, l, func(task *corolla.Task) error {
					lim := corolla.NewLimiter(1)
					corolla.SetThrottle(b, lim, nil)
					if _, err := a.TryWrite([]byte("hello")); err != nil {
						return err
					}
					if _, err := readN(task, b, 1); err != nil {
						return err
					}
					rest := corolla.Go(l, func(task *corolla.Task) ([]byte, error) { return readN(task, b, 4) }, corolla.Eager())
					before := l.Now()
					l.After(ms, func() { change(lim, b) })
					if got, err := rest.Await(task); string(got) != "ello" || err != nil {
						t.Errorf("read %q, %v", got, err)
					}
					if took := l.Now() - before; took > time.Second { // or it was a byte a second
						t.Errorf("it took %v", took)
					}
					return nil
				})
				closeAll(t, a, b)
			})
		})
	}
}

// A callback that is taken back while its socket is in line, and set again, is called again.
func TestThrottledCallbackThatIsTakenBack(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		lim := corolla.NewLimiter(2000)
		corolla.SetThrottle(b, lim, nil)
		run(t, l, func(task *corolla.Task) error {
			const all = 500
			if _, err := a.TryWrite(make([]byte, all)); err != nil {
				return err
			}
			got, calls := 0, 0
			var done corolla.Event
			var read func()
			read = func() {
				n, err := b.TryRead(make([]byte, 100))
				if err != nil && err != corolla.ErrWouldBlock {
					t.Error(err)
				}
				if got += n; got == all {
					b.OnReadable(nil)
					done.Set()
					return
				}
				if calls++; calls%2 == 0 {
					b.OnReadable(nil)
					l.After(60*ms, func() { b.OnReadable(read) }) // past its turn
				}
			}
			b.OnReadable(read)
			if err := done.Wait(task); err != nil {
				return err
			}
			if moved := lim.Stats().Moved; moved != all {
				t.Errorf("%d bytes were counted, of %d", moved, all)
			}
			return nil
		})
		closeAll(t, a, b)
	})
}

func TestThrottleMisused(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		if _, err := l.Listen("tcp", "127.0.0.1:0", corolla.Throttle(1, -1)); err == nil || !strings.Contains(err.Error(), "Throttle") {
			t.Errorf("less than nothing: %v", err)
		}
		if _, err := l.Listen("tcp", "127.0.0.1:0", corolla.LogTraffic(nil, corolla.AsText, 1)); err == nil {
			t.Error("a log that is nil is taken")
		}
		lim := corolla.NewLimiter(1)
		ln, err := l.Listen("tcp", "127.0.0.1:0", corolla.ThrottleShared(lim, lim))
		if err != nil {
			t.Fatal(err)
		}
		other := sim.New(2).NewLoop()
		defer other.Close()
		if _, err := other.Listen("tcp", "127.0.0.1:0", corolla.ThrottleShared(nil, lim)); err == nil || !strings.Contains(err.Error(), "two loops") {
			t.Errorf("of another loop: %v", err)
		}
		a, b := socketPair(t, l)
		for want, misuse := range map[string]func(){
			"NewLimiter(-1)": func() { corolla.NewLimiter(-1) },
			"SetRate(-1)":    func() { lim.SetRate(-1) },
		} {
			if text := panicText(t, misuse); !strings.Contains(text, want) {
				t.Errorf("%s panics with %q", want, text)
			}
		}
		closeAll(t, a, b, ln)
		corolla.SetThrottle(a, lim, lim) // which is closed
		if corolla.Throttled(a) || lim.Stats().Waiting != 0 {
			t.Error("a closed socket waits for its limiter")
		}
	})
}
