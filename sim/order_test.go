package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

// cluster is a program that runs n loops on goroutines of its own, as a program for many cores does.
// They send a number around by Post, each adding its name to a list.
func cluster(n, rounds int, said *[]string) func(on corolla.Option) error {
	return func(on corolla.Option) error {
		loops := make([]*corolla.Loop, n)
		for i := range loops {
			var err error
			if loops[i], err = corolla.New(on); err != nil {
				return err
			}
		}
		var pass func(i, left int)
		pass = func(i, left int) {
			*said = append(*said, fmt.Sprint(i)) // no lock: one loop runs at a time
			if left == 0 {
				for _, l := range loops {
					l.Stop()
				}
				return
			}
			next := (i + 1) % n
			_ = loops[next].Post(func() { pass(next, left-1) })
		}
		errs := make([]error, n)
		var all sync.WaitGroup
		for i, l := range loops {
			all.Go(func() {
				l.Soon(func() {
					if i == 0 {
						pass(0, rounds)
					}
				})
				errs[i] = l.RunForever()
			})
		}
		all.Wait()
		for _, l := range loops {
			errs = append(errs, l.Close())
		}
		return errors.Join(errs...)
	}
}

func TestProgramsRunTheirOwnLoops(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	var said []string
	w.Host("a").Boot(cluster(3, 5, &said))
	if err := w.Run(); err != nil || strings.Join(said, "") != "012012" {
		t.Errorf("%v: %v", said, err)
	}
}

// A crash ends the loops that a program runs by itself, and a restart makes new ones.
func TestProgramsWithTheirOwnLoopsCrash(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	var mine []error
	lives := 0
	w.Host("a").Boot(func(on corolla.Option) error {
		lives++
		l, err := corolla.New(on)
		if err != nil {
			return err
		}
		err = l.Run(func(t *corolla.Task) error { return t.Sleep(10 * time.Second) })
		mine = append(mine, err)
		return errors.Join(err, l.Close())
	})
	inject(t, w, "crash host=a at=1s for=1s")
	if err := w.Run(); err != nil || lives != 2 || w.Now() != 12*time.Second {
		t.Errorf("%d lives at %v: %v", lives, w.Now(), err)
	}
	if len(mine) != 2 || !errors.Is(mine[0], sim.ErrCrashed) || mine[1] != nil {
		t.Errorf("its loops ended with %v", mine)
	}
}

// Loops that are ready together run in an order that the seed chooses: all orders come, and each
// seed has its own.
func TestSeedChoosesWhoRunsFirst(t *testing.T) {
	seen := map[string]int{}
	order := func(seed uint64) string {
		var got []string
		w := sim.New(seed)
		defer w.Close()
		for _, name := range []string{"a", "b", "c"} {
			w.Host(name).Start(func(t *corolla.Task) error {
				if err := t.Sleep(time.Second); err != nil {
					return err
				}
				got = append(got, name)
				return nil
			})
		}
		if err := w.Run(); err != nil {
			t.Fatal(err)
		}
		return strings.Join(got, "")
	}
	for seed := range uint64(100) {
		first := order(seed)
		if again := order(seed); again != first {
			t.Errorf("seed %d: %s and then %s", seed, first, again)
		}
		seen[first]++
	}
	if len(seen) != 6 {
		t.Errorf("of the 6 orders there are %v", seen)
	}
}

// What arrives at one time from different hosts comes in any order; what comes on one connection
// keeps its own.
func TestSeedChoosesWhatArrivesFirst(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(60) {
		w := calm(seed)
		var got []byte
		w.Host("server").Start(func(t *corolla.Task) error {
			s, err := t.Loop().Listen("tcp", ":7")
			if err != nil {
				return err
			}
			defer s.Close()
			for range 3 {
				c, err := accept(t, s)
				if err != nil {
					return err
				}
				t.Loop().Go(func(t *corolla.Task) error {
					defer c.Close()
					for b := make([]byte, 8); ; {
						if err := c.WaitReadable(t); err != nil {
							return err
						}
						n, err := c.TryRead(b)
						if got = append(got, b[:n]...); err != nil {
							return nil
						}
					}
				})
			}
			return t.Sleep(time.Minute)
		})
		for _, name := range []string{"a", "b", "c"} {
			w.Host(name).Start(func(t *corolla.Task) error {
				c, err := t.Loop().Dial("tcp", "10.0.0.1:7").Await(t)
				if err != nil {
					return err
				}
				defer c.Close()
				if err := t.Sleep(time.Second - w.Now()); err != nil {
					return err
				}
				for _, half := range []string{name, strings.ToUpper(name)} {
					if _, err := c.TryWrite([]byte(half)); err != nil {
						return err
					}
				}
				return t.Sleep(time.Second)
			})
		}
		if err := w.Run(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		for _, half := range []string{"a", "b", "c"} {
			if i, j := strings.Index(string(got), half), strings.Index(string(got), strings.ToUpper(half)); i < 0 || j < i {
				t.Fatalf("seed %d: %q", seed, got)
			}
		}
		seen[strings.ToLower(string(got))] = true
	}
	if len(seen) < 4 {
		t.Errorf("only %v", seen)
	}
}

func accept(t *corolla.Task, ln *corolla.Socket) (*corolla.Socket, error) {
	for {
		if c, err := ln.TryAccept(); !errors.Is(err, corolla.ErrWouldBlock) {
			return c, err
		}
		if err := ln.WaitReadable(t); err != nil {
			return nil, err
		}
	}
}

// lines returns those of a trace that speak of a host.
func lines(trace, host string) (of []string) {
	for line := range strings.Lines(trace) {
		if strings.Contains(line, " "+host+": ") {
			of = append(of, line)
		}
	}
	return of
}

// A fault between two hosts leaves what the others do as it was, to the nanosecond.
func TestFaultsChangeOnlyWhatTheyConcern(t *testing.T) {
	without, err := echoWorld(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []sim.Fault{
		{Kind: sim.Delay, Host: "b", Peer: "server", By: time.Millisecond, P: 2},
		{Kind: sim.LossOf, Host: "b", P: 0.5},
		{Kind: sim.ClockStep, Host: "b", By: time.Hour},
		{Kind: sim.Partition, Host: "b", Peer: "server", At: 5 * time.Millisecond, For: 3 * time.Millisecond},
		{Kind: sim.Crash, Host: "b", At: 5 * time.Millisecond},
		{Kind: sim.SlowHost, Host: "b", By: time.Millisecond},
	} {
		with, err := echoWorld(t, 1, fault)
		if err != nil {
			t.Errorf("%v: %v", fault, err)
		}
		if !slices.Equal(lines(without, "a"), lines(with, "a")) {
			t.Errorf("%v: host a does something else", fault)
		}
		if fault.Kind != sim.LossOf && fault.Kind != sim.ClockStep && slices.Equal(lines(without, "b"), lines(with, "b")) {
			t.Errorf("%v: host b does not notice", fault)
		}
	}
}

func TestLoopsOfAHostAreNotRunTwice(t *testing.T) {
	w := sim.New(1)
	h := w.Host("a")
	first, second := h.NewLoop(), h.NewLoop()
	var all sync.WaitGroup
	var order []int
	for i, l := range []*corolla.Loop{first, second} {
		all.Go(func() {
			for range 3 {
				if err := l.Run(func(t *corolla.Task) error {
					if err := t.Sleep(time.Second); err != nil {
						return err
					}
					order = append(order, i)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(order) != 6 {
		t.Errorf("%v", order)
	}
}
