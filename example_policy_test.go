package corolla_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// Two downloads share 100 kB a second, and neither may have more than 80.
func ExampleThrottleShared() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		both := corolla.NewLimiter(100_000)
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7000", corolla.ThrottleShared(nil, both), corolla.Throttle(0, 80_000))
		if err != nil {
			return err
		}
		srv := aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			_, err := c.Write(t, make([]byte, 500_000))
			return err
		})
		l.Go(srv.Serve)
		err = t.Group(func(g *corolla.Group) error {
			for range 2 {
				g.Go(download)
			}
			return nil
		})
		fmt.Println(both.Stats().Moved, "bytes")
		_, e := srv.Shutdown(t)
		if err == nil {
			err = e
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// 500000 bytes in 10s
	// 500000 bytes in 10s
	// 1000000 bytes
	// <nil>
}

func download(t *corolla.Task) error {
	c, err := aio.Dial(t, "tcp", "127.0.0.1:7000")
	if err != nil {
		return err
	}
	defer c.Close()
	began := t.Loop().Now()
	n, err := io.Copy(io.Discard, c.Bind(t))
	fmt.Printf("%d bytes in %v\n", n, (t.Loop().Now() - began).Round(time.Second))
	return err
}

// What a client says and hears, and why it was cut off.
func ExampleLogTraffic() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	err := l.Run(func(t *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7000", corolla.LogTraffic(log, corolla.AsText, 12), corolla.IdleTimeout(time.Minute))
		if err != nil {
			return err
		}
		srv := aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			_, err := aio.Copy(t, c, c)
			return err
		})
		l.Go(srv.Serve)
		c, err := aio.Dial(t, "tcp", "127.0.0.1:7000")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(t, []byte("hello, world\n")); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, c.Bind(t)); err != nil { // and says no more
			return err
		}
		_, err = srv.Shutdown(t)
		return err
	})
	fmt.Println(err)
	// Output:
	// msg=open network=tcp local=127.0.0.1:7000
	// msg=read network=tcp local=127.0.0.1:7000 bytes=13 data="hello, world" more=1
	// msg=write network=tcp local=127.0.0.1:7000 bytes=13 data="hello, world" more=1
	// msg=close network=tcp local=127.0.0.1:7000 read=13 written=13 error="timed out after 1m0s"
	// <nil>
}

// withoutTime leaves out what is of no interest here.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, slog.LevelKey, "remote":
		return slog.Attr{}
	}
	return a
}
