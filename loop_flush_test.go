package corolla_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// A program that writes, closes and ends must not lose the end of what it wrote, however much that
// is; and what others have registered does not run meanwhile.
func TestClosedLoopSendsWhatIsLeft(t *testing.T) {
	for _, corked := range []bool{false, true} {
		l, err := corolla.New()
		leaktest.NeedLoop(t, err)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("all of it ", 1<<20)
		got := make(chan string)
		begin := make(chan struct{})
		go func() {
			<-begin // nothing is read before
			c, err := ln.Accept()
			if err != nil {
				t.Error(err)
				close(got)
				return
			}
			all, err := io.ReadAll(c)
			if err = errors.Join(err, c.Close()); err != nil {
				t.Errorf("the peer: %v", err)
			}
			got <- string(all)
		}()
		var out corolla.Outbox
		run(t, l, func(task *corolla.Task) error {
			s, err := l.Dial("tcp", ln.Addr().String()).Await(task)
			if err != nil {
				return err
			}
			out.Init(s, func(err error) { t.Errorf("sending failed: %v", err) })
			if corked {
				out.Cork()
			}
			if err := out.Write([]byte(text)); err != nil {
				return err
			}
			out.OnMarks(func(bool) { t.Error("told of a mark while the loop is closed") })
			out.Finish(func() {})
			return nil
		})
		close(begin)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if all := <-got; all != text {
			t.Errorf("the peer got %d of %d bytes", len(all), len(text))
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Closing a loop waits 5 seconds for a peer that does not read, and for none to whom nobody has
// said that it is all.
func TestClosedLoopDoesNotWaitForEver(t *testing.T) {
	for _, c := range []struct {
		finish, lent bool
		waits        time.Duration
	}{{true, false, 5 * time.Second}, {false, false, 0}, {true, true, 5 * time.Second}} {
		w := sim.New(1, sim.Buffer(100), sim.Whole())
		l := w.NewLoop()
		a, b := socketPair(t, l)
		var who borrower
		var out corolla.Outbox
		run(t, l, func(task *corolla.Task) error {
			out.Init(a, func(err error) { t.Errorf("sending failed: %v", err) })
			put(t, &out, 1000)
			if c.lent {
				who.borrow(&out)
			}
			if c.finish {
				out.Finish(func() { t.Error("all was sent") })
			}
			return task.Sleep(100 * ms)
		})
		before := w.Now()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if took := w.Now() - before; took != c.waits {
			t.Errorf("%+v: Close took %v", c, took)
		}
		if c.lent && (len(who.back) > 0 || len(who.lost) != 1 || !errors.Is(who.lost[0], corolla.ErrLoopClosed)) {
			t.Errorf("a loan whose turn has not come: %+v", who)
		}
		if !a.Closed() || !b.Closed() || w.Open() > 0 {
			t.Error("a socket is open")
		}
	}
}

// A borrower whose turn would come while the loop is closed is not let in any more.
func TestNothingIsLentWhileTheLoopIsClosed(t *testing.T) {
	l := sim.New(1, sim.Whole()).NewLoop()
	a, b := socketPair(t, l)
	var who borrower
	var out corolla.Outbox
	out.Init(a, func(err error) { t.Errorf("sending failed: %v", err) })
	out.Cork()
	put(t, &out, 10)
	who.borrow(&out)
	out.Finish(func() { t.Error("all was sent") })
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if len(who.back) > 0 || len(who.lost) != 1 || !errors.Is(who.lost[0], corolla.ErrLoopClosed) || !b.Closed() {
		t.Errorf("%+v", who)
	}
}
