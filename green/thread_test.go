package green_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// TestPeriodicThreadEndsWithRun: it looks at no error, and never returns.
func TestPeriodicThreadEndsWithRun(t *testing.T) {
	rounds := 0
	eachHub(t, func(e *env) error {
		e.Go(func() error {
			for {
				e.Sleep(time.Millisecond)
				rounds++
			}
		})
		e.Sleep(5 * time.Millisecond)
		rounds = 0
		return nil
	})
	if rounds > 1 {
		t.Errorf("%d rounds after the end", rounds)
	}
}

// TestKilledInConn: its calls return errors, for libraries hold locks across them; then it is unwound.
func TestKilledInConn(t *testing.T) {
	eachHub(t, func(e *env) error {
		client, server := pair(e.T, e.Hub)
		var read error
		th := e.Go(func() error {
			defer e.add("deferred")
			_, read = client.Read(make([]byte, 1))
			e.add("returned")
			if _, err := client.Read(make([]byte, 1)); err == nil {
				e.Error("a killed thread reads")
			}
			e.Sleep(0)
			e.Error("it lives on")
			return nil
		})
		e.Sleep(0)
		th.Kill(errBad)
		if err := th.Join(); err != errBad || !errors.Is(read, errBad) || !errors.Is(read, corolla.ErrCanceled) {
			e.Errorf("Wait = %v, Read = %v", err, read)
		}
		e.want("returned deferred")
		other := e.Go(func() error { _, err := client.Read(make([]byte, 1)); return err })
		e.Sleep(0)
		other.Kill(errBad)
		if err := other.Join(); err != errBad { // also if the function returns what it got
			e.Errorf("Wait = %v", err)
		}
		return errors.Join(client.Close(), server.Close())
	})
}

// TestCleanupMayTalk: what a thread has deferred may use its connection, and wait.
func TestCleanupMayTalk(t *testing.T) {
	eachHub(t, func(e *env) error {
		client, server := pair(e.T, e.Hub)
		th := e.Go(func() error {
			defer func() {
				b := make([]byte, 3)
				_, err := io.WriteString(client, "quit")
				_, err2 := io.ReadFull(client, b)
				if string(b) != "bye" || err != nil || err2 != nil {
					e.Errorf("%q, %v, %v", b, err, err2)
				}
				if err := e.Timeout(time.Millisecond, e.forever); !errors.As(err, new(*corolla.TimeoutError)) {
					e.Errorf("Timeout in cleanup = %v", err)
				}
			}()
			return e.forever()
		})
		e.Sleep(0)
		th.Kill(nil)
		b := make([]byte, 4)
		_, err := io.ReadFull(server, b)
		_, err2 := io.WriteString(server, "bye")
		if got := th.Join(); got != green.ErrKilled || string(b) != "quit" {
			e.Errorf("Wait = %v, the peer reads %q", got, b)
		}
		return errors.Join(err, err2, client.Close(), server.Close())
	})
}

// TestCleanupEnds: after five seconds in all.
func TestCleanupEnds(t *testing.T) {
	onHub(t, "sim", func(e *env) error {
		client, server := pair(e.T, e.Hub)
		var read error
		th := e.Go(func() error {
			defer e.add("outer")
			defer func() {
				e.Sleep(3 * time.Second)
				e.add("slept")
				_, read = client.Read(make([]byte, 1))
				e.Sleep(0)
				e.add("never")
			}()
			return e.forever()
		})
		e.Sleep(0)
		th.Kill(errBad)
		begin := e.Loop().Now()
		if err := th.Join(); err != errBad || e.Loop().Now()-begin != 5*time.Second || !errors.Is(read, corolla.ErrCanceled) {
			e.Errorf("Wait = %v after %v; Read = %v", err, e.Loop().Now()-begin, read)
		}
		e.want("slept outer")
		return errors.Join(client.Close(), server.Close())
	})
}

func TestGoAfter(t *testing.T) {
	eachHub(t, func(e *env) error {
		begin := e.Loop().Now()
		var th *green.Thread[struct{}]
		starter := e.Go(func() error {
			th = e.GoAfter(2*time.Millisecond, func() error { e.add("after"); return nil }, corolla.Name("late"))
			return nil
		})
		if err := starter.Join(); err != nil || th.Started() || th.Name() != "late" {
			e.Errorf("%v has started: %v; %v", th, th.Started(), err)
		}
		err := th.Join()
		if e.want("after"); !th.Started() || e.Loop().Now()-begin < 2*time.Millisecond {
			e.Error("it has not waited")
		}
		return err
	})
}

func TestLocal(t *testing.T) {
	var name green.Local[string]
	var number green.Local[int]
	eachHub(t, func(e *env) error {
		name.Set(e.Hub, "main")
		set := func(s string) func() error {
			return func() error {
				if got := name.Get(e.Hub); got != "" {
					e.Errorf("a new thread has %q", got)
				}
				name.Set(e.Hub, s)
				e.Sleep(0)
				if got := name.Get(e.Hub); got != s || number.Get(e.Hub) != 0 {
					e.Errorf("%q has %q and %d", s, got, number.Get(e.Hub))
				}
				return nil
			}
		}
		err := errors.Join(e.Go(set("a")).Join(), e.Go(set("b")).Join())
		if got := name.Get(e.Hub); got != "main" {
			e.Errorf("main has %q", got)
		}
		return err
	})
}

// TestThreadsAsFutures: for what takes futures.
func TestThreadsAsFutures(t *testing.T) {
	eachHub(t, func(e *env) error {
		sleep := func(d time.Duration, v int) *green.Thread[int] {
			return green.Go(e.Hub, func() (int, error) { e.Sleep(d); return v, nil })
		}
		slow, fast := sleep(3*time.Millisecond, 1), sleep(time.Millisecond, 2)
		v, err := corolla.First(e.Loop(), slow.Future(), fast.Future()).Await(e.Task())
		all, err2 := corolla.All(e.Loop(), slow.Future(), fast.Future()).Await(e.Task())
		if v != 2 || len(all) != 2 || all[0] != 1 || all[1] != 2 {
			e.Errorf("first %d, all %v", v, all)
		}
		failed := e.Go(func() error { return errBad })
		if _, got := failed.Future().Await(e.Task()); got != errBad {
			e.Errorf("Await = %v", got)
		}
		return errors.Join(err, err2)
	})
}

// TestWhoWaitsForItself is told so.
func TestWhoWaitsForItself(t *testing.T) {
	eachHub(t, func(e *env) error {
		var th *green.Thread[struct{}]
		th = e.Go(func() error {
			e.refuses("waits for its own end", func() { _ = th.Join() })
			return nil
		})
		return th.Join()
	})
}

// TestTasksAreThreads: a task of any model may call what waits, and is unwound when it is canceled.
func TestTasksAreThreads(t *testing.T) {
	eachHub(t, func(e *env) error {
		f := e.Loop().Go(func(*corolla.Task) error {
			defer e.add("deferred")
			return e.forever()
		})
		e.Sleep(0)
		f.Cancel(errBad)
		if _, err := f.Await(e.Task()); !errors.Is(err, errBad) {
			e.Errorf("Await = %v", err)
		}
		e.want("deferred")
		err := e.Task().Group(func(g *corolla.Group) error {
			g.Go(func(*corolla.Task) error { return e.forever() })
			g.Go(func(*corolla.Task) error { e.Sleep(0); return errBad })
			return nil
		})
		if err != errBad {
			e.Errorf("Group = %v", err)
		}
		return nil
	})
}

// TestForeignGoroutines are refused by a sentence, whatever they call.
func TestForeignGoroutines(t *testing.T) {
	eachHub(t, func(e *env) error {
		client, server := pair(e.T, e.Hub)
		th := e.Go(func() error { return nil })
		pool := green.NewPool(e.Hub, 1)
		event := green.NewEvent[int](e.Hub)
		resources := green.NewResources(e.Hub, 1, func() (int, error) { return 1, nil })
		var local green.Local[int]
		for name, call := range map[string]func(){
			"Hub.Task":      func() { e.Task() },
			"Hub.Sleep":     func() { e.Sleep(0) },
			"Go":            func() { e.Go(e.forever) },
			"Hub.Timeout":   func() { _ = e.Timeout(0, e.forever) },
			"Thread.Wait":   func() { _ = th.Join() },
			"Thread.Result": func() { _, _ = th.Result() },
			"Thread.Kill":   func() { th.Kill(nil) },
			"Thread.Cancel": func() { th.Cancel(nil) },
			"Thread.Dead":   func() { th.Dead() },
			"Thread.Link":   func() { th.Link(nil) },
			"Pool.Wait":     pool.Wait,
			"Pool.Resize":   func() { pool.Resize(2) },
			"Pool.Stats":    func() { pool.Stats() },
			"green.Go":      func() { pool.Go(e.forever) },
			"Event.Wait":    func() { _, _ = event.Wait() },
			"Resolve":       func() { _ = event.Send(1) },
			"Resources.Get": func() { _, _ = resources.Get() },
			"Resources.Put": func() { resources.Put(1) },
			"Local.Get":     func() { local.Get(e.Hub) },
			"Local.Set":     func() { local.Set(e.Hub, 1) },
			"Offload":       func() { _, _ = green.Offload(e.Hub, func() (int, error) { return 0, nil }) },
			"Conn.Read":     func() { _, _ = client.Read(nil) },
			"Conn.Write":    func() { _, _ = client.Write(nil) },
			"Close":         func() { _ = client.Close() },
			"CloseRead":     func() { _ = client.CloseRead() },
			"Hub.Dial":      func() { _, _ = e.Dial("tcp", "127.0.0.1:1") },
		} {
			said := make(chan string, 1)
			go func() {
				defer func() {
					text, _ := recover().(string)
					said <- text
				}()
				call()
			}()
			if text := <-said; !strings.Contains(text, "goroutine that does not run the loop") {
				e.Errorf("%s: panicked with %q", name, text)
			}
		}
		return errors.Join(th.Join(), client.Close(), server.Close())
	})
}

// TestEveryKeepsItsPhase: what takes two and a half intervals shifts no later call.
func TestEveryKeepsItsPhase(t *testing.T) {
	eachHub(t, func(e *env) error {
		begin, last, n := e.Loop().Now(), -1, 0
		th := e.Go(func() error {
			return e.Every(10*time.Millisecond, func() error {
				if tick := int((e.Loop().Now() - begin) / (10 * time.Millisecond)); tick <= last {
					e.Errorf("two calls in interval %d", tick)
				} else {
					last = tick
				}
				switch n++; n {
				case 2:
					e.Sleep(25 * time.Millisecond)
				case 4:
					return errBad
				}
				return nil
			})
		})
		if err := th.Join(); err != errBad || n != 4 || last < 5 {
			e.Errorf("%v after %d calls, the last in interval %d", err, n, last)
		}
		th = e.Go(func() error { return e.Every(0, func() error { return nil }) })
		e.turns(3)
		th.Kill(errBad)
		if err := th.Join(); err != errBad {
			e.Errorf("killed, it ends with %v", err)
		}
		return nil
	})
}
