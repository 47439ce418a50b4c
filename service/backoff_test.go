package service_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// Rules 21 and 22: how the waits of Twisted's two clients grow, up to which, and that the longest wait is
// one without what jitter adds.
func TestRule21And22Backoff(t *testing.T) {
	const s = time.Second
	tenth := func(d time.Duration) time.Duration { return d / 10 }
	exp := func(n float64) time.Duration { return time.Duration(math.Exp(n) * float64(s)) }
	for name, c := range map[string]struct {
		policy func(failed int) time.Duration
		want   map[int]time.Duration // after so many failures
	}{
		"21: ReconnectingClientFactory": {
			service.Backoff(s, time.Hour, math.E, nil),
			map[int]time.Duration{1: exp(1), 2: exp(2), 8: exp(8), 9: time.Hour, 10: time.Hour, 1 << 40: time.Hour},
		},
		"21: with jitter": {service.Backoff(s, time.Hour, math.E, tenth), map[int]time.Duration{1: exp(1) + exp(1)/10, 9: 66 * time.Minute}},
		"22: backoffPolicy": {
			service.Backoff(s, time.Minute, 1.5, nil),
			map[int]time.Duration{1: 1500 * time.Millisecond, 2: 2250 * time.Millisecond, 10: 57665039062, 11: time.Minute, 2000: time.Minute},
		},
		"22: with jitter":   {service.Backoff(s, time.Minute, 1.5, tenth), map[int]time.Duration{1: 1650 * time.Millisecond, 99: 66 * s}},
		"always the same":   {service.Backoff(s, time.Minute, 1, nil), map[int]time.Duration{1: s, 99: s}},
		"infinitely longer": {service.Backoff(s, time.Minute, math.Inf(1), nil), map[int]time.Duration{1: time.Minute}},
		"no number":         {service.Backoff(s, time.Minute, math.NaN(), nil), map[int]time.Duration{1: time.Minute}},
	} {
		for failed, want := range c.want {
			if got := c.policy(failed); got != want {
				t.Errorf("%s: after %d failures %v, want %v", name, failed, got, want)
			}
		}
	}
}

// Rule 22: by default jitter is up to a second; it repeats on a simulated machine, but not for each call.
func TestRule22Jitter(t *testing.T) {
	draw := func() (all [100]time.Duration) {
		l := sim.New(1).NewLoop()
		defer l.Close()
		j := service.Jitter(l, time.Second)
		for i := range all {
			all[i] = j(time.Hour)
		}
		return all
	}
	first, different := draw(), 0
	for i, d := range first {
		if d < 0 || d >= time.Second {
			t.Errorf("jitter of %v", d)
		}
		if i > 0 && d != first[i-1] {
			different++
		}
	}
	if second := draw(); first != second || different < 50 {
		t.Errorf("%d are different; again: %v", different, first == second)
	}
}

// Rules 21 and 22: what a client waits by default, which success resets. On a simulated machine it is the
// virtual time between attempts.
func TestRule22DefaultOfAClient(t *testing.T) {
	onHost(t, true, 1, func(t *testing.T, task *corolla.Task, log *[]error) {
		l, n := task.Loop(), 0
		var at []time.Duration
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return &shout{d: &diary{}} })
		if err != nil {
			t.Fatal(err)
		}
		client := service.NewClient(l, "c", func() *corolla.Future[*transport.Conn] {
			at = append(at, l.Now())
			if n++; n == 4 {
				return transport.Dial(l, "tcp", srv.Addr().String(), &shout{&diary{}, func(c *transport.Conn) { at[len(at)-1] = l.Now(); c.Abort() }})
			}
			f := corolla.NewFuture[*transport.Conn](l)
			_ = f.Fail(errLuck)
			return f
		})
		if err := client.Start(task); err != nil {
			t.Fatal(err)
		}
		until30 := func() bool { return n == 14 }
		for !until30() {
			if err := task.Sleep(10 * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(client.Stop(task), srv.Close()); err != nil {
			t.Error(err)
		}
		plain := service.Backoff(time.Second, time.Minute, 1.5, nil)
		for i := 1; i < len(at); i++ {
			failed := i
			if i >= 4 { // the fourth was a success, and then lost
				failed = i - 3
			}
			if d := at[i] - at[i-1]; d < plain(failed) || d > plain(failed)+time.Second+10*time.Millisecond {
				t.Errorf("attempt %d comes after %v, want %v and up to a second more", i+1, d, plain(failed))
			}
		}
		for i, err := range *log {
			var e *service.ClientError
			if !errors.As(err, &e) || e.Client != "c" || e.Wait < time.Second || i < 3 && (e.Err != errLuck || e.Failed != i+1) {
				t.Errorf("reported: %v", err)
			}
		}
		if len(*log) != 14 {
			t.Errorf("%d reports", len(*log))
		}
		*log = nil
	})
}

// A client gives up where its policy says so: whoever waits hears why, at once or later, and so does its
// tree. Its Stop is nothing then, and it can be started again.
func TestClientGivesUp(t *testing.T) {
	for name, policy := range map[string]func(failed int) time.Duration{
		"by its policy": func(failed int) time.Duration {
			return []time.Duration{0, time.Microsecond, -1}[failed]
		},
		"by a panic": func(failed int) time.Duration {
			return []time.Duration{0, time.Microsecond}[failed]
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				w := newWorld(t, task)
				w.client.Backoff = policy
				for range 2 {
					var failed error
					w.client.OnFail(func(err error) { failed = err })
					w.start()
					waits := w.client.WhenConnected(0)
					w.fails()
					w.fails()
					_, err := waits.Result()
					_, late := w.client.WhenConnected(5).Result()
					const want = "client c: failure 2 in a row: bad luck; giving up"
					says(t, err, want)
					says(t, late, want)
					says(t, failed, want)
					w.d.want(t, "attempt retry(1,bad luck,1µs) attempt retry(2,bad luck,-1ns)")
					if err := w.client.Stop(task); err != nil {
						t.Errorf("Stop: %v", err)
					}
				}
				w.end()
				if p := (*corolla.PanicError)(nil); name == "by a panic" && len(*log) == 2 && errors.As((*log)[0], &p) {
					*log = nil
				}
			})
		})
	}
}
