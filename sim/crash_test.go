package sim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// A program starts anew with its host, and has nothing of what it had.
func TestRestartStartsTheProgramsAgain(t *testing.T) {
	for _, kind := range []sim.FaultKind{sim.Crash, sim.PowerLoss} {
		w := calm(1)
		h := w.Host("a")
		var starts []time.Duration
		p := h.Start(func(t *corolla.Task) error {
			starts = append(starts, w.Now())
			ln, err := aio.Listen(t.Loop(), "tcp", ":80") // would be in use
			if err != nil {
				return err
			}
			defer ln.Close()
			return t.Sleep(5 * time.Second)
		})
		w.Inject(sim.Fault{Kind: kind, Host: "a", At: time.Second, For: 2 * time.Second})
		w.Inject(sim.Fault{Kind: kind, Host: "a", At: 4 * time.Second})
		w.Inject(sim.Fault{Kind: sim.Restart, Host: "a", At: 6 * time.Second})
		w.Advance(5 * time.Second)
		if h.Up() || !p.Done() || !errors.Is(p.Err(), sim.ErrCrashed) {
			t.Errorf("%s: after the second crash: up %v, done %v, %v", kind, h.Up(), p.Done(), p.Err())
		}
		if err := w.Run(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if want := []time.Duration{0, 3 * time.Second, 6 * time.Second}; !slices.Equal(starts, want) || w.Now() != 11*time.Second {
			t.Errorf("%s: started at %v, over at %v", kind, starts, w.Now())
		}
		w.Close()
	}
}

// What a task has deferred runs, since a goroutine cannot be dropped, but nothing comes of it.
func TestCrashedTasksSendNothing(t *testing.T) {
	w := calm(1)
	unwound := false
	h := w.Host("client")
	w.Inject(sim.Fault{Kind: sim.PowerLoss, At: time.Second, Host: func() string { w.Host("server"); return "client" }()})
	var got []byte
	w.Host("server").Start(func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":7")
		if err != nil {
			return err
		}
		c, err := ln.Accept(t)
		if err != nil {
			return err
		}
		for buf := make([]byte, 64); ; {
			n, err := c.Read(t, buf)
			if got = append(got, buf[:n]...); err != nil {
				return err
			}
		}
	})
	h.Start(func(t *corolla.Task) error {
		c, err := aio.Dial(t, "tcp", "server:7")
		if err != nil {
			return err
		}
		defer func() {
			unwound = true
			_, _ = c.Write(t, []byte("farewell")) // fails
			_ = c.Close()
		}()
		return t.Sleep(time.Hour)
	})
	w.Advance(time.Minute)
	if !unwound {
		t.Error("the task is left behind")
	}
	if len(got) != 0 {
		t.Errorf("the server got %q", got)
	}
	w.Close()
}

// A program that crashes its own host ends where it waits next, and what it does until then is void.
func TestProgramCrashesItsOwnHost(t *testing.T) {
	w := calm(1)
	defer w.Close()
	h := w.Host("a")
	var after error
	ran := 0
	h.Start(func(t *corolla.Task) error {
		if ran++; ran > 1 {
			return nil
		}
		h.Crash()
		_, after = t.Loop().Listen("tcp", ":80")
		return t.Sleep(time.Hour)
	})
	w.Advance(time.Second)
	if after == nil {
		t.Error("Listen on a crashed host did not fail")
	}
	h.Restart()
	if err := w.Run(); err != nil || ran != 2 {
		t.Errorf("Run: %v, after %d starts", err, ran)
	}
}

func TestConnectionsToHostsThatAreDown(t *testing.T) {
	for _, c := range []struct {
		fault string
		says  string
		at    time.Duration
	}{
		{"crash host=server at=0s", "connection refused", 0},
		{"power-loss host=server at=0s", "connection timed out", 127 * time.Second},
		{"power-loss host=server at=0s for=10s", "", 15 * time.Second}, // the fourth attempt
		{"partition host=server at=0s", "connection timed out", 127 * time.Second},
		{"one-way host=server peer=client at=0s for=2s", "", 2 * time.Second},
		{"unanswered host=server at=0s", "connection timed out", 127 * time.Second},
		{"unanswered host=server peer=other at=0s", "", 0},
		{"unanswered host=server peer=client at=0s for=5s", "", 7 * time.Second},
	} {
		w := calm(1)
		w.Host("server").Start(serveEcho)
		w.Host("other")
		client := w.Host("client")
		inject(t, w, c.fault)
		var at time.Duration
		err := client.Run(func(t *corolla.Task) error {
			if err := t.Sleep(time.Millisecond); err != nil {
				return err
			}
			begun := w.Now()
			s, err := t.Loop().Dial("tcp", w.Host("server").Addrs()[0].String()+":7", corolla.DialTimeout(time.Hour)).Await(t)
			if at = w.Now() - begun; err != nil {
				return err
			}
			return s.Close()
		})
		if got := errorText(err); !contains(got, c.says) || at < c.at || at > c.at+time.Second {
			t.Errorf("%s: after %v: %v; want %q after %v", c.fault, at, err, c.says, c.at)
		}
		w.Close()
	}
}

// A crash comes between two callbacks, also of one turn: what is due together is done in part.
func TestCrashesInTheMiddleOfATurn(t *testing.T) {
	seen := map[int]bool{}
	for seed := range uint64(50) {
		w := sim.New(seed)
		done := 0
		w.Host("a").Start(func(t *corolla.Task) error {
			for range 6 {
				t.Loop().After(time.Second, func() { done++ })
			}
			return t.Sleep(time.Minute)
		})
		inject(t, w, "crash host=a at=1s")
		w.Advance(2 * time.Second)
		if w.Host("a").Up() {
			t.Fatalf("seed %d: it is up", seed)
		}
		seen[done] = true
		w.Close()
	}
	if !seen[0] || !seen[6] || len(seen) < 5 {
		t.Errorf("of six callbacks so many ran: %v", seen)
	}
}
