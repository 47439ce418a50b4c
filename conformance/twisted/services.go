package twisted

import (
	"errors"
	"math"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

func backoffPolicy(r *scenario.Run) {
	policy := service.Backoff(time.Second, time.Minute, 1.5, func(time.Duration) time.Duration { return time.Second / 4 })
	for _, n := range []int{1, 2, 3, 10, 11, 100} {
		r.Say("attempt %d: %.3f s", n, policy(n).Seconds())
	}
}

func reconnecting(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		c := service.NewClient(t.Loop(), "client", func() *corolla.Future[*transport.Conn] {
			r.Say("connecting")
			failed := corolla.NewFuture[*transport.Conn](t.Loop())
			_ = failed.Fail(errors.New("refused"))
			return failed
		})
		c.Backoff = service.Backoff(time.Second, 10*time.Second, math.E, nil)
		c.Retrying = func(_ int, _ error, wait time.Duration) { r.Say("failed, waits %.3f s", wait.Seconds()) }
		if err := c.Start(t); err != nil {
			return err
		}
		if err := t.Sleep(30 * time.Second); err != nil {
			return err
		}
		if err := c.Stop(t); err != nil {
			return err
		}
		err := t.Sleep(30 * time.Second)
		r.Say("end")
		return err
	})
}
