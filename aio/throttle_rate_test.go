package aio_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// moved is what came of several connections, and when.
type moved struct {
	at []time.Duration
	n  []int
	of []int // by connection
}

func (m *moved) add(l *corolla.Loop, conn, n int) {
	m.of[conn] += n
	if last := len(m.at) - 1; last >= 0 && m.at[last] == l.Now() {
		m.n[last] += n
		return
	}
	m.at, m.n = append(m.at, l.Now()), append(m.n, n)
}

// windows returns the least and the most that came in any stretch of a length.
func (m *moved) windows(of time.Duration) (least, most int) {
	least = 1 << 62
	sum, first := 0, 0 // of those from first on, to the current one
	for i, at := range m.at {
		for ; m.at[first] <= at-of; first++ {
			if i > 0 && m.at[first] > m.at[0] { // a stretch that begins behind one and ends before another
				least = min(least, sum)
			}
			sum -= m.n[first]
		}
		sum += m.n[i]
		most = max(most, sum)
	}
	return least, most
}

// saturate has connections that want more than they may, and notes what arrives at the far end.
type saturation struct {
	conns, message int
	receiving      bool // it is the receiving side that is throttled
	opts           []corolla.SocketOption
}

func (s saturation) run(t *testing.T, lasts time.Duration) *moved {
	t.Helper()
	w := sim.New(7, sim.Buffer(1<<20))
	l := w.NewLoop(corolla.SlowLimit(0))
	defer leaktest.Close(t, l)
	m := &moved{of: make([]int, s.conns)}
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", s.opts...)
		if err != nil {
			return err
		}
		err = task.Timeout(lasts, func(*corolla.Scope) error {
			return task.Group(func(g *corolla.Group) error {
				for i := range s.conns {
					peer, c := oneOf(t, task, ln)
					from, to := peer, c
					if s.receiving {
						from, to = c, peer
					}
					g.Go(func(task *corolla.Task) error { return writeForever(task, from, s.message) })
					g.Go(func(task *corolla.Task) error { return noteAll(task, to, func(n int) { m.add(l, i, n) }) })
				}
				return nil
			})
		})
		if _, late := err.(*corolla.TimeoutError); !late {
			t.Error(err)
		}
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
	return m
}

func writeForever(task *corolla.Task, c *aio.Conn, message int) error {
	defer c.Abort()
	b := make([]byte, message)
	for {
		if _, err := c.Write(task, b); err != nil {
			return err
		}
	}
}

func noteAll(task *corolla.Task, c *aio.Conn, note func(n int)) error {
	defer c.Abort()
	for {
		b, err := c.Receive(task)
		if err != nil {
			return err
		}
		note(len(b))
	}
}

func TestThrottleKeepsItsRate(t *testing.T) {
	const window, lasts = 10 * time.Second, 40 * time.Second
	for _, conns := range []int{1, 50} {
		for _, rate := range []int{1, 15, 1000, 1_000_000} {
			for _, message := range []int{10, 1000, 200_000} {
				for _, receiving := range []bool{false, true} {
					if message == 10 && (rate > 100_000 || receiving && conns > 1) {
						continue // too much work for a test
					}
					if testing.Short() && message != 1000 {
						continue
					}
					t.Run(fmt.Sprintf("%d conns %d Bps %d B receiving %v", conns, rate, message, receiving), func(t *testing.T) {
						lim := corolla.NewLimiter(int64(rate))
						opt := corolla.ThrottleShared(nil, lim)
						if receiving {
							opt = corolla.ThrottleShared(lim, nil)
						}
						m := saturation{conns, message, receiving, []corolla.SocketOption{opt}}.run(t, lasts)
						least, most := m.windows(window)
						want := rate * 10
						if slack := max(want/50, 1); least < want-slack || most > want+slack {
							t.Errorf("in 10 s came %d to %d bytes, want %d ± 2 %%", least, most, want)
						}
						m.wantFair(t, rate*int(lasts/time.Second)/conns)
					})
				}
			}
		}
	}
}

// From 10 MB/s on the line is served less often.
func TestThrottleKeepsTheRateOfBulk(t *testing.T) {
	for _, conns := range []int{1, 10} {
		const rate = 10_000_000
		lim := corolla.NewLimiter(rate)
		m := saturation{conns, 500_000, false, []corolla.SocketOption{corolla.ThrottleShared(nil, lim)}}.run(t, 12*time.Second)
		least, most := m.windows(10 * time.Second)
		if least < rate*98/10 || most > rate*102/10 {
			t.Errorf("%d connections: in 10 s came %d to %d bytes", conns, least, most)
		}
		m.wantFair(t, rate*12/conns)
	}
}

// wantFair wants each connection to have had about as much as the others.
func (m *moved) wantFair(t *testing.T, share int) {
	t.Helper()
	least, most := slices.Min(m.of), slices.Max(m.of)
	if slack := share/4 + 2; least < share-slack || most > share+slack {
		t.Errorf("of %d connections one got %d bytes, another %d; a share is %d", len(m.of), least, most, share)
	}
}

// Each connection has a rate of its own, and they have one together.
func TestThrottleOfEachAndOfAll(t *testing.T) {
	const window, lasts = 10 * time.Second, 30 * time.Second
	for _, c := range []struct{ own, all, conns, want int }{
		{10_000, 1_000_000, 10, 100_000}, // none is held up by the others
		{10_000, 50_000, 10, 50_000},
		{10_000, 1000, 1, 1000},
	} {
		for _, receiving := range []bool{false, true} {
			own, lim := int64(c.own), corolla.NewLimiter(int64(c.all))
			opts := []corolla.SocketOption{corolla.Throttle(0, own), corolla.ThrottleShared(nil, lim)}
			if receiving {
				opts = []corolla.SocketOption{corolla.Throttle(own, 0), corolla.ThrottleShared(lim, nil)}
			}
			m := saturation{c.conns, 5000, receiving, opts}.run(t, lasts)
			least, most := m.windows(window)
			if slack := c.want / 5; least < 10*c.want-slack || most > 10*c.want+slack {
				t.Errorf("%+v, receiving %v: in 10 s came %d to %d bytes", c, receiving, least, most)
			}
			m.wantFair(t, c.want*int(lasts/time.Second)/c.conns)
		}
	}
}

// Connections that want little have it within a second, however much others want.
func TestThrottleLeavesRoomForThoseWhoWantLittle(t *testing.T) {
	l := sim.New(5).NewLoop(corolla.SlowLimit(0))
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		lim := corolla.NewLimiter(200_000)
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.ThrottleShared(lim, lim))
		if err != nil {
			return err
		}
		err = task.Timeout(time.Minute, func(*corolla.Scope) error {
			return task.Group(func(g *corolla.Group) error {
				for range 30 {
					c, peer := oneOf(t, task, ln)
					g.Go(func(task *corolla.Task) error { return writeForever(task, c, 100_000) })
					g.Go(func(task *corolla.Task) error { return noteAll(task, peer, func(int) {}) })
				}
				c, peer := oneOf(t, task, ln)
				defer c.Abort()
				defer peer.Abort()
				g.Go(func(task *corolla.Task) error { _, err := aio.Copy(task, c, c); return err })
				for {
					asked := l.Now()
					if _, err := peer.Write(task, []byte("ping")); err != nil {
						return err
					}
					if _, err := peer.ReadFull(task, make([]byte, 4)); err != nil {
						return err
					}
					if took := l.Now() - asked; took > 1500*time.Millisecond { // its turn to read, and to write
						t.Errorf("an answer took %v", took)
					}
				}
			})
		})
		if _, late := err.(*corolla.TimeoutError); !late {
			t.Error(err)
		}
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
}

// Connections with much to say have their share beside others that say a little again and again.
func TestThrottleStarvesNobody(t *testing.T) {
	const rate, lasts = 100_000, 30 * time.Second
	l := sim.New(5, sim.Buffer(1<<20)).NewLoop(corolla.SlowLimit(0))
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		lim, got := corolla.NewLimiter(rate), 0
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.ThrottleShared(nil, lim))
		if err != nil {
			return err
		}
		err = task.Timeout(lasts, func(*corolla.Scope) error {
			return task.Group(func(g *corolla.Group) error {
				c, peer := oneOf(t, task, ln)
				g.Go(func(task *corolla.Task) error { return writeForever(task, c, 100_000) })
				g.Go(func(task *corolla.Task) error { return noteAll(task, peer, func(n int) { got += n }) })
				for range 10 {
					c, peer := oneOf(t, task, ln)
					g.Go(func(task *corolla.Task) error { return chatter(task, c) })
					g.Go(func(task *corolla.Task) error { return noteAll(task, peer, func(int) {}) })
				}
				return nil
			})
		})
		if _, late := err.(*corolla.TimeoutError); !late {
			t.Error(err)
		}
		if share := rate * int(lasts/time.Second) / 11; got < share {
			t.Errorf("it got %d bytes, and a share is %d", got, share)
		}
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
}

// chatter writes 20 bytes each millisecond, if they can be sent at once.
func chatter(task *corolla.Task, c *aio.Conn) error {
	defer c.Abort()
	for {
		if c.Buffered() == 0 {
			if err := c.TryWrite(make([]byte, 20)); err != nil {
				return err
			}
		}
		if err := task.Sleep(time.Millisecond); err != nil {
			return err
		}
	}
}

// Hundreds that come and go, some of them in the middle of their turn, leave nothing behind, and what
// they did not use is there for the others.
func TestThrottledConnectionsThatComeAndGo(t *testing.T) {
	const rate, lasts = 100_000, 60 * time.Second
	l := sim.New(11).NewLoop(corolla.SlowLimit(0))
	defer leaktest.Close(t, l)
	lim := corolla.NewLimiter(rate)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.ThrottleShared(lim, lim))
		if err != nil {
			return err
		}
		random := rand.New(rand.NewPCG(1, 2))
		var turn corolla.Lock
		err = task.Timeout(lasts, func(*corolla.Scope) error {
			return task.Group(func(g *corolla.Group) error {
				for range 300 {
					g.Go(func(task *corolla.Task) error {
						for {
							if err := visit(task, ln, &turn, random); err != nil {
								return err
							}
						}
					})
				}
				return nil
			})
		})
		if _, late := err.(*corolla.TimeoutError); !late {
			t.Error(err)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		quiet(t, task)
		if s := lim.Stats(); s.Waiting != 0 || l.Stats().Timers != 0 {
			t.Errorf("%d wait, %d timers are set", s.Waiting, l.Stats().Timers)
		}
		if moved := lim.Stats().Moved; moved < rate*59 || moved > rate*61 {
			t.Errorf("%d bytes were moved in a minute, and the rate is %d", moved, rate)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// visit has one connection say something, wait a little, and end in some way.
func visit(task *corolla.Task, ln *aio.Listener, turn *corolla.Lock, random *rand.Rand) error {
	c, peer, err := pairOf(task, ln, turn)
	if err != nil {
		return err
	}
	defer c.Abort()
	defer peer.Abort()
	err = task.Timeout(time.Duration(random.Int64N(int64(5*time.Second))), func(*corolla.Scope) error {
		if random.IntN(2) == 0 {
			if _, err := c.Write(task, make([]byte, random.IntN(100_000))); err != nil {
				return err
			}
			return c.Flush(task)
		}
		if _, err := peer.Write(task, make([]byte, random.IntN(100_000))); err != nil {
			return err
		}
		_, err := c.Read(task, make([]byte, random.IntN(100_000)+1))
		return err
	})
	if _, late := err.(*corolla.TimeoutError); late {
		return nil
	}
	return err
}

// pairOf connects to a listener, one task after the other.
func pairOf(task *corolla.Task, ln *aio.Listener, turn *corolla.Lock) (c, peer *aio.Conn, err error) {
	if err := turn.Lock(task); err != nil {
		return nil, nil, err
	}
	defer turn.Unlock()
	if peer, err = aio.Dial(task, "tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if c, err = ln.Accept(task); err != nil {
		return nil, nil, errors.Join(err, peer.Abort())
	}
	return c, peer, nil
}
