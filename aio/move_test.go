package aio_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// wandered runs test with a connection that obeys the options and has moved, to the loop that it came from,
// which makes no difference.
func wandered(t *testing.T, opts func() []corolla.SocketOption, before func(c *aio.Conn), test func(t *testing.T, task *corolla.Task, c, peer *aio.Conn)) {
	t.Helper()
	throttled(t, opts, func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
		if before != nil {
			before(c)
		}
		m, err := c.Move()
		if err != nil {
			t.Fatal(err)
		}
		if c, err = m.To(task.Loop()); err != nil {
			t.Fatal(err)
		}
		test(t, task, c, peer)
		_ = c.Abort() // or it has ended
	})
}

// What ends a connection for its time does so after it has moved, and says how long that was in all.
func TestMovedConnectionKeepsItsLimits(t *testing.T) {
	const limit = 500 * time.Millisecond // in which it has moved
	for name, x := range map[string]struct {
		opts []corolla.SocketOption
		keep bool // the connection busy
	}{
		"idle":       {opts: []corolla.SocketOption{corolla.IdleTimeout(limit)}},
		"life":       {opts: []corolla.SocketOption{corolla.LifeTimeout(limit)}, keep: true},
		"life, idle": {opts: []corolla.SocketOption{corolla.LifeTimeout(limit), corolla.IdleTimeout(time.Hour)}, keep: true},
	} {
		t.Run(name, func(t *testing.T) {
			wandered(t, func() []corolla.SocketOption { return x.opts }, nil, func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
				if x.keep {
					busy := task.Loop().Go(func(task *corolla.Task) error {
						for {
							if _, err := peer.Write(task, []byte("x")); err != nil {
								return nil
							}
							if err := task.Sleep(time.Millisecond); err != nil {
								return nil
							}
						}
					})
					defer func() { busy.Cancel(nil); _, _ = busy.Await(task) }()
				}
				_, err := io.Copy(io.Discard, c.Bind(task))
				var timeout *corolla.TimeoutError
				if !errors.As(err, &timeout) || !errors.Is(err, os.ErrDeadlineExceeded) || timeout.After != limit {
					t.Errorf("a moved connection ended with %v", err)
				}
			})
		})
	}
}

// A connection's own throttle moves with it, and it leaves one that it shares with others.
func TestMovedConnectionKeepsItsOwnThrottle(t *testing.T) {
	const rate, size = 100_000, 30_000 // 100 ms of it are saved up
	var shared *corolla.Limiter
	for name, x := range map[string]struct {
		opts   func() []corolla.SocketOption
		before func(c *aio.Conn)
		slow   bool
	}{
		"own": {opts: func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(0, rate)} }, slow: true},
		"shared": {opts: func() []corolla.SocketOption {
			shared = corolla.NewLimiter(1)
			return []corolla.SocketOption{corolla.ThrottleShared(nil, shared)}
		}},
		"both": {opts: func() []corolla.SocketOption {
			shared = corolla.NewLimiter(1)
			return []corolla.SocketOption{corolla.ThrottleShared(nil, shared), corolla.Throttle(0, rate)}
		}, slow: true},
		"taken back": {
			opts:   func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(0, 1)} },
			before: func(c *aio.Conn) { corolla.SetThrottle(c.Socket(), nil, nil) },
		},
		"replaced": {
			opts:   func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(0, 1)} },
			before: func(c *aio.Conn) { corolla.SetThrottle(c.Socket(), nil, corolla.NewLimiter(1)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			shared = corolla.NewLimiter(1)
			wandered(t, x.opts, x.before, func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
				begin := task.Loop().Now()
				writes := writing(task, c, 'x', size)
				got := make([]byte, size)
				if _, err := peer.ReadFull(task, got); err != nil {
					t.Fatal(err)
				}
				if _, err := writes.Await(task); err != nil {
					t.Error(err)
				}
				if took := task.Loop().Now() - begin; x.slow && took < (size-rate/10)*time.Second/rate {
					t.Errorf("%d bytes took %v", size, took)
				}
				if s := shared.Stats(); s.Moved != 0 || s.Waiting != 0 {
					t.Errorf("the limiter that it left: %+v", s)
				}
			})
		})
	}
}

// What a moved connection says is logged, too.
func TestMovedConnectionIsLogged(t *testing.T) {
	var text bytes.Buffer
	wandered(t, func() []corolla.SocketOption {
		text.Reset()
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		return []corolla.SocketOption{corolla.LogTraffic(log, corolla.AsText, -1)}
	}, nil, func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
		send(t, task, c, "hello")
		_ = c.Close()
		if _, err := peer.ReadFull(task, make([]byte, 5)); err != nil {
			t.Error(err)
		}
		var said []string
		for line := range strings.Lines(text.String()) {
			_, line, _ = strings.Cut(line, "msg=")
			what, rest, _ := strings.Cut(line, " ")
			if _, bytes, ok := strings.Cut(rest, "bytes="); ok {
				what += " " + strings.TrimSpace(bytes)
			}
			said = append(said, what)
		}
		if got := strings.Join(said, ", "); got != "open, close, open, write 5 data=hello, close" {
			t.Errorf("the log says %s", got)
		}
	})
}
