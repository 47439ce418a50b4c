package corolla_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
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

// On the real host only: a simulated job takes no time of its own.
func TestLiteralAddressesNeedNoPlace(t *testing.T) {
	l, err := corolla.New(corolla.MaxJobs(2))
	leaktest.NeedLoop(t, err)
	defer l.Close()
	run(t, l, func(task *corolla.Task) error {
		for _, name := range []string{"", "lookup"} {
			defer busyWorkers(l.Workers(name))()
		}
		ln, err := l.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer closeAll(t, ln)
		s, err := l.Dial("tcp", ln.LocalAddr().String()).Await(task)
		if err != nil {
			return err
		}
		closeAll(t, s)
		for _, c := range [][2]string{{"tcp", ":80"}, {"udp", "[::1]:5"}, {"unix", "/a/path"}, {"tcp4", "1.2.3.4:"}} {
			if f := l.Resolve(c[0], c[1]); !f.Done() {
				t.Errorf("%v is looked up", c)
			}
		}
		if f := l.Resolve("tcp", "no port"); !f.Done() {
			t.Error("a mistake is looked up")
		} else if _, err := f.Result(); err == nil {
			t.Error("no error for what has no port")
		}
		if f := l.Resolve("tcp", "localhost:80"); f.Done() || !f.Cancel(nil) {
			t.Error("a name is not looked up")
		}
		return nil
	})
}

func TestResolvedLiteralIsToldInTheNextTurn(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		var tr trace
		run(t, l, func(task *corolla.Task) error {
			l.Resolve("tcp", "127.0.0.1:1").OnDone(func(*corolla.Future[[]net.Addr]) { tr.add("told") })
			tr.add("asked")
			return turns(task, 2)
		})
		tr.want(t, "asked told")
	})
}

func TestResolveKeepsZones(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			for _, network := range []string{"tcp", "tcp6", "udp"} {
				addrs, err := l.Resolve(network, "[fe80::1%lo]:80").Await(task)
				if err != nil || len(addrs) != 1 || addrs[0].String() != "[fe80::1%lo]:80" || addrs[0].Network() != network[:3] {
					t.Errorf("%s: %v, %v", network, addrs, err)
				}
			}
			if addrs, err := l.Resolve("tcp4", "[fe80::1%lo]:80").Await(task); err == nil || !strings.Contains(err.Error(), "fe80::1%lo") {
				t.Errorf("tcp4: %v, %v", addrs, err)
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

// A datagram of no bytes is one, and not the end of anything.
func TestEmptyDatagramIsNotTheEnd(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer l.Close()
	a, err := l.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.OpenPacket(nil, a.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, a, b)
	run(t, l, func(task *corolla.Task) error {
		for _, text := range []string{"", "text"} {
			if err := b.TryWriteTo([]byte(text), nil); err != nil {
				return err
			}
			if err := a.WaitReadable(task); err != nil {
				return err
			}
			buf := make([]byte, 10)
			if n, err := a.TryRead(buf); string(buf[:n]) != text || err != nil {
				t.Errorf("TryRead = %q, %v, want %q", buf[:n], err, text)
			}
		}
		if _, _, _, err := a.TryReadFrom(nil); err != corolla.ErrWouldBlock {
			t.Errorf("TryReadFrom of nothing: %v", err)
		}
		told := false
		if err := a.OnceReadable(func() { told = true }); err != nil {
			return err
		}
		if err := turns(task, 3); err != nil || told {
			t.Errorf("a socket with nothing to read is ready: %v", err)
		}
		return a.OnceReadable(nil)
	})
}

// loopback returns the interface of this machine alone, whatever it is called.
func loopback(t *testing.T) *net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return &i
		}
	}
	t.Fatal("no loopback interface")
	return nil
}

func TestMulticast(t *testing.T) {
	group := net.IPv4(239, 255, 77, 77)
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		loopback := loopback(t)
		open := func() *corolla.Socket {
			s, err := l.OpenPacket(&net.UDPAddr{IP: group, Port: 20777}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.JoinGroup(group, loopback); err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := open(), open()
		from, err := l.OpenPacket(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		run(t, l, func(task *corolla.Task) error {
			if err := from.TryWriteTo([]byte("all"), a.LocalAddr()); err != nil {
				return err
			}
			for _, s := range []*corolla.Socket{a, b} {
				if err := s.WaitReadable(task); err != nil {
					return err
				}
				buf := make([]byte, 10)
				if n, _, _, err := s.TryReadFrom(buf); string(buf[:n]) != "all" || err != nil {
					t.Errorf("a member got %q, %v", buf[:n], err)
				}
			}
			if err := a.LeaveGroup(group, loopback); err != nil {
				t.Error(err)
			}
			if err := a.LeaveGroup(group, loopback); err == nil {
				t.Error("left twice")
			}
			if err := a.JoinGroup(net.IPv4(10, 0, 0, 1), nil); err == nil || !strings.Contains(err.Error(), "10.0.0.1") {
				t.Errorf("joined what is no group: %v", err)
			}
			closeAll(t, a, b, from)
			return nil
		})
	})
}
