package aio_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func TestPacketConn(t *testing.T) {
	for _, network := range []string{"udp", "unixgram"} {
		t.Run(network, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task) {
				l := task.Loop()
				address := func(name string) string {
					if network == "udp" {
						return "127.0.0.1:0"
					}
					return filepath.Join(t.TempDir(), name)
				}
				a, err := aio.ListenPacket(l, network, address("a"))
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				b, err := aio.ListenPacket(l, network, address("b"))
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				buf := make([]byte, 4)
				for _, c := range []struct {
					sent, got string
					err       error
				}{{"four", "four", nil}, {"", "", nil}, {"longer", "long", io.ErrShortBuffer}} {
					if err := b.WriteTo(task, []byte(c.sent), a.LocalAddr()); err != nil {
						t.Errorf("WriteTo(%q) = %v", c.sent, err)
					}
					n, from, err := a.ReadFrom(task, buf)
					if string(buf[:n]) != c.got || err != c.err || from.String() != b.LocalAddr().String() {
						t.Errorf("ReadFrom = %q from %v, %v", buf[:n], from, err)
					}
				}
				_ = a.SetReadDeadline(l.Time().Add(time.Millisecond))
				if _, _, err := a.ReadFrom(task, buf); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("ReadFrom past its deadline: %v", err)
				}
				_ = a.SetReadDeadline(time.Time{})
				reader := l.Go(func(task *corolla.Task) error { _, _, err := a.ReadFrom(task, buf); return err }, corolla.Eager())
				if _, _, err := a.ReadFrom(task, buf); !errors.Is(err, corolla.ErrBusy) {
					t.Errorf("a second reader: %v", err)
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
				if _, err := reader.Await(task); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a reader of a closed one: %v", err)
				}
			})
		})
	}
}

func TestPacketToNobody(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		gone, err := aio.ListenPacket(task.Loop(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := gone.LocalAddr().String()
		if err := gone.Close(); err != nil {
			t.Error(err)
		}
		c, err := aio.DialPacket(task, "udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.WriteTo(task, []byte("x"), nil); err != nil {
			t.Error(err)
		}
		var op *net.OpError
		if _, _, err := c.ReadFrom(task, make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) {
			t.Errorf("ReadFrom = %v", err)
		}
		if err := c.WriteTo(task, []byte("again"), nil); err != nil { // it is as good as before
			t.Error(err)
		}
	})
}

func TestLostPackets(t *testing.T) {
	l := sim.New(1, sim.Loss(0.5)).NewLoop()
	defer l.Close()
	if err := l.Run(func(task *corolla.Task) error {
		a, err := aio.ListenPacket(l, "udp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer a.Close()
		for range 100 {
			if err := a.WriteTo(task, []byte("x"), a.LocalAddr()); err != nil {
				return err
			}
		}
		got := 0
		err = task.Timeout(time.Second, func(*corolla.Scope) error {
			for {
				if _, _, err := a.ReadFrom(task, make([]byte, 1)); err != nil {
					return err
				}
				got++
			}
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || got < 30 || got > 70 {
			return fmt.Errorf("%d of 100 arrived, %w", got, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
