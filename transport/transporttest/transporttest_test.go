package transporttest_test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
	"github.com/corolla-go/corolla/transport/transporttest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// shouter answers lines in upper case, and says what it is told.
type shouter struct {
	said []string
	keep bool // open at the end of the stream
}

func (s *shouter) build(*transport.Conn) transport.Protocol {
	return transport.NewReceiver(&framing.Lines{}, s)
}
func (s *shouter) say(what string)               { s.said = append(s.said, what) }
func (s *shouter) String() string                { return strings.Join(s.said, " ") }
func (s *shouter) Opened(*transport.Receiver)    { s.say("opened") }
func (s *shouter) EOF(*transport.Conn) bool      { s.say("eof"); return s.keep }
func (s *shouter) PauseWriting(*transport.Conn)  { s.say("pause") }
func (s *shouter) ResumeWriting(*transport.Conn) { s.say("resume") }

func (s *shouter) Message(r *transport.Receiver, m []byte) {
	s.say(string(m))
	switch string(m) {
	case "quit":
		r.Close()
	case "abort":
		r.Abort()
	case "panic":
		panic("asked to")
	case "much":
		_ = r.Write(make([]byte, 200_000))
	case "idle":
		r.SetIdleTimeout(time.Minute)
	case "task":
		r.Socket().Loop().Go(func(t *corolla.Task) error { s.say("task"); return t.Sleep(time.Second) })
	default:
		_ = r.Write([]byte(strings.ToUpper(string(m)) + "\n"))
	}
}

func (s *shouter) Closed(_ *transport.Receiver, err error) {
	var late *corolla.TimeoutError
	var p *corolla.PanicError
	switch {
	case err == nil:
		s.say("closed")
	case errors.Is(err, transport.ErrAborted):
		s.say("aborted")
	case errors.Is(err, syscall.ECONNRESET):
		s.say("reset")
	case errors.As(err, &late):
		s.say("late")
	case errors.As(err, &p):
		s.say("panicked")
	default:
		s.say(err.Error())
	}
}

func TestPeer(t *testing.T) {
	for name, c := range map[string]struct {
		do         func(p *transporttest.Peer)
		sent, told string
		end        error
	}{
		"lines":      {func(p *transporttest.Peer) { p.Feed("a\nb"); p.Feed("c\n") }, "A\nBC\n", "opened a bc", nil},
		"its end":    {func(p *transporttest.Peer) { p.Feed("a\nquit\nb\n") }, "A\n", "opened a quit closed", io.EOF},
		"an abort":   {func(p *transporttest.Peer) { p.Feed("abort\n") }, "", "opened abort aborted", syscall.ECONNRESET},
		"our end":    {func(p *transporttest.Peer) { p.Feed("a\n"); p.End() }, "A\n", "opened a eof closed", io.EOF},
		"a reset":    {(*transporttest.Peer).Break, "", "opened reset", nil},
		"a timeout":  {func(p *transporttest.Peer) { p.Feed("idle\n"); p.Advance(time.Minute) }, "", "opened idle late", io.EOF},
		"no timeout": {func(p *transporttest.Peer) { p.Feed("idle\n"); p.Advance(59 * time.Second) }, "", "opened idle", nil},
		"a task":     {func(p *transporttest.Peer) { p.Feed("task\n"); p.Advance(time.Second) }, "", "opened task task", nil},
		"a write of the test's own": {
			func(p *transporttest.Peer) { _ = p.Conn().Write([]byte("x")); p.Conn().Close() }, "x", "opened closed", io.EOF,
		},
		"marks": {
			func(p *transporttest.Peer) { p.Hold(); p.Feed("much\n"); p.Release() },
			strings.Repeat("\x00", 200_000), "opened much pause resume", nil,
		},
		"much to take": {
			func(p *transporttest.Peer) { p.Feed(strings.Repeat(strings.Repeat("x", 9999)+"\n", 50)); p.Sent() },
			"", "opened" + strings.Repeat(" "+strings.Repeat("x", 9999), 50), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shouter{}
			p := transporttest.New(t, s.build)
			c.do(p)
			if sent := p.Sent(); sent != c.sent {
				t.Errorf("sent %.100q, want %.100q", sent, c.sent)
			}
			if end := p.Ended(); !errors.Is(end, c.end) || (end == nil) != (c.end == nil) && name != "a reset" {
				t.Errorf("ended with %v, want %v", end, c.end)
			}
			told := s.String()
			if name == "much to take" { // however it comes
				told = strings.NewReplacer(" pause", "", " resume", "").Replace(told)
			}
			if told != c.told {
				t.Errorf("told %.200q, want %.200q", told, c.told)
			}
		})
	}
}

func TestHalfClose(t *testing.T) {
	s := &shouter{keep: true}
	p := transporttest.New(t, s.build)
	p.End()
	_ = p.Conn().Write([]byte("still"))
	if got := p.Sent(); got != "still" || p.Ended() != nil {
		t.Errorf("%q, %v", got, p.Ended())
	}
	p.Conn().Close()
	if p.Ended() != io.EOF || s.String() != "opened eof closed" {
		t.Errorf("%s, %v", s, p.Ended())
	}
}

// TestServerHasSeveralPeers, told apart, and nil refuses one.
func TestServerHasSeveralPeers(t *testing.T) {
	var all []*shouter
	srv := transporttest.NewServer(t, func(c *transport.Conn) transport.Protocol {
		if len(all) == 2 {
			return nil
		}
		all = append(all, &shouter{})
		return all[len(all)-1].build(c)
	})
	a, b, refused := srv.Connect(), srv.Connect(), srv.Connect()
	a.Feed("a\n")
	b.Feed("b\n")
	if x, y := a.Sent(), b.Sent(); x != "A\n" || y != "B\n" || a.Conn() == b.Conn() || refused.Ended() != io.EOF {
		t.Errorf("%q, %q, %v", x, y, refused.Ended())
	}
	if got := all[0].String() + ", " + all[1].String(); got != "opened a, opened b" {
		t.Error(got)
	}
}

func TestSplits(t *testing.T) {
	ways := 0
	for pieces := range transporttest.Splits("ab\ncd\n") {
		ways++
		s := &shouter{}
		p := transporttest.New(t, s.build)
		for _, piece := range pieces {
			p.Feed(piece)
		}
		if got := p.Sent(); got != "AB\nCD\n" || s.String() != "opened ab cd" {
			t.Errorf("in pieces %q: %q; told %s", pieces, got, s)
		}
	}
	if ways != 7 {
		t.Errorf("%d ways", ways)
	}
	for range transporttest.Splits("abc") {
		break
	}
}

// verdict is a testing.TB that takes what would fail a test.
type verdict struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (v *verdict) Helper()                        {}
func (v *verdict) Cleanup(f func())               { v.cleanup = append(v.cleanup, f) }
func (v *verdict) Errorf(format string, a ...any) { v.said = append(v.said, strings.TrimSpace(format)) }

// TestWhatFailsATest: leaks, reports that nobody took, and data that nobody takes.
func TestWhatFailsATest(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(p *transporttest.Peer)
		want string
	}{
		"nothing":          {func(p *transporttest.Peer) { p.Feed("a\n") }, ""},
		"a task":           {func(p *transporttest.Peer) { p.Feed("task\n") }, "left behind"},
		"a timer":          {func(p *transporttest.Peer) { p.Loop().After(time.Hour, func() {}) }, "left behind"},
		"a panic":          {func(p *transporttest.Peer) { p.Feed("panic\n") }, "reported"},
		"a panic, taken":   {func(p *transporttest.Peer) { p.Feed("panic\n"); p.Reported() }, ""},
		"Feed to a closed": {func(p *transporttest.Peer) { p.Feed("abort\n"); p.Feed("b\n") }, "not taken"},
		"Feed to a paused": {func(p *transporttest.Peer) { p.Conn().PauseReading(); p.Feed(strings.Repeat("x", 1<<20)) }, "not taken"},
		"End after Break":  {func(p *transporttest.Peer) { p.Break(); p.End() }, "End"},
		"Break twice":      {func(p *transporttest.Peer) { p.Break(); p.Break() }, "Break"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &verdict{TB: t}
			c.do(transporttest.New(v, (&shouter{}).build))
			for _, f := range v.cleanup {
				f()
			}
			if got := strings.Join(v.said, "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("the test fails with %q, want %q", got, c.want)
			}
		})
	}
}
