package sim_test

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// calm is a network on which everything takes a millisecond.
func calm(seed uint64, opts ...sim.Option) *sim.World {
	return sim.New(seed, append(opts, sim.Latency(time.Millisecond, time.Millisecond), sim.Whole())...)
}

// talk runs a client that connects to an echo server, at 0, and then does what it is given.
func talk(t *testing.T, w *sim.World, do func(t *corolla.Task, c *aio.Conn) error) error {
	t.Helper()
	t.Cleanup(w.Close)
	w.Host("server").Start(serveEcho)
	return w.Host("client").Run(func(t *corolla.Task) error {
		c, err := aio.Dial(t, "tcp", "server:7")
		if err != nil {
			return err
		}
		defer c.Close()
		return do(t, c)
	})
}

// A connection outlives a partition that heals, and whatever was sent meanwhile comes late.
func TestPartitionsHoldWhatIsSent(t *testing.T) {
	for _, fault := range []string{
		"partition host=client peer=server", "partition host=server", "partition",
		"one-way host=client peer=server", "one-way host=server peer=client",
		"silence host=client peer=server",
	} {
		t.Run(fault, func(t *testing.T) {
			w := calm(1)
			if err := talk(t, w, func(t *corolla.Task, c *aio.Conn) error {
				f, err := sim.ParseFault(fault + " at=1s for=10s")
				if err != nil {
					return err
				}
				w.Inject(f)
				if err := t.Sleep(2 * time.Second); err != nil {
					return err
				}
				if err := ask(t, c, "anybody there"); err != nil {
					return err
				}
				if now := w.Now(); now < 11*time.Second || now > 30*time.Second {
					return fmt.Errorf("answered at %v", now)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPartitionsThatDoNotConcernALinkLeaveIt(t *testing.T) {
	for _, fault := range []string{"partition host=client peer=other", "one-way host=other peer=server", "silence host=other peer=server"} {
		w := calm(1)
		w.Host("server")
		w.Host("client")
		w.Host("other")
		inject(t, w, fault)
		if err := talk(t, w, func(t *corolla.Task, c *aio.Conn) error { return ask(t, c, "hello") }); err != nil || w.Now() > time.Second {
			t.Errorf("%s: at %v: %v", fault, w.Now(), err)
		}
	}
}

func inject(t *testing.T, w *sim.World, lines ...string) {
	t.Helper()
	for _, line := range lines {
		f, err := sim.ParseFault(line)
		if err != nil {
			t.Fatal(err)
		}
		w.Inject(f)
	}
}

// An end that hears nothing gives up: after ten intervals of keep-alive, or, if it has sent something,
// after 924.6 s; see tcp(7).
func TestSilentConnectionsTimeOut(t *testing.T) {
	for _, c := range []struct {
		fault string
		send  bool
		at    time.Duration
	}{
		{"partition host=client peer=server at=1s", false, 151 * time.Second},
		{"partition host=client peer=server at=1s", true, 2*time.Second + 924600*time.Millisecond},
		{"silence host=client peer=server at=1s", false, 151 * time.Second},
		{"one-way host=server peer=client at=1s", false, 151 * time.Second},
		{"power-loss host=server at=1s", false, 151 * time.Second},
		{"power-loss host=server at=1s", true, 2*time.Second + 924600*time.Millisecond},
	} {
		w := calm(1)
		w.Host("server")
		w.Host("client")
		inject(t, w, c.fault)
		err := talk(t, w, func(t *corolla.Task, conn *aio.Conn) error {
			if c.send {
				if err := t.Sleep(2 * time.Second); err != nil {
					return err
				}
				if _, err := conn.Write(t, []byte("anybody there")); err != nil {
					return err
				}
			}
			_, err := conn.Read(t, make([]byte, 1))
			return err
		})
		if now := w.Now(); !errors.Is(err, syscall.ETIMEDOUT) || now < c.at-2*time.Second || now > c.at+time.Second {
			t.Errorf("%s, sending %v: at %v: %v", c.fault, c.send, now, err)
		}
	}
}

// What a client sees that reads, and of one that sends first.
func TestConnectionsThatAreCut(t *testing.T) {
	for _, c := range []struct {
		fault   string
		reading error // what it reads
		sending error // what it reads after it has sent something at 2 s
	}{
		{"reset host=server peer=client at=1s", syscall.ECONNRESET, syscall.ECONNRESET},
		{"reset at=1s", syscall.ECONNRESET, syscall.ECONNRESET},
		{"half-open host=client peer=server at=1s", syscall.ETIMEDOUT, syscall.ETIMEDOUT},
		{"half-open host=server peer=client at=1s", syscall.ECONNRESET, syscall.ECONNRESET},
		{"crash host=server at=1s", io.EOF, io.EOF},
		{"power-loss host=server at=1s for=5s", syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		for _, send := range []bool{false, true} {
			w := calm(1)
			w.Host("server")
			w.Host("client")
			inject(t, w, c.fault)
			var err error
			_ = talk(t, w, func(t *corolla.Task, conn *aio.Conn) error {
				return t.Timeout(time.Minute, func(*corolla.Scope) error {
					if send {
						if err := t.Sleep(2 * time.Second); err != nil {
							return err
						}
						_, _ = conn.Write(t, []byte("anybody there")) // it may fail
					}
					_, err = conn.Read(t, make([]byte, 1))
					return nil
				})
			})
			want := c.reading
			if send {
				want = c.sending
			}
			if !errors.Is(err, want) {
				t.Errorf("%s, sending %v: %v, want %v", c.fault, send, err, want)
			}
		}
	}
}

// A second write to a process that has died is answered with a reset.
func TestWritesToACrashedProcessAreReset(t *testing.T) {
	w := calm(1)
	w.Host("server")
	inject(t, w, "crash host=server at=1s")
	err := talk(t, w, func(t *corolla.Task, c *aio.Conn) error {
		for {
			if err := t.Sleep(2 * time.Second); err != nil {
				return err
			}
			if _, err := c.Write(t, []byte("x")); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v", err)
	}
	if now := w.Now(); now > 10*time.Second {
		t.Errorf("not before %v", now)
	}
}
