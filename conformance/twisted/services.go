package twisted

import (
	"errors"
	"math"
	"syscall"
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

// waitFor says how it ends to wait for a client's connection.
func waitFor(r *scenario.Run, c *service.Client[*transport.Conn], name string, failures int) {
	c.WhenConnected(failures).OnDone(func(f *corolla.Future[*transport.Conn]) {
		_, err := f.Result()
		end[string](r, name)("connected", err)
	})
}

func clientService(r *scenario.Run) {
	r.Main(func(t *corolla.Task) error {
		client, address := loud(r, "client"), ""
		c := service.NewClient(t.Loop(), "client", func() *corolla.Future[*transport.Conn] {
			r.Say("connecting")
			if address != "" {
				return transport.Dial(t.Loop(), "unix", address, client)
			}
			failed := corolla.NewFuture[*transport.Conn](t.Loop())
			_ = failed.Fail(syscall.ECONNREFUSED)
			return failed
		})
		c.Backoff = func(int) time.Duration { return time.Second }
		c.Retrying = func(int, error, time.Duration) {}
		waitFor(r, c, "after two", 2)
		waitFor(r, c, "after three", 3)
		waitFor(r, c, "any", 0)
		_ = c.Start(t)
		_ = t.Sleep(1500 * ms)
		address = newAddress()
		s, err := transport.Serve(t.Loop(), "unix", address, build(quiet(r, "server")))
		if err != nil {
			return err
		}
		_ = t.Sleep(time.Second)
		waitFor(r, c, "later", 0)
		_ = c.Stop(t)
		r.Say("stopped")
		waitFor(r, c, "behind it", 0)
		_ = t.Sleep(10 * ms)
		_ = s.Close()
		address = ""
		_ = c.Start(t)
		waitFor(r, c, "again", 0)
		_ = c.Stop(t)
		_ = t.Sleep(10 * ms)
		r.Say("end")
		return nil
	})
}
