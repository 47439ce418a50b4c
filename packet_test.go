package corolla_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
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
