package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla/sim"
)

func TestFaultsAreLines(t *testing.T) {
	for _, c := range []struct {
		f    sim.Fault
		line string
	}{
		{sim.Fault{Kind: sim.Crash, Host: "a", At: 1500 * time.Millisecond, For: 2 * time.Second}, "crash at=1.5s for=2s host=a"},
		{sim.Fault{Kind: sim.PowerLoss, Host: "a"}, "power-loss at=0s host=a"},
		{sim.Fault{Kind: sim.Restart, Host: "a"}, "restart at=0s host=a"},
		{sim.Fault{Kind: sim.SlowHost, By: time.Millisecond}, "slow at=0s by=1ms"},
		{sim.Fault{Kind: sim.ClockStep, Host: "a", By: -time.Hour}, "clock-step at=0s host=a by=-1h0m0s"},
		{sim.Fault{Kind: sim.Descriptors, Host: "a", N: 3}, "descriptors at=0s host=a n=3"},
		{sim.Fault{Kind: sim.Backlog, Host: "a"}, "backlog at=0s host=a"},
		{sim.Fault{Kind: sim.Buffers, Host: "a", N: 1}, "buffers at=0s host=a n=1"},
		{sim.Fault{Kind: sim.Short, Host: "a", N: 1}, "short at=0s host=a n=1"},
		{sim.Fault{Kind: sim.Unanswered, Host: "a", Peer: "b"}, "unanswered at=0s host=a peer=b"},
		{sim.Fault{Kind: sim.NameFails, Host: "a", Name: "b"}, "name-fails at=0s host=a name=b"},
		{sim.Fault{Kind: sim.NameLies, Name: "b", Addr: "10.0.0.9"}, "name-lies at=0s name=b addr=10.0.0.9"},
		{sim.Fault{Kind: sim.Partition, Host: "a", Peer: "b"}, "partition at=0s host=a peer=b"},
		{sim.Fault{Kind: sim.OneWay, Host: "a", Peer: "b"}, "one-way at=0s host=a peer=b"},
		{sim.Fault{Kind: sim.Heal}, "heal at=0s"},
		{sim.Fault{Kind: sim.Delay, By: time.Second, P: 1.5}, "delay at=0s by=1s p=1.5"},
		{sim.Fault{Kind: sim.Bandwidth, Host: "a", Peer: "b", N: 1000}, "bandwidth at=0s host=a peer=b n=1000"},
		{sim.Fault{Kind: sim.LossOf, P: 0.25}, "loss at=0s p=0.25"},
		{sim.Fault{Kind: sim.Duplicate, P: 1}, "duplicate at=0s p=1"},
		{sim.Fault{Kind: sim.Reorder, P: 0.1, By: time.Second}, "reorder at=0s by=1s p=0.1"},
		{sim.Fault{Kind: sim.Reset, Host: "a"}, "reset at=0s host=a"},
		{sim.Fault{Kind: sim.Silence, Host: "a", Peer: "b", For: time.Minute}, "silence at=0s for=1m0s host=a peer=b"},
		{sim.Fault{Kind: sim.HalfOpen, Host: "a", Peer: "b"}, "half-open at=0s host=a peer=b"},
	} {
		if got := c.f.String(); got != c.line {
			t.Errorf("%q, want %q", got, c.line)
		}
		if back, err := sim.ParseFault(c.line); err != nil || back != c.f {
			t.Errorf("ParseFault(%q) = %+v, %v", c.line, back, err)
		}
	}
	if n := len(sim.FaultKinds()); n != 23 {
		t.Errorf("%d kinds, of which 23 are tested here", n)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"", "without a kind"},
		{"melt at=1s", "no such kind"},
		{"crash at", "not a field"},
		{"crash at=soon", "at: "},
		{"crash when=1s", "no such field"},
		{"crash at=-1s", "before the beginning"},
		{"restart for=1s", "does not last"},
		{"crash peer=b", "does not use"},
		{"slow host=a by=-1s", "by is negative"},
		{"loss p=1.5", "between 0 and 1"},
		{"loss p=NaN", "between 0 and 1"},
		{"descriptors n=-1", "n is negative"},
		{"buffers n=0", "less than 1"},
		{"name-fails host=a", "no name"},
		{"name-lies name=b addr=nowhere", "not an IP address"},
	} {
		if f, err := sim.ParseFault(c.line); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ParseFault(%q) = %+v, %v; want an error that says %q", c.line, f, err, c.says)
		}
	}
}

func TestFaultsOfUnknownHostsPanic(t *testing.T) {
	w := sim.New(1)
	for _, f := range []sim.Fault{{Kind: sim.Crash, Host: "a"}, {Kind: sim.Partition, Peer: "b"}, {Kind: "melt"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Inject(%v) did not panic", f)
				}
			}()
			w.Inject(f)
		}()
	}
}
