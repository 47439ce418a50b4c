package aio_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// throttled runs test with a connection, of which c obeys the options, on both hosts. Nothing waits for
// a limiter behind it, and no timer is left.
func throttled(t *testing.T, opts func() []corolla.SocketOption, test func(t *testing.T, task *corolla.Task, c, peer *aio.Conn)) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0", append(opts(), smallBuffers...)...)
		if err != nil {
			t.Fatal(err)
		}
		c, peer := oneOf(t, task, ln)
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		test(t, task, c, peer)
		for _, c := range []*aio.Conn{c, peer} {
			_ = c.Abort() // or the test has closed it
		}
		settle(t, task, func() bool { return task.Loop().Stats().Jobs == 0 })
		if n := task.Loop().Stats().Timers; n != 0 {
			t.Errorf("%d timers are left", n)
		}
	})
}

// oneLimiter is for connections that obey one in one direction, which is kept in lim.
func oneLimiter(lim **corolla.Limiter, rate int64, receiving bool) func() []corolla.SocketOption {
	return func() []corolla.SocketOption {
		*lim = corolla.NewLimiter(rate)
		if receiving {
			return []corolla.SocketOption{corolla.ThrottleShared(*lim, nil)}
		}
		return []corolla.SocketOption{corolla.ThrottleShared(nil, *lim)}
	}
}

// Whatever moves the bytes, all of them arrive, and no sooner than the rate allows.
func TestThrottledBytesArriveWhole(t *testing.T) {
	const rate = 100_000
	text := strings.Repeat("0123456789", 3000)
	f := plainFile(t, text)
	ca, cert := newCA(t)
	for name, way := range map[string]struct {
		tls  bool
		send func(t *testing.T, task *corolla.Task, from *aio.Conn) error
	}{
		"write": {send: func(_ *testing.T, task *corolla.Task, from *aio.Conn) error {
			_, err := from.Write(task, []byte(text))
			return err
		}},
		"batches": {send: func(_ *testing.T, task *corolla.Task, from *aio.Conn) error {
			for b := []byte(text); len(b) > 0; b = b[min(len(b), 10_000):] {
				part := b[:min(len(b), 10_000)]
				if _, err := from.WriteBatch(task, [][]byte{part[:1], part[1:7000], nil, part[7000:]}); err != nil {
					return err
				}
			}
			return nil
		}},
		"file": {send: func(_ *testing.T, task *corolla.Task, from *aio.Conn) error {
			_, err := from.SendFile(task, f, 0, -1)
			return err
		}},
		"a splice": {send: func(t *testing.T, task *corolla.Task, from *aio.Conn) error { return spliced(t, task, from, text) }},
		"TLS": {true, func(_ *testing.T, task *corolla.Task, from *aio.Conn) error {
			_, err := from.Write(task, []byte(text))
			return err
		}},
		"a file through TLS": {true, func(_ *testing.T, task *corolla.Task, from *aio.Conn) error {
			_, err := from.SendFile(task, f, 0, -1)
			return err
		}},
	} {
		for _, receiving := range []bool{false, true} {
			var lim *corolla.Limiter
			t.Run(name+map[bool]string{true: " received", false: " sent"}[receiving], func(t *testing.T) {
				throttled(t, oneLimiter(&lim, rate, receiving), func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
					began := task.Loop().Now()
					if way.tls {
						tlsPair(t, task, ca, cert, peer, c)
					}
					from, to := c, peer
					if receiving {
						from, to = peer, c
					}
					sender := task.Loop().Go(func(task *corolla.Task) error {
						if err := way.send(t, task, from); err != nil {
							return err
						}
						return from.CloseWrite()
					})
					got, err := io.ReadAll(to.Bind(task))
					if string(got) != text || err != nil {
						t.Errorf("received %d bytes, %v", len(got), err)
					}
					if _, err := sender.Await(task); err != nil {
						t.Error(err)
					}
					moved := lim.Stats().Moved
					if over := moved - int64(len(text)); over < 0 || (over > 0) != way.tls {
						t.Errorf("%d bytes were counted, of which %d were data", moved, len(text))
					}
					least := time.Duration(moved-rate/10) * time.Second / rate // a tenth of a second was saved up
					if took := task.Loop().Now() - began; took < least {
						t.Errorf("it took %v, with the rate at least %v", took, least)
					}
				})
			})
		}
	}
}

// spliced sends text by way of a connection of its own.
func spliced(t *testing.T, task *corolla.Task, to *aio.Conn, text string) error {
	ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	a, b := oneOf(t, task, ln)
	defer a.Abort()
	defer b.Abort()
	f := task.Loop().Go(func(task *corolla.Task) error {
		if _, err := a.Write(task, []byte(text)); err != nil {
			return err
		}
		return a.CloseWrite()
	})
	if n, err := b.SpliceTo(task, to); n != int64(len(text)) || err != nil {
		t.Errorf("SpliceTo = %d, %v", n, err)
	}
	_, err = f.Await(task)
	return err
}

// What was written before Close is sent, though it takes longer than a connection may linger, and than
// one may be idle.
func TestThrottledConnectionIsClosedBehindItsData(t *testing.T) {
	l := sim.New(3).NewLoop() // whose time is exact
	defer leaktest.Close(t, l)
	text := strings.Repeat("0123456789", 100)
	if err := l.Run(func(task *corolla.Task) error {
		lim := corolla.NewLimiter(10)
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.ThrottleShared(nil, lim), corolla.LingerTimeout(time.Second), corolla.IdleTimeout(time.Second))
		if err != nil {
			return err
		}
		others := make([]*aio.Conn, 20) // so that each has a turn every two seconds
		for i := range others {
			c, peer := oneOf(t, task, ln)
			others[i] = peer
			if err := c.TryWrite([]byte(text)); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		for _, c := range others {
			if got, err := io.ReadAll(c.Bind(task)); string(got) != text || err != nil {
				t.Errorf("the peer got %d bytes, %v", len(got), err)
			}
			_ = c.Close() // it was at its end
		}
		if took := l.Now(); took < 1900*time.Second || took > 2100*time.Second {
			t.Errorf("20,000 bytes at 10 B/s took %v", took)
		}
		return ln.Close()
	}); err != nil {
		t.Error(err)
	}
}

func TestLoopThatIsClosedDoesNotThrottle(t *testing.T) {
	w := sim.New(3)
	l := w.NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.Throttle(0, 1))
		if err != nil {
			return err
		}
		c, _ := oneOf(t, task, ln)
		if err := c.TryWrite(make([]byte, 10_000)); err != nil {
			return err
		}
		return errors.Join(c.Close(), ln.Close())
	}); err != nil {
		t.Error(err)
	}
	before := w.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if took := w.Now() - before; took > time.Second {
		t.Errorf("10,000 bytes at 1 B/s, once the loop is closed: %v", took)
	}
}

// A peer that goes away takes its place in line along.
func TestThrottledPeersThatGo(t *testing.T) {
	for name, goes := range map[string]func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) error{
		"reset":     func(_ *testing.T, _ *corolla.Task, _, peer *aio.Conn) error { return peer.Abort() },
		"close":     func(_ *testing.T, _ *corolla.Task, _, peer *aio.Conn) error { return peer.Close() },
		"own abort": func(_ *testing.T, _ *corolla.Task, c, _ *aio.Conn) error { return c.Abort() },
		"detach":    func(_ *testing.T, _ *corolla.Task, c, _ *aio.Conn) error { return c.Socket().Close() },
	} {
		var lim *corolla.Limiter
		t.Run(name, func(t *testing.T) {
			throttled(t, func() []corolla.SocketOption {
				lim = corolla.NewLimiter(1000)
				return []corolla.SocketOption{corolla.ThrottleShared(lim, lim)}
			}, func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
				writer := task.Loop().Go(func(task *corolla.Task) error { _, err := c.Write(task, make([]byte, 1<<20)); return err })
				if _, err := peer.Write(task, make([]byte, 10_000)); err != nil {
					t.Fatal(err)
				}
				reader := task.Loop().Go(func(task *corolla.Task) error { _, err := io.Copy(io.Discard, c.Bind(task)); return err })
				settle(t, task, func() bool { return lim.Stats().Waiting == 2 })
				if err := goes(t, task, c, peer); err != nil {
					t.Error(err)
				}
				if _, err := writer.Await(task); err == nil {
					t.Error("all was written")
				}
				if _, err := reader.Await(task); err == nil {
					t.Error("the reader came to the end of the stream")
				}
				if err := c.Abort(); err != nil && !errors.Is(err, os.ErrClosed) && c.Socket().FD() != -1 {
					t.Error(err)
				}
				if s := lim.Stats(); s.Waiting != 0 {
					t.Errorf("%d wait for the limiter", s.Waiting)
				}
			})
		})
	}
}

// Half of the connection can end while the other is throttled.
func TestThrottledPeerEndsItsHalf(t *testing.T) {
	text := strings.Repeat("x", 30_000)
	throttled(t, func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(100_000, 100_000)} },
		func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
			send(t, task, peer, text)
			if err := peer.CloseWrite(); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(c.Bind(task)); string(got) != text || err != nil {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			send(t, task, c, text)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(peer.Bind(task)); string(got) != text || err != nil {
				t.Errorf("the peer read %d bytes, %v", len(got), err)
			}
		})
}

// At rates from next to nothing to more than any machine, nothing overflows.
func TestRatesFarApart(t *testing.T) {
	text := bytes.Repeat([]byte("x"), 3<<20)
	for _, rate := range []int64{10_000_000_000, math.MaxInt64} {
		throttled(t, func() []corolla.SocketOption { return []corolla.SocketOption{corolla.Throttle(rate, rate)} },
			func(t *testing.T, task *corolla.Task, c, peer *aio.Conn) {
				sender := task.Loop().Go(func(task *corolla.Task) error {
					_, err := c.Write(task, text)
					return errors.Join(err, c.CloseWrite())
				})
				if got, err := io.ReadAll(peer.Bind(task)); len(got) != len(text) || err != nil {
					t.Errorf("read %d bytes, %v", len(got), err)
				}
				if _, err := sender.Await(task); err != nil {
					t.Error(err)
				}
			})
	}
}

func TestThrottledHandshake(t *testing.T) {
	ca, cert := newCA(t)
	l := sim.New(1, sim.Begin(time.Now())).NewLoop(corolla.SlowLimit(0))
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		for rate, fails := range map[int64]bool{1: true, 1000: false} {
			ln, err := aio.ListenTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}},
				corolla.Throttle(rate, rate), corolla.HandshakeTimeout(10*time.Second), corolla.IdleTimeout(2*time.Second))
			if err != nil {
				return err
			}
			addr := ln.Addr().String()
			dial := corolla.Go(l, func(task *corolla.Task) (*aio.Conn, error) {
				return aio.DialTLS(task, "tcp", addr, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: l.Time})
			})
			c, err := ln.Accept(task)
			if err != nil {
				return err
			}
			_, err = c.Write(task, []byte("hello"))
			if fails != errors.Is(err, os.ErrDeadlineExceeded) || !fails && err != nil {
				t.Errorf("at %d B/s: %v", rate, err)
			}
			_ = c.Close() // or it is over
			if peer, err := dial.Await(task); err == nil {
				if got, err := io.ReadAll(peer.Bind(task)); string(got) != "hello" || err != nil {
					t.Errorf("at %d B/s the peer read %q, %v", rate, got, err)
				}
				_ = peer.Close() // it is at its end
			} else if !fails {
				t.Errorf("at %d B/s: dial: %v", rate, err)
			}
			if err := ln.Close(); err != nil {
				t.Error(err)
			}
		}
		quiet(t, task)
		return nil
	}); err != nil {
		t.Error(err)
	}
}
