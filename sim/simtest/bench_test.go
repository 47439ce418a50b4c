package simtest_test

import (
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim/simtest"
)

// smallEcho has a client send three lines to an echo server and take them back, in a storm.
func smallEcho(r *simtest.Run) error {
	r.Host("server").Start(func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":7")
		if err != nil {
			return err
		}
		return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			_, err := io.Copy(c.Bind(t), c.Bind(t))
			return err
		}).Serve(t)
	}, r.PanicsOnly())
	client := r.Host("client").Start(func(t *corolla.Task) error {
		return t.Timeout(5*time.Second, func(*corolla.Scope) error {
			c, err := aio.Dial(t, "tcp", "server:7")
			if err != nil {
				return err
			}
			defer c.Close()
			for _, line := range []string{"one\n", "two\n", "three\n"} {
				if _, err := c.Write(t, []byte(line)); err != nil {
					return err
				}
				if _, err := c.ReadUntil(t, []byte("\n")); err != nil {
					return err
				}
			}
			return nil
		})
	})
	r.Storm(100 * time.Millisecond)
	return r.RunUntil(client.Done, time.Minute)
}

func TestSmallEcho(t *testing.T) { simtest.Explore(t, 200, smallEcho) }

// BenchmarkSmallEcho is how many such worlds Explore gets through in a minute, on as many cores as
// there are.
func BenchmarkSmallEcho(b *testing.B) {
	simtest.Explore(b, b.N, smallEcho)
	b.ReportMetric(float64(b.N)/b.Elapsed().Minutes(), "worlds/min")
}
