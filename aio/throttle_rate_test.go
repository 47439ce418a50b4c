package aio_test

import (
	"fmt"
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
	const window = 10 * time.Second
	for _, conns := range []int{1, 50} {
		for _, rate := range []int{1, 15, 1000, 20_000, 1_000_000, 5_000_000} {
			for _, message := range []int{10, 1000, 200_000} {
				for _, receiving := range []bool{false, true} {
					if rate > 100_000 && message == 10 {
						continue // too much work for the test's time
					}
					t.Run(fmt.Sprintf("%d conns %d Bps %d B receiving %v", conns, rate, message, receiving), func(t *testing.T) {
						lim := [2]*corolla.Limiter{}
						if receiving {
							lim[0] = corolla.NewLimiter(int64(rate))
						} else {
							lim[1] = corolla.NewLimiter(int64(rate))
						}
						s := saturation{conns, message, receiving, []corolla.SocketOption{corolla.ThrottleShared(lim[0], lim[1])}}
						m := s.run(t, 30*time.Second)
						least, most := m.windows(window)
						want := rate * 10
						if slack := max(want/50, 1); least < want-slack || most > want+slack {
							t.Errorf("in 10 s came %d to %d bytes, want %d ± 2 %%", least, most, want)
						}
						t.Log(least, most, m.of)
					})
				}
			}
		}
	}
}
