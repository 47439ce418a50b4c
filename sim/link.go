package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Distribution is how long things take. The zero value is no time at all.
type Distribution struct {
	Min, Max time.Duration
	Tail     float64
}

// Uniform is any time from min on that is less than max.
func Uniform(min, max time.Duration) Distribution { return Distribution{Min: min, Max: max} }

// Pareto is min or more: most times are near it, and some are very long. The share of those that
// are longer than x is (min/x) to the power of shape; 1 to 3 is what networks have. max bounds them;
// 0 is no bound.
func Pareto(min, max time.Duration, shape float64) Distribution {
	if !(shape > 0) {
		panic(fmt.Sprintf("sim: Pareto with a shape of %v: it must be positive", shape))
	}
	return Distribution{min, max, shape}
}

func (d Distribution) draw(rng *rand.Rand) time.Duration {
	if d.Tail > 0 {
		x := float64(d.Min) / power(1-rng.Float64(), 1/d.Tail)
		most := d.Max
		if most <= 0 {
			most = 24 * time.Hour
		}
		return time.Duration(math.Min(x, float64(most)))
	}
	if d.Max <= d.Min {
		return d.Min
	}
	return d.Min + time.Duration(rng.Int64N(int64(d.Max-d.Min)))
}

// power returns x to the power of e, for 0 < x <= 1 and e > 0, with the same bits on every machine:
// products and square roots are rounded in one way only, which math.Pow does not promise.
func power(x, e float64) float64 {
	r := 1.0
	for ; e >= 1 && r > 0; e-- {
		r *= x
	}
	for range 40 {
		x = math.Sqrt(x)
		if e *= 2; e >= 1 {
			r *= x
			e--
		}
	}
	return r
}

// Link says how the network carries what one host sends to another. Loss, Duplicates and Reorder are
// shares of datagrams, from 0 to 1; connections repair all three, as TCP does, so that they show only
// as latency.
type Link struct {
	Latency    Distribution
	Bandwidth  int // bytes per second; 0 is no limit
	Loss       float64
	Duplicates float64
	Reorder    float64       // this share comes late,
	Late       time.Duration // by so much at most
}

// local is the link of a named host to itself.
var local = Link{Latency: Uniform(5*time.Microsecond, 50*time.Microsecond)}

type ends struct{ from, to *Host }

// link is one direction between two hosts, or what a host sends to itself.
type link struct {
	ends
	base  Link
	now   Link // base and the faults in force
	delay []Distribution
	cut   bool
	rng   *rand.Rand // latencies
	chaos *rand.Rand // faults
	key   uint64
	count uint64 // connections and datagrams so far
	idle  time.Duration
	held  []letter
}

// letter is part of a connection that waits for a link to work again.
type letter struct {
	d    *desc
	boot int
	act  func()
}

func (w *World) link(from, to *Host) *link {
	l := w.links[ends{from, to}]
	if l == nil {
		l = &link{ends: ends{from, to}, base: w.config.link, rng: from.rng, chaos: from.rng}
		if from != to {
			name := from.name + " to " + to.name
			l.rng, l.chaos = w.stream(name), w.stream("faults from "+name)
			l.key = mix(w.seed ^ digest(name))
		} else if from != w.home {
			l.base = local
			l.key = mix(w.seed ^ digest(from.name))
		}
		l.refresh()
		w.links[l.ends] = l
	}
	return l
}

// SetLink changes how the network carries what one host sends to another, and to itself if both are
// the same, from now on. What is on its way arrives as before. It panics on a share that is not
// between 0 and 1.
func (w *World) SetLink(from, to *Host, set Link) {
	set.check()
	l := w.link(from, to)
	l.base = set
	l.refresh()
}

// SetLinks is SetLink for all links between different hosts, and for those of hosts to come.
func (w *World) SetLinks(set Link) {
	set.check()
	w.config.link = set
	for _, a := range w.hosts {
		for _, b := range w.hosts {
			if a != b {
				w.SetLink(a, b, set)
			}
		}
	}
}

// Link returns how the network carries what one host sends to another, without the faults in force.
func (w *World) Link(from, to *Host) Link { return w.link(from, to).base }

func (l Link) check() {
	for _, p := range []float64{l.Loss, l.Duplicates, l.Reorder} {
		if !(p >= 0 && p <= 1) {
			panic(fmt.Sprintf("sim: a share of %v datagrams: from 0 to 1", p))
		}
	}
	if l.Bandwidth < 0 {
		panic("sim: a negative bandwidth")
	}
}

// Loss sets the probability that a datagram is lost, from 0, the default, to 1. It panics on
// anything else.
func Loss(probability float64) Option {
	if !(probability >= 0 && probability <= 1) {
		panic(fmt.Sprintf("sim: Loss(%v): from 0 to 1", probability))
	}
	return func(c *config) { c.link.Loss = probability }
}

// tie returns what orders the next connection or datagram among others that arrive with it; 0, the
// order of sending, for the host without a name.
func (l *link) tie() uint64 {
	if l.key == 0 {
		return 0
	}
	l.count++
	return mix(l.key + l.count)
}

// arrival draws when something arrives that is sent now.
func (l *link) arrival(now time.Duration, bytes int) time.Duration {
	takes := l.now.Latency.draw(l.rng)
	for _, d := range l.delay {
		takes += d.draw(l.chaos)
	}
	if l.now.Bandwidth <= 0 {
		return now + takes
	}
	sending := time.Duration(float64(bytes) / float64(l.now.Bandwidth) * float64(time.Second))
	l.idle = max(l.idle, now) + sending
	return l.idle + takes
}
