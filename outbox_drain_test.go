package corolla_test

import (
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/sim"
)

// lateReader is a machine that counts what it is given to send, and on which the peer reads what has
// arrived once a loop that waits without a limit has heard of nothing for a day.
type lateReader struct {
	host.Host
	peer  host.FD
	taken int
}

func (h *lateReader) TryWrite(fd host.FD, b []byte) (int, error) {
	n, err := h.Host.TryWrite(fd, b)
	h.taken += n
	return n, err
}

func (h *lateReader) Wait(buf []host.Event, until time.Duration) (int, error) {
	if until >= 0 || h.peer == 0 {
		return h.Host.Wait(buf, until)
	}
	n, err := h.Host.Wait(buf, h.Host.Now()+24*time.Hour)
	if n == 0 && err == nil {
		_, err = h.Host.TryRead(h.peer, make([]byte, 1000))
	}
	return n, err
}

func TestHowLongAClosedLoopSends(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name       string
		opts       []corolla.Option
		taken      int
		atLeast    time.Duration
		lessThan   time.Duration
		everything bool
	}{
		{"unless said", nil, 100, 5 * time.Second, 5*time.Second + 1, false},
		{"for a time", []corolla.Option{corolla.CloseTimeout(70 * time.Second)}, 100, 70 * time.Second, 70*time.Second + 1, false},
		{"for no time", []corolla.Option{corolla.CloseTimeout(-1)}, 100, 0, 1, false},
		{"for ever", []corolla.Option{corolla.CloseTimeout(0)}, 1000, 9 * day, 10 * day, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := new(lateReader)
			l := sim.New(1, sim.Buffer(100), sim.Whole()).NewLoop(append(c.opts, hosttest.Between(func(on host.Host) host.Host {
				h.Host = on
				return h
			}))...)
			a, b := socketPair(t, l)
			var out corolla.Outbox
			out.Init(a, func(err error) { t.Errorf("sending failed: %v", err) })
			out.Cork() // nothing is tried before
			put(t, &out, 1000)
			sent := false
			out.Finish(func() { sent = true })
			h.peer = host.FD(b.FD())
			before := h.Now()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if took := h.Now() - before; took < c.atLeast || took >= c.lessThan {
				t.Errorf("Close took %v", took)
			}
			if h.taken != c.taken || sent != c.everything {
				t.Errorf("the system took %d bytes; all sent: %v", h.taken, sent)
			}
		})
	}
}
