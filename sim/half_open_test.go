package sim_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// TestHalfOpenIsFoundOut has an end that fails without the other's knowing, and then more goes wrong before
// the next keep-alive probe. The other end finds out all the same.
func TestHalfOpenIsFoundOut(t *testing.T) {
	for name, c := range map[string]struct {
		then []sim.Fault
		want error
	}{
		"nothing":   {nil, syscall.ECONNRESET},
		"crash":     {[]sim.Fault{{Kind: sim.Crash, Host: "client", At: 2 * time.Second, For: time.Millisecond}}, syscall.ECONNRESET},
		"power":     {[]sim.Fault{{Kind: sim.PowerLoss, Host: "client", At: 2 * time.Second, For: time.Millisecond}}, syscall.ECONNRESET},
		"dark":      {[]sim.Fault{{Kind: sim.PowerLoss, Host: "client", At: 2 * time.Second}}, syscall.ETIMEDOUT},
		"cut":       {[]sim.Fault{{Kind: sim.Partition, Host: "client", Peer: "server", At: 2 * time.Second}}, syscall.ETIMEDOUT},
		"cut a bit": {[]sim.Fault{{Kind: sim.Partition, Host: "client", Peer: "server", At: 2 * time.Second, For: 20 * time.Second}}, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			w := sim.New(1)
			defer w.Close()
			got := errors.New("not told")
			w.Host("server").Start(func(t *corolla.Task) error {
				ln, err := aio.Listen(t.Loop(), "tcp", ":7")
				if err != nil {
					return err
				}
				c, err := ln.Accept(t)
				if err != nil {
					return err
				}
				_, got = c.Read(t, make([]byte, 1))
				return nil
			})
			asked := false
			w.Host("client").Start(func(t *corolla.Task) error {
				if asked {
					return nil
				}
				asked = true
				c, err := aio.Dial(t, "tcp", "server:7")
				if err != nil {
					return err
				}
				if _, err := c.Read(t, make([]byte, 1)); err != nil {
					_ = c.Close() // it has failed
				}
				return t.Sleep(time.Hour)
			})
			w.Inject(sim.Fault{Kind: sim.HalfOpen, Host: "client", Peer: "server", At: time.Second})
			for _, f := range c.then {
				w.Inject(f)
			}
			w.Advance(5 * time.Minute)
			if !errors.Is(got, c.want) {
				t.Errorf("the server's end: %v, want %v", got, c.want)
			}
		})
	}
}
