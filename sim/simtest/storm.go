package simtest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/corolla-go/corolla/sim"
)

// maxFaults is how many faults a storm has at most.
const maxFaults = 3

// storm is a time in which things go wrong, and what may.
type storm struct {
	from, until time.Duration
	hosts       []string
	kinds       []sim.FaultKind
	index       uint64 // which of the run's storms it is
}

// faults returns what a recipe makes go wrong in a storm, in order.
func (s storm) faults(r recipe) []sim.Fault {
	list := s.draw(r.seed)
	for _, f := range r.forks {
		list = slices.DeleteFunc(list, func(old sim.Fault) bool { return old.At >= f.at })
		for _, drawn := range s.draw(f.seed) {
			if drawn.At >= f.at {
				list = append(list, drawn)
			}
		}
	}
	return list
}

func (s storm) draw(seed uint64) []sim.Fault {
	d := dice{rand.New(rand.NewPCG(seed, 0x73746f726d+s.index)), s}
	list := make([]sim.Fault, d.IntN(maxFaults+1))
	for i := range list {
		list[i] = d.fault()
	}
	slices.SortStableFunc(list, func(a, b sim.Fault) int { return cmp.Compare(a.At, b.At) })
	return list
}

// dice draws the faults of one storm.
type dice struct {
	*rand.Rand
	storm
}

func (d dice) fault() sim.Fault {
	f := sim.Fault{Kind: d.kinds[d.IntN(len(d.kinds))], At: d.from + d.upTo(d.until-d.from)}
	f.Host = d.host("")
	d.fill(&f)
	if err := f.Check(); err != nil {
		panic(fmt.Sprintf("simtest: drew a bad fault: %v", err))
	}
	return f
}

// fill draws what a kind of fault needs. Whatever lasts is over when the storm is.
func (d dice) fill(f *sim.Fault) {
	lasts := d.length(d.until - f.At)
	switch f.Kind {
	case sim.Crash, sim.PowerLoss:
		f.For = lasts
	case sim.Restart:
	case sim.SlowHost:
		f.By, f.For = d.between(10*time.Microsecond, 20*time.Millisecond), lasts
	case sim.ClockStep:
		if f.By = d.between(time.Millisecond, time.Hour); d.IntN(2) == 0 {
			f.By = -f.By
		}
	case sim.Descriptors:
		f.N, f.For = d.IntN(12), lasts
	case sim.Backlog:
		f.N, f.For = d.IntN(3), lasts
	case sim.Buffers, sim.Short:
		f.N, f.For = 1+d.IntN(64), lasts
	case sim.NameFails:
		f.Name, f.For = d.host(""), lasts
	case sim.NameLies:
		f.Name, f.Addr, f.For = d.host(""), "192.0.2.1", lasts
	default:
		d.fillLink(f, lasts)
	}
}

func (d dice) fillLink(f *sim.Fault, lasts time.Duration) {
	f.Peer = d.host(f.Host)
	switch f.Kind {
	case sim.Unanswered, sim.Partition, sim.OneWay, sim.Silence:
		f.For = lasts
	case sim.Delay:
		f.By, f.For = d.between(time.Millisecond, time.Second), lasts
		if d.IntN(2) == 0 {
			f.P = math.Round(100+100*d.Float64()) / 100
		}
	case sim.Bandwidth:
		f.N, f.For = int(d.between(100, 1e6)), lasts
	case sim.LossOf, sim.Duplicate:
		f.P, f.For = d.share(), lasts
	case sim.Reorder:
		f.P, f.By, f.For = d.share(), d.between(time.Millisecond, time.Second), lasts
	}
}

// host draws a host other than not, if there is another.
func (d dice) host(not string) string {
	for {
		if h := d.hosts[d.IntN(len(d.hosts))]; h != not || len(d.hosts) == 1 {
			return h
		}
	}
}

func (d dice) share() float64 { return math.Round(100*d.Float64()) / 100 }

// upTo draws a time that is a whole number of microseconds, which reads well.
func (d dice) upTo(most time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(max(most, 1)))).Round(time.Microsecond)
}

// between draws a time or a number, small ones as often as large ones.
func (d dice) between(low, high time.Duration) time.Duration {
	x := float64(low) * math.Pow(float64(high)/float64(low), d.Float64())
	return time.Duration(x).Round(max(low/100, 1))
}

// length draws how long something lasts, up to most.
func (d dice) length(most time.Duration) time.Duration {
	return max(min(d.between(time.Millisecond, max(most, 2*time.Millisecond)), most), 1)
}
