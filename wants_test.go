package corolla_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/sim"
)

// What cannot be watched, because the system watches enough already, is closed again: a program
// at its limits must not lose what is left to it.
func TestWhatCannotBeWatchedIsClosed(t *testing.T) {
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	for name, open := range map[string]func(l *corolla.Loop) error{
		"pipe":   func(l *corolla.Loop) error { _, _, err := l.Pipe(); return err },
		"listen": func(l *corolla.Loop) error { _, err := l.ListenAddr(local); return err },
		"connect": func(l *corolla.Loop) error {
			_, err := l.Connect(local)
			return err
		},
		"packet": func(l *corolla.Loop) error {
			_, err := l.OpenPacket(&net.UDPAddr{IP: local.IP, Port: 53}, nil)
			return err
		},
	} {
		for at := 1; ; at++ {
			w := sim.New(1)
			h := &watchless{left: at}
			l := w.NewLoop(hosttest.Between(func(on host.Host) host.Host {
				h.Host = on
				return h
			}))
			err := open(l)
			if h.left > 0 { // it takes no more than that
				if err != nil || at == 1 {
					t.Errorf("%s: %v", name, err)
				}
			} else if !errors.Is(err, syscall.ENOSPC) || w.Open() != 0 || l.Stats() != (corolla.LoopStats{}) {
				t.Errorf("%s: watch %d fails: %v, %d descriptors are open, %+v", name, at, err, w.Open(), l.Stats())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if h.left > 0 {
				break
			}
		}
	}
}

// watchless is a machine on which a Watch fails: the one that brings left to 0.
type watchless struct {
	host.Host
	left int
}

func (w *watchless) Watch(fd host.FD, want host.Interest) error {
	if w.left--; w.left == 0 {
		return syscall.ENOSPC
	}
	return w.Host.Watch(fd, want)
}

// Who shares a port shares it with those who agreed to that, and with nobody else.
func TestPortIsSharedByThoseWhoAgree(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		for _, first := range []bool{false, true} {
			for _, second := range []bool{false, true} {
				opts := func(shares bool) []corolla.SocketOption {
					if shares {
						return []corolla.SocketOption{corolla.ReusePort()}
					}
					return nil
				}
				a, err := l.Listen("tcp", "127.0.0.1:0", opts(first)...)
				if err != nil {
					t.Fatal(err)
				}
				b, err := l.Listen("tcp", a.LocalAddr().String(), opts(second)...)
				if agreed := first && second; agreed != (err == nil) || !agreed && !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("first shares %v, second %v: %v", first, second, err)
				}
				closeAll(t, a)
				if err == nil {
					closeAll(t, b)
				}
			}
		}
	})
}

// Whom nobody has accepted must hear that the listener is gone.
func TestConnectionsThatNobodyAccepts(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			var conns []*corolla.Socket
			for range 2 {
				s, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
				if err != nil {
					return err
				}
				conns = append(conns, s)
			}
			closeAll(t, ln)
			for _, s := range conns {
				if b, err := readN(task, s, 1); err == nil {
					t.Errorf("read %q of nobody", b)
				}
			}
			closeAll(t, conns...)
			_, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("dial to a listener that is closed: %v", err)
			}
			return nil
		})
	})
}

// A datagram socket that has a peer hears nobody else.
func TestDatagramsOfOthersThanThePeer(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		open := func(remote net.Addr) *corolla.Socket {
			s, err := l.OpenPacket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, remote)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		peer, other := open(nil), open(nil)
		s := open(peer.LocalAddr())
		run(t, l, func(task *corolla.Task) error {
			for i := range 20 { // on a simulated machine they overtake one another
				for _, from := range []*corolla.Socket{other, peer} {
					if err := from.TryWriteTo(fmt.Append(nil, from == peer, i), s.LocalAddr()); err != nil {
						return err
					}
				}
			}
			for got := 0; got < 20; {
				buf := make([]byte, 20)
				n, from, _, err := s.TryReadFrom(buf)
				if err == corolla.ErrWouldBlock {
					err = s.WaitReadable(task)
				} else if got++; err == nil && from.String() != peer.LocalAddr().String() {
					t.Errorf("heard %q of %v", buf[:n], from)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err := s.TryWriteTo(make([]byte, 65507), nil); err != nil {
			t.Errorf("the longest datagram: %v", err)
		}
		if err := s.TryWriteTo(make([]byte, 65508), nil); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("one byte more: %v", err)
		}
		closeAll(t, s, peer, other)
	})
}

// A socket that is given away has sent all of its own.
func TestDetachWhileThereIsSomethingToSend(t *testing.T) {
	boxed(t, 5, func(l *corolla.Loop, out *corolla.Outbox, a, _ *corolla.Socket) {
		put(t, out, 8)
		if f, err := a.Detach(); f != nil || err == nil || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Detach with bytes to send: %v", err)
		}
		if a.Closed() || out.Len() == 0 {
			t.Error("they are lost")
		}
	})
}
