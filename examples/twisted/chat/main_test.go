package main

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/corollatest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/transporttest"
)

func TestMain(m *testing.M) { corollatest.Main(m) }

func TestOthersHearWhatIsSaid(t *testing.T) {
	srv := transporttest.NewServer(t, new(room).build)
	ann, bob := srv.Connect(), srv.Connect()
	want(t, ann, "What's your name?\r\n")
	ann.Feed("Ann\r\n")
	want(t, ann, "Welcome, Ann!\r\n")
	bob.Feed("Ann\r\nBob\r\n")
	want(t, bob, "What's your name?\r\nName taken, please choose another.\r\nWelcome, Bob!\r\n")
	ann.Feed("hello\r\n")
	want(t, bob, "<Ann> hello\r\n")
	bob.End()
	ann.Feed("anybody?\r\n")
	want(t, ann, "") // her own words never come
	if bob.Ended() != io.EOF {
		t.Error("Bob's connection is open")
	}
}

func want(t *testing.T, p *transporttest.Peer, text string) {
	t.Helper()
	if got := p.Sent(); got != text {
		t.Errorf("heard %q, want %q", got, text)
	}
}

func TestHoweverTheLinesAreCut(t *testing.T) {
	for pieces := range transporttest.Splits("Bob\r\nhello\r\n") {
		srv := transporttest.NewServer(t, new(room).build)
		ann, bob := srv.Connect(), srv.Connect()
		ann.Feed("Ann\r\n")
		ann.Sent()
		for _, piece := range pieces {
			bob.Feed(piece)
		}
		want(t, ann, "<Bob> hello\r\n")
	}
}

func TestWhoDoesNotListenIsDropped(t *testing.T) {
	srv := transporttest.NewServer(t, new(room).build)
	ann, bob := srv.Connect(), srv.Connect()
	ann.Feed("Ann\r\n")
	bob.Feed("Bob\r\n")
	bob.Hold()
	for range 100 {
		ann.Feed(strings.Repeat("x", 2000) + "\r\n")
	}
	bob.Release()
	if err := bob.Ended(); err != syscall.ECONNRESET {
		t.Errorf("Bob's connection: %v", err)
	}
}

// TestCrowd is the whole program's talk on a network that is slow, and cuts what is sent at random: everybody hears
// everybody else, in order.
func TestCrowd(t *testing.T) {
	for seed := range uint64(100) {
		l := sim.New(seed).NewLoop()
		if err := l.Run(func(task *corolla.Task) error { return crowd(task, 5) }); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		corollatest.Close(t, l)
	}
}

func crowd(t *corolla.Task, n int) error {
	srv, err := transport.Serve(t.Loop(), "tcp", "127.0.0.1:0", new(room).build)
	if err != nil {
		return err
	}
	defer srv.Close()
	entered := corolla.NewBarrier(n)
	err = t.Group(func(g *corolla.Group) error {
		for i := range n {
			g.Go(func(t *corolla.Task) error { return member(t, srv.Addr().String(), fmt.Sprint("user", i), n, entered) })
		}
		return nil
	})
	for err == nil && srv.Conns() > 0 { // until they have left
		err = t.Sleep(time.Millisecond)
	}
	return err
}

// member says three things once all are there, and hears three from each other.
func member(t *corolla.Task, addr, name string, n int, entered *corolla.Barrier) error {
	c, err := aio.Dial(t, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(t, []byte(name+"\r\n")); err != nil {
		return err
	}
	heard := map[string]int{}
	for line, err := range c.Lines(t) {
		var from string
		var i int
		switch _, e := fmt.Sscanf(string(line), "<%s says %d", &from, &i); {
		case err != nil:
			return err
		case strings.HasPrefix(string(line), "Welcome"):
			if _, err := entered.Wait(t); err != nil {
				return err
			}
			if _, err := c.Write(t, []byte("says 0\r\nsays 1\r\nsays 2\r\n")); err != nil {
				return err
			}
		case e != nil:
		case heard[from] != i:
			return fmt.Errorf("%s heard %q when %d was due", name, line, heard[from])
		default:
			heard[from]++
			if n--; heard[from] < 3 {
				n++
			}
		}
		if n == 1 {
			return nil
		}
	}
	return io.ErrUnexpectedEOF
}
