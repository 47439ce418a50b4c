package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// serveEcho answers every connection with what it sends.
func serveEcho(t *corolla.Task) error {
	ln, err := aio.Listen(t.Loop(), "tcp", ":7")
	if err != nil {
		return err
	}
	return serveOn(t, ln)
}

func serveOn(t *corolla.Task, ln *aio.Listener) error {
	defer ln.Close()
	return t.Group(func(g *corolla.Group) error {
		for {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			g.Go(func(t *corolla.Task) error {
				defer c.Close()
				buf := make([]byte, 512)
				for {
					n, err := c.Read(t, buf)
					if err != nil {
						return nil // the next connection is another matter
					}
					if _, err := c.Write(t, buf[:n]); err != nil {
						return nil
					}
				}
			})
		}
	})
}

// echo sends rounds messages, one after the other, to a server and checks the answers.
func echo(t *corolla.Task, server string, rounds int) error {
	c, err := aio.Dial(t, "tcp", server)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range rounds {
		if err := ask(t, c, fmt.Sprintf("message %d", i)); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a message and reads the answer, which is the same.
func ask(t *corolla.Task, c *aio.Conn, message string) error {
	if _, err := c.Write(t, []byte(message)); err != nil {
		return err
	}
	answer := make([]byte, len(message))
	for got := 0; got < len(answer); {
		n, err := c.Read(t, answer[got:])
		if err != nil {
			return err
		}
		got += n
	}
	if string(answer) != message {
		return fmt.Errorf("sent %q, got %q", message, answer)
	}
	return nil
}

// echoWorld runs a server and two clients on three hosts, and returns the trace.
func echoWorld(t *testing.T, seed uint64, faults ...sim.Fault) (string, error) {
	t.Helper()
	var trace bytes.Buffer
	w := sim.New(seed, sim.Trace(&trace))
	defer w.Close()
	w.Host("server").Start(serveEcho)
	w.Host("b").Start(func(t *corolla.Task) error { return echo(t, "server:7", 10) })
	for _, f := range faults {
		w.Inject(f)
	}
	err := w.Host("a").Run(func(t *corolla.Task) error { return echo(t, "server:7", 10) })
	return trace.String(), err
}

func TestHostsTalk(t *testing.T) {
	for seed := range uint64(100) {
		if _, err := echoWorld(t, seed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestHostsRepeatExactly(t *testing.T) {
	first, err := echoWorld(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) < 1000 {
		t.Fatalf("a trace of %d bytes: is anything written down?", len(first))
	}
	if again, _ := echoWorld(t, 1); again != first {
		t.Error("the same seed gave another trace")
	}
	if other, _ := echoWorld(t, 2); other == first {
		t.Error("another seed gave the same trace")
	}
}

func TestWorldRunEndsWithAllPrograms(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	broken := errors.New("broken")
	w.Host("a").Start(func(t *corolla.Task) error { return t.Sleep(time.Hour) })
	w.Host("b").Start(func(t *corolla.Task) error { return broken })
	if err := w.Run(); !errors.Is(err, broken) || err.Error() != "b: broken" || w.Now() != time.Hour {
		t.Errorf("Run at %v: %v", w.Now(), err)
	}
}

func BenchmarkEchoWorld(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for seed := uint64(0); pb.Next(); seed++ {
			w := sim.New(seed)
			w.Host("server").Start(serveEcho)
			if err := w.Host("a").Run(func(t *corolla.Task) error { return echo(t, "server:7", 3) }); err != nil {
				b.Error(err)
			}
			w.Close()
		}
	})
}
