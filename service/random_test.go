package service_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// stack is what is started. Whatever several tasks do with a tree, its parts are started in order and
// stopped in reverse, and one that did not start is not stopped.
type stack struct {
	t  *testing.T
	r  *rand.Rand
	up []string // names, which are in alphabetical order
}

// part returns a part that takes its time, and sometimes fails.
func (s *stack) part(name string) service.Service {
	pause := func(t *corolla.Task) error {
		err := t.Sleep(time.Duration(s.r.IntN(3)) * time.Millisecond)
		if err == nil && s.r.IntN(20) == 0 {
			err = errLuck
		}
		return err
	}
	return service.New(name, func(t *corolla.Task) error {
		if n := len(s.up); n > 0 && s.up[n-1] >= name {
			s.t.Errorf("%s starts while %v are up", name, s.up)
		}
		if err := pause(t); err != nil {
			return err
		}
		s.up = append(s.up, name)
		return nil
	}, func(t *corolla.Task) error {
		err := pause(t)
		if n := len(s.up); n == 0 || s.up[n-1] != name {
			s.t.Errorf("%s is stopped while %v are up", name, s.up)
			return err
		}
		s.up = s.up[:len(s.up)-1]
		return err
	})
}

// acts has several tasks do things at random times, of which some are canceled. It calls stop when all of
// them have begun, and waits for them.
func acts(t *testing.T, task *corolla.Task, r *rand.Rand, stop func(*corolla.Task) error, things ...func(t *corolla.Task) error) {
	t.Helper()
	var all []*corolla.Future[struct{}]
	for range 10 {
		f, when := things[r.IntN(len(things))], time.Duration(r.IntN(20))*time.Millisecond
		all = append(all, task.Loop().Go(func(t *corolla.Task) error {
			if err := t.Sleep(when); err != nil {
				return err
			}
			return f(t)
		}))
		if r.IntN(3) == 0 {
			victim := all[r.IntN(len(all))]
			task.Loop().After(time.Duration(r.IntN(30))*time.Millisecond, func() { victim.Cancel(errLuck) })
		}
	}
	if err := task.Sleep(40 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	_ = stop(task) // whose errors are those of the parts
	for _, f := range all {
		until(t, task, "all acts end", f.Done)
		if _, err := f.Result(); err != nil && !errors.Is(err, errLuck) && !errors.Is(err, service.ErrStarted) &&
			!errors.Is(err, service.ErrStopped) && !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("an act: %v", err)
		}
	}
}

// Several tasks start, stop, run, quit and cancel a tree of trees.
func TestRandomTrees(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onHost(t, true, seed, func(t *testing.T, task *corolla.Task, _ *[]error) {
				r := rand.New(rand.NewPCG(seed, 2))
				s := &stack{t: t, r: r}
				inner := service.NewTree("inner", s.part("b"), s.part("c"))
				app := service.NewTree("app", s.part("a"), inner, s.part("d"))
				quit := func(*corolla.Task) error {
					var err error
					if r.IntN(2) == 0 {
						err = errLuck
					}
					inner.Quit(err)
					return nil
				}
				acts(t, task, r, app.Stop, app.Start, app.Start, app.Run, app.Stop, app.Stop, quit)
				if app.Running() || len(s.up) != 0 {
					t.Errorf("up: %v", s.up)
				}
			})
		})
	}
}

// Several tasks start and stop a client, and wait for it, while its server comes and goes: nobody waits for
// ever, there is one connection at most, and in the end there is nothing.
func TestRandomClients(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onHost(t, true, seed, func(t *testing.T, task *corolla.Task, _ *[]error) {
				r := rand.New(rand.NewPCG(seed, 2))
				l := task.Loop()
				server := &simulated{}
				if err := server.start(task); err != nil {
					t.Fatal(err)
				}
				open := 0
				client := service.NewClient(l, "c", func() *corolla.Future[*transport.Conn] {
					return transport.Dial(l, "tcp", server.at, &counted{t: t, open: &open})
				})
				client.Backoff = func(int) time.Duration { return time.Duration(r.IntN(3)) * time.Millisecond }
				client.Retrying = func(int, error, time.Duration) {}
				down := false
				toggle := func(t *corolla.Task) error {
					if down = !down; down {
						return server.kill(t)
					}
					return server.start(t)
				}
				wait := func(t *corolla.Task) error {
					if c, err := client.WhenConnected(r.IntN(4)).Await(t); err == nil && r.IntN(2) == 0 {
						c.Abort()
					}
					return nil
				}
				acts(t, task, r, client.Stop, client.Start, client.Start, client.Stop, wait, wait, toggle)
				if client.Running() {
					t.Error("it is running")
				}
				if open != 0 {
					t.Errorf("%d connections are open", open)
				}
				if !down {
					if err := server.kill(task); err != nil {
						t.Error(err)
					}
				}
				until(t, task, "all is closed", func() bool { return l.Stats().Sockets == 0 && len(l.Tasks()) == 1 })
			})
		})
	}
}

// counted is a protocol that counts open connections.
type counted struct {
	t    *testing.T
	open *int
}

func (c *counted) Opened(*transport.Conn) {
	if *c.open++; *c.open > 1 {
		c.t.Errorf("%d connections at a time", *c.open)
	}
}
func (c *counted) Data(*transport.Conn, []byte)  {}
func (c *counted) Closed(*transport.Conn, error) { *c.open-- }
