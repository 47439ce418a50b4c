package aio_test

import (
	"context"
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
	"github.com/corolla-go/corolla/internal/leaktest"
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
	defer leaktest.Close(t, l)
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

// Code that wants a net.PacketConn or a net.Conn, in a task.
func TestPacketConnBound(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task) {
		a, err := aio.ListenPacket(task.Loop(), "udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b, err := aio.DialPacket(task, "udp", a.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		exchangePackets(t, a.Bind(task), b.Bind(task))
		if err := b.Bind(task).SetDeadline(task.Loop().Time()); err != nil {
			t.Error(err)
		}
		if _, err := b.Bind(task).Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read past its deadline: %v", err)
		}
		if err := errors.Join(a.Bind(task).Close(), b.Bind(task).Close()); err != nil {
			t.Error(err)
		}
	})
}

// exchangePackets sends from b, which is connected to a, and back.
func exchangePackets(t *testing.T, a net.PacketConn, b net.Conn) {
	t.Helper()
	buf := make([]byte, 100)
	for _, text := range []string{"ping", ""} {
		if n, err := b.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
		n, from, err := a.ReadFrom(buf)
		if string(buf[:n]) != text || err != nil || from.String() != b.LocalAddr().String() {
			t.Errorf("ReadFrom = %q from %v, %v", buf[:n], from, err)
		}
		if n, err := a.WriteTo([]byte("pong"), from); n != 4 || err != nil {
			t.Errorf("WriteTo = %d, %v", n, err)
		}
		if n, err := b.Read(buf); string(buf[:n]) != "pong" || err != nil {
			t.Errorf("Read = %q, %v", buf[:n], err)
		}
	}
	if b.RemoteAddr().String() != a.LocalAddr().String() {
		t.Errorf("%v is connected to %v, not to %v", b.LocalAddr(), b.RemoteAddr(), a.LocalAddr())
	}
	if n, err := b.Write(make([]byte, 70_000)); n != 0 || !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("an oversize datagram: %d, %v", n, err)
	}
}

// The same on goroutines.
func TestNetPacketConn(t *testing.T) {
	for _, on := range []string{"real", "sim"} {
		t.Run(on, func(t *testing.T) {
			var w *sim.World
			l, err := corolla.New(corolla.SlowLimit(0))
			if on == "sim" {
				if err == nil {
					err = l.Close()
				}
				w = sim.New(1)
				l = w.NewLoop(corolla.SlowLimit(0))
			}
			leaktest.NeedLoop(t, err)
			a, err := aio.ListenPacket(l, "udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			pa := a.NetPacketConn()
			stop := background(t, l, w)
			pb, err := corolla.Call(context.Background(), l, func(task *corolla.Task) (net.PacketConn, error) {
				b, err := aio.DialPacket(task, "udp", pa.LocalAddr().String())
				if err != nil {
					return nil, err
				}
				return b.NetPacketConn(), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			exchangePackets(t, pa, pb.(net.Conn))
			if err := pb.SetDeadline(time.Unix(1, 0)); err != nil { // long past
				t.Error(err)
			}
			if _, _, err := pb.ReadFrom(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ReadFrom past its deadline: %v", err)
			}
			if err := errors.Join(pa.Close(), pb.Close()); err != nil {
				t.Error(err)
			}
			if _, _, err := pa.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("ReadFrom of a closed one: %v", err)
			}
			stop()
			var op *net.OpError
			if _, _, err := pa.ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) || op.Net != "udp" {
				t.Errorf("ReadFrom when the loop is gone: %v", err)
			}
		})
	}
}
