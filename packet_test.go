package corolla_test

import (
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// The error of a datagram that was sent before says nothing of those that have arrived: they can be
// read at once, and no event tells of them again.
func TestDatagramBehindAnError(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		a, err := l.OpenPacket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := a.LocalAddr()
		b, err := l.OpenPacket(nil, at)
		if err != nil {
			t.Fatal(err)
		}
		closeAll(t, a)
		run(t, l, func(task *corolla.Task) error {
			if err := b.TryWriteTo([]byte("anybody?"), nil); err != nil {
				return err
			}
			if err := b.WaitReadable(task); err != nil { // it was refused
				return err
			}
			again, err := l.OpenPacket(at, nil)
			if err != nil {
				return err
			}
			if err := again.TryWriteTo([]byte("now"), b.LocalAddr()); err != nil {
				return err
			}
			if l.Simulated() { // else it has arrived
				if err := task.Sleep(5 * ms); err != nil {
					return err
				}
			}
			buf := make([]byte, 10)
			if _, _, _, err := b.TryReadFrom(buf); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the error of what was sent: %v", err)
			}
			if n, _, _, err := b.TryReadFrom(buf); string(buf[:n]) != "now" || err != nil {
				t.Errorf("behind it: %q, %v", buf[:n], err)
			}
			closeAll(t, again, b)
			return nil
		})
	})
}

// Who sends datagrams faster than they are read is told when there is room, and not before: a loop
// that is told at once would turn and turn.
func TestSenderOfDatagramsWaitsForRoom(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	at := filepath.Join(t.TempDir(), "s")
	a, err := l.ListenPacket("unixgram", at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.OpenPacket(nil, a.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, a, b)
	run(t, l, func(task *corolla.Task) error {
		sent := 0
		for err = nil; err == nil; sent++ {
			err = b.TryWriteTo([]byte("x"), nil)
		}
		if err != corolla.ErrWouldBlock || sent < 2 {
			t.Fatalf("datagram %d: %v", sent, err)
		}
		told := corolla.NewFuture[struct{}](l)
		if err := b.OnceWritable(func() { _ = told.Resolve(struct{}{}) }); err != nil {
			return err
		}
		if err := turns(task, 5); err != nil {
			return err
		}
		if told.Done() {
			t.Error("told of room where there is none")
		}
		if err := a.WaitReadable(task); err != nil {
			return err
		}
		for err = nil; err == nil; {
			_, _, _, err = a.TryReadFrom(make([]byte, 1))
		}
		_, err := told.Await(task)
		return err
	})
}

func TestAddressThatIsANilPointer(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var none *net.UDPAddr
		var wrong *net.AddrError
		if _, err := l.OpenPacket(none, nil); !errors.As(err, &wrong) {
			t.Errorf("OpenPacket: %v", err)
		}
	})
}
