//go:build unix

package worker_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How workers that are started become ready or do not, and what the parent then says.
func TestStart(t *testing.T) {
	for mode, c := range map[string]struct {
		status int
		says   string
	}{
		"dies":    {1, "worker: not started: worker 1.0 has ended before all were ready: exit status 3: no luck today"},
		"never":   {1, "worker: not started: worker 1.0 was not ready within 1s"},
		"another": {1, `no socket "another"`},
	} {
		t.Run(mode, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "mode")
			if err := os.WriteFile(name, []byte(mode), 0o600); err != nil {
				t.Fatal(err)
			}
			p := begin(t, settings{Workers: 1, Mode: name, Ready: time.Second})
			if code := p.end(); code != c.status || !strings.Contains(p.stderr.String(), c.says) {
				t.Errorf("exit status %d, %q", code, p.stderr.String())
			}
		})
	}
}

// A version that does not become ready leaves the old workers serving, and the log says why.
func TestFailedReload(t *testing.T) {
	t.Parallel()
	p := begin(t, settings{Workers: 2, Ready: 5 * time.Second})
	p.ready(2)
	for mode, why := range map[string]string{
		"dies":    "exit status 3: no luck today",
		"never":   "was not ready within 5s",
		"another": `no socket "another"`,
		"leaves":  "has ended before all were ready: exit status 0",
	} {
		p.mode(mode)
		p.signal(syscall.SIGHUP)
		if e := p.next("the new workers do not become ready; the old ones go on"); !strings.Contains(e.Err, why) {
			t.Errorf("%s: %+v", mode, e)
		}
		if got := ask(t, p); got.generation != 0 {
			t.Errorf("%s: served by generation %d", mode, got.generation)
		}
	}
	p.mode("web")
	p.signal(syscall.SIGHUP)
	p.next("reloaded")
	p.ended(2)
	if got := ask(t, p); got.generation != 1 {
		t.Errorf("served by generation %d after all", got.generation)
	}
	p.stop()
}

// A worker that is killed is started again.
func TestRestart(t *testing.T) {
	p := begin(t, settings{Workers: 1})
	for pid := range p.ready(1) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if e := p.next("worker ended"); e.PID != pid || e.Status != "signal: killed" || e.Told {
			t.Errorf("%+v", e)
		}
	}
	p.ready(1)
	ask(t, p)
	p.stop()
}

// A worker that dies at once in a loop.
func TestCrashLoop(t *testing.T) {
	p := begin(t, settings{Workers: 1, Wait: time.Millisecond})
	for pid := range p.ready(1) {
		p.mode("dies")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if e := p.next("a worker is started again"); e.Failed != i+1 {
			t.Errorf("failure %d is called %d", i+1, e.Failed)
		}
	}
	p.mode("web")
	p.ready(1)
	ask(t, p)
	p.stop()
}

// A worker whose loop hangs, or whose check fails, is replaced.
func TestWatchdog(t *testing.T) {
	for _, mode := range []string{"hangs", "unwell"} {
		t.Run(mode, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "mode")
			if err := os.WriteFile(name, []byte(mode), 0o600); err != nil {
				t.Fatal(err)
			}
			p := begin(t, settings{Workers: 1, Mode: name, Watchdog: 300 * time.Millisecond})
			p.ready(1)
			p.mode("plain")
			e := p.next("worker aborted")
			if !strings.Contains(e.Why, "no sign of life within 300ms") || strings.Contains(e.Why, "no disk") != (mode == "unwell") {
				t.Errorf("%+v", e)
			}
			p.next("worker ended")
			p.ready(1)
			p.stop()
			if !strings.Contains(p.stderr.String(), "worker 1.0: SIGABRT") {
				t.Errorf("no stack of the one that was aborted: %s", p.stderr.String())
			}
		})
	}
}

// SIGTERM ends everything: workers that serve, that wait, and that do not want to.
func TestStop(t *testing.T) {
	for mode, status := range map[string]string{"web": "exit status 0", "plain": "exit status 0", "stubborn": "signal: killed"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "mode")
			if err := os.WriteFile(name, []byte(mode), 0o600); err != nil {
				t.Fatal(err)
			}
			s := settings{Workers: 2, Mode: name}
			if mode == "stubborn" {
				s.Grace = time.Millisecond
			}
			p := begin(t, s)
			p.ready(2)
			p.stop()
			ended := 0
			for _, e := range p.log {
				if e.Msg == "worker ended" {
					if ended++; e.Status != status || !e.Told {
						t.Errorf("%+v", e)
					}
				}
			}
			if ended != 2 {
				t.Errorf("%d workers have ended", ended)
			}
		})
	}
}

// SIGTERM while new workers are becoming ready ends those and the old ones.
func TestStopDuringReload(t *testing.T) {
	p := begin(t, settings{Workers: 2})
	pids := p.ready(2)
	p.mode("never")
	p.signal(syscall.SIGHUP)
	for range 2 {
		pids[p.next("worker started").PID] = ""
	}
	p.stop()
	for pid := range pids {
		gone(t, pid)
	}
}

// A SIGHUP during a reload has its turn after it, and more of them have one together.
func TestReloadDuringReload(t *testing.T) {
	p := begin(t, settings{Workers: 1})
	p.ready(1)
	p.mode("never")
	p.signal(syscall.SIGHUP)
	first := p.next("worker status") // so it has read its mode
	p.mode("web")
	for range 3 {
		p.signal(syscall.SIGHUP)
	}
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.next("the new workers do not become ready; the old ones go on")
	p.next("reloaded")
	p.ended(1)
	if got := ask(t, p); got.generation != 1 {
		t.Errorf("generation %d", got.generation)
	}
	p.stop()
	for _, e := range p.log {
		if e.Msg == "reloading" && e.Generation > 2 {
			t.Errorf("three signals at once were %d reloads", e.Generation)
		}
	}
}

// Workers whose parent is killed end by themselves, and with them all of the sockets.
func TestParentKilled(t *testing.T) {
	p := begin(t, settings{Workers: 2, Linger: time.Millisecond})
	pids := p.ready(2)
	ask(t, p)
	p.signal(syscall.SIGKILL)
	p.end()
	for pid := range pids {
		gone(t, pid)
	}
	if c, err := net.Dial("tcp", p.addr); err == nil {
		_ = c.Close()
		t.Error("somebody still listens")
	}
}

// Signals that are passed on.
func TestForward(t *testing.T) {
	p := begin(t, settings{Workers: 2})
	p.ready(2)
	p.signal(syscall.SIGUSR1)
	for range 2 {
		if e := p.next("worker status"); e.Status != "forwarded" {
			t.Errorf("%+v", e)
		}
	}
	p.stop()
}
