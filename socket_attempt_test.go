package corolla_test

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/host"
	"github.com/corolla-go/corolla/internal/host/hosttest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

// scripted is a machine that answers reads and writes as it is told to, once it is told anything.
type scripted struct {
	host.Host
	says  *answer
	calls int
}

// between puts h between a loop and its machine.
func (h *scripted) between() corolla.Option {
	return hosttest.Between(func(on host.Host) host.Host {
		h.Host = on
		return h
	})
}

type answer struct {
	n   int
	err error
}

func (h *scripted) answer() (int, error) {
	h.calls++
	return h.says.n, h.says.err
}

func (h *scripted) TryRead(fd host.FD, b []byte) (int, error) {
	if h.says == nil {
		return h.Host.TryRead(fd, b)
	}
	return h.answer()
}

func (h *scripted) TryWrite(fd host.FD, b []byte) (int, error) {
	if h.says == nil {
		return h.Host.TryWrite(fd, b)
	}
	return h.answer()
}

func (h *scripted) Accept(fd host.FD) (host.Accepted, error) {
	if h.says == nil {
		return h.Host.Accept(fd)
	}
	_, err := h.answer()
	return host.Accepted{}, err
}

func (h *scripted) TryWriteBatch(host.FD, [][]byte) (int, error) { return h.answer() }

func (h *scripted) TrySendFile(host.FD, *os.File, int64, int) (int, error) { return h.answer() }

func (h *scripted) TryReadFiles(host.FD, []byte) (n int, files []*os.File, err error) {
	n, err = h.answer()
	return n, nil, err
}

func (h *scripted) TryReadFrom(host.FD, []byte) (n int, from net.Addr, cut bool, err error) {
	n, err = h.answer()
	return n, nil, false, err
}

func (h *scripted) TryWriteTo(host.FD, []byte, net.Addr) error {
	_, err := h.answer()
	return err
}

// attempts are the Try… methods, as functions that try to move size bytes.
var attempts = []struct {
	name  string
	try   func(s *corolla.Socket, size int) (int, error)
	reads bool
	part  bool // less than it was asked for means that there is no more
	none  bool // it has something to do though size is 0
}{
	{"TryRead", func(s *corolla.Socket, size int) (int, error) { return s.TryRead(make([]byte, size)) }, true, true, false},
	{"TryWrite", func(s *corolla.Socket, size int) (int, error) { return s.TryWrite(make([]byte, size)) }, false, true, false},
	{"TryWriteBatch", func(s *corolla.Socket, size int) (int, error) {
		var bufs [][]byte
		for range size {
			bufs = append(bufs, []byte("x"))
		}
		return s.TryWriteBatch(bufs)
	}, false, true, false},
	{"TrySendFile", func(s *corolla.Socket, size int) (int, error) { return s.TrySendFile(os.Stdin, 0, size) }, false, false, false},
	{"TryReadFiles", func(s *corolla.Socket, size int) (int, error) {
		n, _, err := s.TryReadFiles(make([]byte, size))
		return n, err
	}, true, false, false},
	{"TryReadFrom", func(s *corolla.Socket, size int) (int, error) {
		n, _, _, err := s.TryReadFrom(make([]byte, size))
		return n, err
	}, true, false, true},
	{"TryWriteTo", func(s *corolla.Socket, size int) (int, error) { return size, s.TryWriteTo(make([]byte, size), nil) }, false, false, true},
	{"TryAccept", func(s *corolla.Socket, size int) (int, error) { _, err := s.TryAccept(); return size, err }, true, false, true},
}

// All that is tried keeps one rule. The system is not asked on a socket that was closed, where there is
// nothing to do, or while the socket is known not to be ready; and that is known once the system has
// said that it would wait, or has done a part where that means the same.
func TestAttemptsKeepOneRule(t *testing.T) {
	failure := errors.New("a failure")
	for _, a := range attempts {
		for _, c := range []struct {
			name  string
			says  answer
			ready bool // afterwards
		}{
			{"all", answer{10, nil}, true},
			{"a part", answer{4, nil}, !a.part},
			{"nothing", answer{0, corolla.ErrWouldBlock}, false},
			{"a failure", answer{0, failure}, true},
		} {
			if a.name == "TryAccept" && c.says.err == nil {
				continue // it would want a connection
			}
			t.Run(a.name+"/"+c.name, func(t *testing.T) {
				h := new(scripted)
				l := sim.New(1).NewLoop(h.between())
				s, peer := socketPair(t, l)
				check := func(when string, size, calls int, want answer) {
					t.Helper()
					n, err := a.try(s, size)
					if a.none && want.err == nil {
						n = want.n // which these do not say
					}
					if n != want.n && err == nil || !errors.Is(err, want.err) || h.calls != calls {
						t.Errorf("%s: %d, %v after %d calls; want %d, %v after %d", when, n, err, h.calls, want.n, want.err, calls)
					}
				}
				run(t, l, func(task *corolla.Task) error {
					h.says = &c.says
					if a.reads {
						check("before anything has arrived", 10, 0, answer{0, corolla.ErrWouldBlock})
					}
					if !a.none {
						check("with nothing to do", 0, 0, answer{})
					}
					h.says = nil
					if _, err := peer.TryWrite([]byte("x")); err != nil {
						return err
					}
					if err := errors.Join(s.WaitReadable(task), s.WaitWritable(task)); err != nil {
						return err
					}
					h.says = &c.says
					check("the first time", 10, 1, c.says)
					if a.reads && s.Readable() != c.ready {
						t.Errorf("Readable() = %v afterwards", s.Readable())
					}
					if c.ready {
						check("the second time", 10, 2, c.says)
					} else {
						check("the second time", 10, 1, answer{0, corolla.ErrWouldBlock})
					}
					calls := h.calls
					closeAll(t, s, peer)
					check("on a closed socket", 10, calls, answer{0, net.ErrClosed})
					check("with nothing to do on a closed socket", 0, calls, answer{0, net.ErrClosed})
					return nil
				})
				leaktest.Close(t, l)
			})
		}
	}
}

// Where the system hands over one piece at a time, a piece does not mean that there is no more: each
// datagram that waits is read, though no event tells of the second.
func TestShortDatagramsAreReadOneAfterTheOther(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
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
		for _, text := range []string{"one", "two"} { // on the loopback they have arrived then
			if err := b.TryWriteTo([]byte(text), nil); err != nil {
				return err
			}
		}
		for _, text := range []string{"one", "two"} {
			if err := a.WaitReadable(task); err != nil {
				return err
			}
			buf := make([]byte, 10)
			if n, err := a.TryRead(buf); string(buf[:n]) != text || err != nil {
				t.Fatalf("TryRead = %q, %v, want %q", buf[:n], err, text)
			}
			if !a.Readable() {
				t.Fatalf("not readable any more behind %q", text)
			}
		}
		if _, err := a.TryRead(make([]byte, 10)); err != corolla.ErrWouldBlock {
			t.Errorf("behind the last: %v", err)
		}
		return nil
	})
}

// A terminal takes what it is written in pieces, and tells no more of room when it has taken one.
func TestPartOfAWriteToATerminalDoesNotMeanFull(t *testing.T) {
	h := new(scripted)
	l, err := corolla.New(h.between())
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	s, other, err := l.Terminal()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, s)
	defer other.Close()
	h.says = &answer{4, nil}
	for _, a := range attempts {
		if a.name != "TryWrite" && a.name != "TryWriteBatch" {
			continue
		}
		h.calls = 0
		for range 2 {
			if n, err := a.try(s, 10); n != 4 || err != nil {
				t.Errorf("%s = %d, %v", a.name, n, err)
			}
		}
		if h.calls != 2 {
			t.Errorf("%s asked the system %d times in 2 calls", a.name, h.calls)
		}
	}
}
