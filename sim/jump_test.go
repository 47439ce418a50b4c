package sim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func jumping(t *testing.T) *corolla.Loop {
	l, err := corolla.New(sim.JumpClock())
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestJumpClockGoesToTheNextTimer(t *testing.T) {
	l := jumping(t)
	real, began := time.Now(), l.Now()
	var order []int
	err := l.Run(func(t *corolla.Task) error {
		for i, d := range []time.Duration{3 * time.Hour, time.Hour, 2 * time.Hour} {
			l.After(d, func() { order = append(order, i) })
		}
		return t.Sleep(4 * time.Hour)
	})
	if took := l.Now() - began; err != nil || took != 4*time.Hour || !slices.Equal(order, []int{1, 2, 0}) {
		t.Errorf("Run = %v, %v passed, timers ran in the order %v", err, took, order)
	}
	if time.Since(real) > time.Hour {
		t.Error("the hours were waited for")
	}
}

func TestJumpClockLetsRealSocketsGoFirst(t *testing.T) {
	l := jumping(t)
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			_, err := aio.Copy(t, c, c)
			return err
		})
		l.Go(srv.Serve)
		err = t.Timeout(time.Nanosecond, func(*corolla.Scope) error {
			c, err := aio.Dial(t, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.Write(t, []byte("hello")); err != nil {
				return err
			}
			_, err = c.Read(t, make([]byte, 5))
			return err
		})
		_, down := srv.Shutdown(t)
		return errors.Join(err, down)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestJumpClockStandsStillDuringOffload(t *testing.T) {
	l := jumping(t)
	began := l.Now()
	err := l.Run(func(t *corolla.Task) error {
		release := make(chan struct{})
		late := l.After(time.Hour, l.Stop)
		defer late.Stop()
		work := corolla.Offload(l, func() (int, error) { <-release; return 1, nil })
		l.Soon(func() { close(release) })
		_, err := work.Await(t)
		return err
	})
	if err != nil || l.Now() != began {
		t.Errorf("Run = %v, %v passed", err, l.Now()-began)
	}
}
