package corolla_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// A transfer that is refused because there is one already holds nothing, and does not disturb the
// other.
func TestTransferToASocketThatHasOne(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, b := socketPair(t, l)
		c, d := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			first := a.SpliceTo(c)
			before := l.Stats()
			for _, second := range []*corolla.Transfer{b.SpliceTo(c), c.SendFile(os.Stdin, 0, 1)} {
				if _, err := second.Await(task); !errors.Is(err, corolla.ErrBusy) {
					t.Errorf("a second transfer: %v", err)
				}
				second.Cancel(nil) // which is too late
			}
			if after := l.Stats(); after != before {
				t.Errorf("left on the loop: %+v, before %+v", after, before)
			}
			if _, err := b.TryWrite([]byte("goes on")); err != nil {
				return err
			}
			if got, err := readN(task, d, 7); string(got) != "goes on" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			first.Cancel(nil)
			_, err := first.Await(task)
			if !errors.Is(err, corolla.ErrCanceled) || first.Moved() != 7 {
				t.Errorf("canceled: %v after %d bytes", err, first.Moved())
			}
			if after := l.Stats(); after.Waits != 0 || after.Sockets != before.Sockets-2 {
				t.Errorf("left on the loop: %+v, before %+v", after, before)
			}
			return nil
		})
		closeAll(t, a, b, c, d)
	})
}

// A long transfer lets others run, and arrives whole at whatever place of the file it begins.
func TestLongSendFileLetsOthersRun(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		const size, from = 3 << 20, 1000
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		name := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		a, b := socketPair(t, l)
		run(t, l, func(task *corolla.Task) error {
			for _, n := range []int64{-1, size - from - 5} {
				want := int(n)
				if n < 0 {
					want = size - from
				}
				x := a.SendFile(f, from, n)
				got, err := readN(task, b, want)
				if err != nil {
					return err
				}
				if sent, err := x.Await(task); sent != int64(want) || x.Moved() != sent || err != nil {
					t.Errorf("SendFile = %d, %v, moved %d, want %d", sent, err, x.Moved(), want)
				}
				if string(got) != string(data[from:from+want]) {
					t.Error("not what the file has")
				}
			}
			return nil
		})
		closeAll(t, a, b)
	})
}

// noPipes is a machine without descriptors for a pipe.
type noPipes struct{ host.Host }

func (noPipes) OpenPipe() (host.FD, host.FD, error) { return 0, 0, syscall.EMFILE }

// A Splice that cannot begin does not free the socket for others while a transfer to it goes on.
func TestSpliceThatCannotBeginLeavesAnotherAlone(t *testing.T) {
	l := corolla.NewOn(noPipes{sim.New(1, sim.Buffer(1000)).Machine()})
	other := sim.New(2).NewLoop()
	a, b := socketPair(t, l)
	far, near := socketPair(t, other)
	run(t, l, func(task *corolla.Task) error {
		f, err := os.Open("transfer_test.go")
		if err != nil {
			return err
		}
		defer f.Close()
		first := a.SendFile(f, 0, 2000) // for which there is no room yet
		if _, err := b.SpliceTo(a).Await(task); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("a Splice without a pipe: %v", err)
		}
		var begun *corolla.TransferError
		if _, err := a.SendFile(f, 0, 1).Await(task); !errors.Is(err, corolla.ErrBusy) || errors.As(err, &begun) {
			t.Errorf("a second transfer: %v", err)
		}
		if _, err := b.SpliceTo(far).Await(task); err == nil || !strings.Contains(err.Error(), "splice to a socket of another loop") {
			t.Errorf("to another loop: %v", err)
		}
		closeAll(t, a)
		if _, err := first.Await(task); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a transfer to a socket that is closed: %v", err)
		}
		return nil
	})
	closeAll(t, b, far, near)
	leaktest.Close(t, l)
	leaktest.Close(t, other)
}

// A transfer that is canceled between two stretches, while others have their turn, sends no more.
func TestTransferCanceledBetweenItsSteps(t *testing.T) {
	l := corolla.NewOn(sim.New(1, sim.Buffer(4<<20), sim.Whole()).Machine())
	a, b := socketPair(t, l)
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	run(t, l, func(task *corolla.Task) error {
		x := a.SendFile(f, 0, -1)
		moved := x.Moved()
		if moved == 0 || moved == 2<<20 {
			t.Fatalf("the first stretch took %d bytes", moved)
		}
		x.Cancel(nil)
		if err := turns(task, 5); err != nil {
			return err
		}
		var te *corolla.TransferError
		if _, err := x.Await(task); !errors.As(err, &te) || te.Moved != moved || x.Moved() != moved {
			t.Errorf("canceled after %d bytes: %v, moved %d", moved, err, x.Moved())
		}
		if _, err := readN(task, b, int(moved)); err != nil {
			return err
		}
		if err := task.Sleep(100 * ms); err != nil {
			return err
		}
		if _, err := b.TryRead(make([]byte, 1)); err != corolla.ErrWouldBlock {
			t.Errorf("behind what was sent: %v", err)
		}
		return nil
	})
	closeAll(t, a, b)
	leaktest.Close(t, l)
}
