package sim_test

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func TestLinksHaveLatenciesOfTheirOwn(t *testing.T) {
	w := calm(1)
	server, client := w.Host("server"), w.Host("client")
	there, back := w.Link(client, server), w.Link(server, client)
	there.Latency = sim.Uniform(30*time.Millisecond, 0)
	back.Latency = sim.Uniform(50*time.Millisecond, 0)
	w.SetLink(client, server, there)
	w.SetLink(server, client, back)
	if err := talk(t, w, func(task *corolla.Task, c *aio.Conn) error {
		for _, want := range []time.Duration{80, 150, 1150, 80} {
			begun := w.Now()
			if err := ask(task, c, "hello"); err != nil {
				return err
			}
			if took := w.Now() - begun; took != want*time.Millisecond {
				t.Errorf("a round took %v, want %v", took, want*time.Millisecond)
			}
			switch want {
			case 80:
				there.Latency = sim.Uniform(100*time.Millisecond, 0) // changed while it runs
				w.SetLink(client, server, there)
			case 150:
				w.Inject(sim.Fault{Kind: sim.Delay, Host: "server", Peer: "client", By: time.Second, At: w.Now(), For: 2 * time.Second})
			case 1150:
				there.Latency = sim.Uniform(30*time.Millisecond, 0)
				w.SetLink(client, server, there)
				if err := task.Sleep(2 * time.Second); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Of a Pareto distribution with shape 2, one in 100 values is ten times the least or more.
func TestParetoHasAHeavyTail(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	w.SetLinks(sim.Link{Latency: sim.Pareto(time.Millisecond, time.Second, 2)})
	took := make([]time.Duration, 0, 4000)
	w.Host("server").Start(serveEcho)
	w.SetLink(w.Host("server"), w.Host("client"), sim.Link{})
	if err := w.Host("client").Run(func(t *corolla.Task) error {
		c, err := aio.Dial(t, "tcp", "server:7")
		if err != nil {
			return err
		}
		defer c.Close()
		for range cap(took) {
			begun := w.Now()
			if err := ask(t, c, "x"); err != nil {
				return err
			}
			took = append(took, w.Now()-begun)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		more  time.Duration
		share float64
	}{{time.Millisecond, 1}, {2 * time.Millisecond, 0.25}, {10 * time.Millisecond, 0.01}, {1001 * time.Millisecond, 0}} {
		n := 0
		for _, d := range took {
			if d >= c.more {
				n++
			}
		}
		if got := float64(n) / float64(len(took)); math.Abs(got-c.share) > 0.2*c.share+0.002 {
			t.Errorf("%.4f are %v or more, want %.4f", got, c.more, c.share)
		}
	}
}

func TestBandwidthBoundsWhatGetsThrough(t *testing.T) {
	for _, faulty := range []bool{false, true} {
		w := calm(1)
		server, client := w.Host("server"), w.Host("client")
		if faulty {
			inject(t, w, "bandwidth host=client peer=server n=1000")
		} else {
			w.SetLink(client, server, sim.Link{Bandwidth: 1000})
		}
		if err := talk(t, w, func(t *corolla.Task, c *aio.Conn) error {
			begun := w.Now()
			if err := ask(t, c, strings.Repeat("x", 2000)); err != nil {
				return err
			}
			if took := w.Now() - begun; took < 2*time.Second || took > 2100*time.Millisecond {
				return fmt.Errorf("2000 bytes at 1000 bytes per second took %v", took)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// datagrams sends n numbered datagrams, a millisecond apart, and returns those that arrive.
func datagrams(t *testing.T, w *sim.World, n int) (got []int) {
	t.Helper()
	t.Cleanup(w.Close)
	w.Host("receiver").Start(func(t *corolla.Task) error {
		s, err := t.Loop().ListenPacket("udp", ":9")
		if err != nil {
			return err
		}
		defer s.Close()
		for b := make([]byte, 8); ; {
			if err := s.WaitReadable(t); err != nil {
				return err
			}
			size, _, _, err := s.TryReadFrom(b)
			if err == nil {
				got = append(got, int(b[0])<<8|int(b[size-1]))
			}
		}
	})
	to := &net.UDPAddr{IP: w.Host("receiver").Addrs()[0].AsSlice(), Port: 9}
	w.Host("sender").Start(func(t *corolla.Task) error {
		s, err := t.Loop().ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		defer s.Close()
		for i := range n {
			if err := t.Sleep(time.Millisecond); err != nil {
				return err
			}
			if err := s.TryWriteTo([]byte{byte(i >> 8), byte(i)}, to); err != nil {
				return err
			}
		}
		return nil
	})
	w.Advance(time.Minute)
	return got
}

func TestDatagramsAreLostDoubledAndLate(t *testing.T) {
	const n = 1000
	for _, c := range []struct {
		set       sim.Link
		fault     string
		arrive    int
		late      bool // some come after a later one
		tolerance int
	}{
		{sim.Link{}, "", n, false, 0},
		{sim.Link{Loss: 1}, "", 0, false, 0},
		{sim.Link{Loss: 0.25}, "", 750, false, 60},
		{sim.Link{Duplicates: 1}, "", 2 * n, false, 0},
		{sim.Link{Duplicates: 0.5}, "", 1500, false, 60},
		{sim.Link{Reorder: 0.1, Late: 100 * time.Millisecond}, "", n, true, 0},
		{sim.Link{}, "loss p=0.25", 750, false, 60},
		{sim.Link{}, "duplicate host=sender p=1", 2 * n, false, 0},
		{sim.Link{}, "reorder peer=receiver p=0.1 by=100ms", n, true, 0},
		{sim.Link{}, "loss host=receiver p=1", n, false, 0}, // the other way
		{sim.Link{}, "partition for=501ms", 500, false, 2},
		{sim.Link{Latency: sim.Uniform(0, 10*time.Millisecond)}, "", n, true, 0},
	} {
		w := sim.New(1)
		w.Host("receiver")
		w.Host("sender")
		w.SetLinks(c.set)
		if c.fault != "" {
			inject(t, w, c.fault)
		}
		got := datagrams(t, w, n)
		if d := len(got) - c.arrive; d > c.tolerance || d < -c.tolerance || slices.IsSorted(got) == c.late {
			t.Errorf("%+v %s: %d of %d arrive, want %d, give or take %d; in order: %v", c.set, c.fault, len(got), n, c.arrive, c.tolerance, slices.IsSorted(got))
		}
	}
}

func TestSharesThatMakeNoSensePanic(t *testing.T) {
	w := sim.New(1)
	a := w.Host("a")
	for _, set := range []func(){
		func() { w.SetLink(a, a, sim.Link{Loss: 1.5}) },
		func() { w.SetLink(a, a, sim.Link{Reorder: math.NaN()}) },
		func() { w.SetLinks(sim.Link{Duplicates: -1}) },
		func() { w.SetLinks(sim.Link{Bandwidth: -1}) },
		func() { sim.Pareto(0, 0, 0) },
		func() { w.Host("") },
		func() { w.Host("a b") },
		func() { w.Host("a", "10.1.1.1") },
		func() { w.Host("b", "10.0.0.1") },
		func() { w.Host("b", "127.0.0.1") },
		func() { w.Host("b", "nowhere") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			set()
		}()
	}
}

// A host is slow in its own time: others go on, and what it sends leaves when it is done.
func TestSlowHosts(t *testing.T) {
	for _, c := range []struct {
		fault string
		most  time.Duration
		least time.Duration
	}{{"", 4 * time.Millisecond, 2 * time.Millisecond}, {"slow host=server by=10ms", 100 * time.Millisecond, 12 * time.Millisecond}} {
		w := calm(1)
		w.Host("server")
		if c.fault != "" {
			inject(t, w, c.fault)
		}
		if err := talk(t, w, func(t *corolla.Task, conn *aio.Conn) error {
			begun := w.Now()
			if err := ask(t, conn, "hello"); err != nil {
				return err
			}
			if took := w.Now() - begun; took < c.least || took > c.most {
				return fmt.Errorf("a round took %v, want %v to %v", took, c.least, c.most)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", c.fault, err)
		}
	}
}

func TestHostsWorkAtTheSameTime(t *testing.T) {
	w := calm(1)
	defer w.Close()
	for _, name := range []string{"a", "b", "c"} {
		h := w.Host(name)
		h.Start(func(t *corolla.Task) error {
			for range 10 {
				h.Spend(100 * time.Millisecond)
				if err := t.Yield(); err != nil {
					return err
				}
			}
			if w.Now() != time.Second {
				return fmt.Errorf("it is %v", w.Now())
			}
			return nil
		})
	}
	if err := w.Run(); err != nil || w.Now() != time.Second {
		t.Errorf("at %v: %v", w.Now(), err)
	}
}
