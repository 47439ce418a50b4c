package corolla_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
)

func TestHappyEyeballs(t *testing.T) { // RFC 8305
	w := sim.New(1, sim.Latency(ms, ms), sim.Silent("10.0.0.1", "10.0.0.2"),
		sim.Name("slow.test", "10.0.0.1", "10.0.0.2", "::2", "10.0.0.3"),
		sim.Name("dead.test", "10.0.0.1", "10.0.0.9"),
		sim.Name("refused.test", "10.0.0.8", "::9"))
	l := w.NewLoop()
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		three, err := l.Listen("tcp", "10.0.0.3:80")
		if err != nil {
			return err
		}
		defer closeAll(t, three)
		begin := l.Now()
		s, err := l.Dial("tcp", "slow.test:80").Await(task)
		if err != nil {
			return err
		}
		// 10.0.0.1 is silent; ::2, whose turn is after it, refuses; 10.0.0.2 is silent.
		if took := l.Now() - begin; s.PeerAddr().String() != "10.0.0.3:80" || took < 500*ms || took > 600*ms {
			t.Errorf("connected to %v after %v", s.PeerAddr(), took)
		}
		if n := w.Open(); n != 3 { // the listener, the socket, and its other end
			if n != 2 {
				t.Errorf("%d descriptors are open: are the losers closed?", n)
			}
		}
		closeAll(t, s)
		_, err = l.Dial("tcp", "refused.test:80").Await(task)
		if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "10.0.0.8:80") || !strings.Contains(err.Error(), "[::9]:80") {
			t.Errorf("refused everywhere: %v", err)
		}
		_, err = l.Dial("tcp", "dead.test:80").AwaitTimeout(task, time.Minute)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an address that never answers: %v", err)
		}
		begin = l.Now()
		_, err = l.Dial("tcp", "dead.test:80").Await(task)
		if took := l.Now() - begin; !errors.Is(err, os.ErrDeadlineExceeded) || took != 30*time.Second || !strings.HasPrefix(err.Error(), "dial 10.0.0.9:80: connection refused\ndial dead.test:80: ") {
			t.Errorf("the same without a time of its own: %v after %v", err, took)
		}
		_, err = l.Dial("tcp", "dead.test:80", corolla.DialTimeout(time.Second)).Await(task)
		if took := l.Now() - begin; !errors.Is(err, os.ErrDeadlineExceeded) || took != 31*time.Second {
			t.Errorf("with DialTimeout: %v after %v", err, took)
		}
		if n := w.Open(); n > 2 {
			t.Errorf("%d descriptors are open after a dial that timed out", n)
		}
		return nil
	})
}
