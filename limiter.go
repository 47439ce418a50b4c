package corolla

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/corolla-go/corolla/internal/ds"
)

// A limiter is a bucket that fills at its rate, kept as the time up to which the rate is used up
// (the generic cell rate algorithm, ITU-T I.371): then the rate may be anything, and nothing is lost to
// rounding. What the system moves is paid for when it has been moved, so a socket that is idle costs
// nothing, and sets no timer.
//
// Whoever finds the bucket empty waits in line. A timer is set for the moment when it is worth serving
// some of the line, each a piece: what they get is theirs for that turn of the loop, and what they have
// not used by its end goes to others. Nobody passes those in line. Dividing the rate by the number
// of sockets was rejected: one that has little to say would hold on to what others could use.

// Limiter limits how many bytes a second the sockets that are given it may move, all together. While
// they want more than that, each gets its turn: the line is served in pieces, and a socket that wants
// little has what it wants within a round. A round takes half a second, or as long as a segment of 1460
// bytes for each of them takes. In no stretch of 10 s or more is more moved than the rate allows and 1 %
// of that, or a byte, or from 10 MB/s on 1.5 %; nor less, by as much, as long as the sockets and their peers could. A Limiter
// belongs to one loop, that of the first socket that is given it.
type Limiter struct {
	loop    *Loop // nil before the first socket
	rate    uint64
	used    time.Duration // the rate is used up to this time
	part    uint64        // and to this part of the next nanosecond, in bytes a second
	line    ds.List[*claim]
	served  time.Duration // when somebody in line last had a turn
	timer   *Timer
	granted []*claim // in this turn
	moved   uint64
}

const (
	burst    = 100 * time.Millisecond // how much of the rate can be saved up: 1 % of 10 s; under bulk half as much more
	rest     = 50 * time.Millisecond  // between two times that those in line are served; under bulk twice as long
	bulk     = 10_000_000             // bytes a second, from which a rate is called that
	piece    = 10 * time.Millisecond  // the most that one gets while others wait
	round    = 500 * time.Millisecond // after which everyone in line has had a turn
	minPiece = 1460                   // bytes, of what makes up a round, unless a rest brings less
)

// NewLimiter returns a Limiter for a number of bytes a second; 0 is no limit. It panics if that is less
// than 0.
func NewLimiter(rate int64) *Limiter {
	return &Limiter{rate: wantRate("NewLimiter", rate)}
}

// begin makes it that of a loop. Until then nothing was moved, so as much as can be is saved up.
func (m *Limiter) begin(l *Loop) { m.loop, m.used, m.served = l, math.MinInt64, l.now-rest }

func wantRate(what string, rate int64) uint64 {
	if rate < 0 {
		panic(fmt.Sprintf("corolla: %s(%d): at least 0 bytes a second", what, rate))
	}
	return uint64(rate)
}

// SetRate changes the rate, also for those who wait. It panics if that is less than 0.
func (m *Limiter) SetRate(rate int64) {
	now := wantRate("SetRate", rate)
	if m.loop == nil {
		m.rate = now
		return
	}
	m.loop.check("Limiter.SetRate")
	_ = m.reclaim() // serve is next in any case
	if m.rate == 0 {
		m.used = m.loop.now // nothing was saved up
	}
	m.rate, m.part = now, 0
	m.serve()
}

// LimiterStats describes a Limiter.
type LimiterStats struct {
	Rate    int64 // in bytes a second; 0 is no limit
	Waiting int   // for their turn: each socket at most once to read, and once to write
	Moved   int64 // bytes, in all
}

// Stats returns the current numbers.
func (m *Limiter) Stats() LimiterStats {
	if m.loop != nil {
		m.loop.check("Limiter.Stats")
	}
	return LimiterStats{Rate: int64(m.rate), Waiting: m.line.Len(), Moved: int64(m.moved)}
}

// span returns how long n bytes take, and the part of a nanosecond that this leaves over.
func (m *Limiter) span(n uint64) (d time.Duration, part uint64) {
	hi, lo := bits.Mul64(n, uint64(time.Second))
	whole, part := bits.Div64(hi, lo, m.rate)
	return time.Duration(whole), part
}

// within returns how many bytes the rate makes in d, at least 1.
func (m *Limiter) within(d time.Duration) uint64 {
	hi, lo := bits.Mul64(uint64(d), m.rate)
	n, _ := bits.Div64(hi, lo, uint64(time.Second))
	return max(n, 1)
}

// saved returns how many bytes may be moved at once.
func (m *Limiter) saved() uint64 {
	most := burst
	if m.rate >= bulk {
		most = burst + rest
	}
	if one, part := m.span(1); one >= most { // slower than 10 bytes a second
		most = one + time.Duration(min(part, 1))
	}
	now := m.loop.now
	if m.used < now-most {
		m.used, m.part = now-most, 0
	}
	if m.used >= now {
		return 0
	}
	hi, lo := bits.Mul64(uint64(now-m.used), m.rate)
	lo, borrow := bits.Sub64(lo, m.part, 0)
	n, _ := bits.Div64(hi-borrow, lo, uint64(time.Second))
	return n
}

func (m *Limiter) pay(n uint64) {
	d, part := m.span(n)
	if part += m.part; part >= m.rate {
		d, part = d+1, part-m.rate
	}
	m.used, m.part = m.used+d, part
}

func (m *Limiter) payBack(n uint64) {
	d, part := m.span(n)
	if m.part < part {
		d, m.part = d+1, m.part+m.rate
	}
	m.used, m.part = m.used-d, m.part-part
}

// share returns how much each in line gets at a time.
func (m *Limiter) share() uint64 {
	least := min(minPiece, m.within(rest))
	fair := m.within(round) / uint64(max(m.line.Len(), 1))
	return max(min(fair, m.within(piece)), least)
}

// serve gives those in line their turns, as far as what is saved up goes.
func (m *Limiter) serve() {
	share, before := uint64(0), len(m.granted)
	if m.rate > 0 {
		share = m.share()
	}
	for m.line.Len() > 0 {
		c := m.line.First().Value
		need := min(c.want, share)
		if m.rate > 0 && m.saved() < need {
			break
		}
		c.place.Leave()
		if m.rate > 0 {
			m.pay(need)
			c.grant = need
			m.granted = append(m.granted, c)
		}
		c.gate.open()
	}
	if len(m.granted) > before {
		m.served = m.loop.now
		m.loop.Soon(m.turnEnds) // behind what was made ready
	}
	m.arm()
}

// turnEnds is called when everyone served has had the chance to use it. What is left over is for others,
// at once: it must not be more than can be saved up.
func (m *Limiter) turnEnds() {
	if m.reclaim() {
		m.serve()
	} else {
		m.arm()
	}
}

// reclaim takes back what was granted, and reports whether that was anything.
func (m *Limiter) reclaim() (any bool) {
	for i, c := range m.granted {
		any = any || c.grant > 0
		c.giveBack()
		m.granted[i] = nil
	}
	m.granted = m.granted[:0]
	return any
}

// arm sets the timer for when the first in line can have its share. Where there always is one, as under
// bulk, that is soon: a rest lets more be saved up, so that the loop is not woken for each.
// Under bulk that is longer, as behind each rest the caches are cold.
func (m *Limiter) arm() {
	if m.line.Len() == 0 || m.rate == 0 {
		if m.timer != nil {
			m.timer.stop()
		}
		return
	}
	m.saved() // forgets what is too old
	d, part := m.span(min(m.line.First().Value.want, m.share()))
	if m.part+part > 0 {
		d += 1 + time.Duration((m.part+part-1)/m.rate)
	}
	pause := rest
	if m.rate >= bulk {
		pause = 2 * rest
	}
	when := max(m.used+d, m.served+pause)
	switch {
	case m.timer == nil:
		m.timer = m.loop.At(when, m.serve)
	case !m.timer.Active():
		m.timer.set(max(when, 0))
	case m.timer.when != when:
		m.timer.stop()
		m.timer.set(max(when, 0))
	}
}

// claim is what one direction of a socket has of a limiter.
type claim struct {
	limiter *Limiter // nil if there is none
	gate    *gate
	place   ds.Link[*claim]
	want    uint64 // while it is in line
	grant   uint64 // what it may move in this turn, and has paid for
}

// allow returns how much of size may be moved now. If nothing may, the claim is in line from then on.
func (c *claim) allow(size uint64) uint64 {
	m := c.limiter
	switch {
	case m == nil || m.rate == 0:
		return size
	case c.grant > 0:
		return min(c.grant, size)
	case m.line.Len() == 0:
		if saved := m.saved(); saved >= min(size, m.share()) {
			return min(saved, size)
		}
	}
	c.want = size
	c.place.Value = c
	m.line.Push(&c.place)
	m.arm()
	return 0
}

// moved pays for what was moved, unless that is paid for.
func (c *claim) moved(n uint64) {
	m := c.limiter
	if m == nil {
		return
	}
	m.moved += n
	if m.rate > 0 {
		paid := min(n, c.grant)
		c.grant -= paid
		m.pay(n - paid)
	}
}

// leave gives up a place in line, and what was granted.
func (c *claim) leave() {
	m := c.limiter
	if m == nil {
		return
	}
	c.giveBack()
	if c.place.Leave() {
		m.arm()
	}
}

func (c *claim) giveBack() {
	if c.grant > 0 {
		c.limiter.payBack(c.grant)
		c.grant = 0
	}
}
