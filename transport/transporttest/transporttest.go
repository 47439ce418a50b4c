// Package transporttest is for unit tests of protocols: a connection whose other end is in the test's hands.
//
//	p := transporttest.New(t, newGreeter) // what is given to transport.Serve
//	p.Feed("hello\r\n")
//	if got := p.Sent(); got != "hello to you\r\n" { … }
//	p.End()
//
// The connection is a real transport.Conn, on a simulated machine of its own. Nothing happens there but in the
// methods of this package, each of which runs the loop until nothing more can happen without time going by; Advance
// lets it go by. So a test is plain code without waits, and runs the same way every time. (Twisted's StringTransport
// and iosim.) How a protocol stands a network that is slow and breaks is for whole programs on package sim.
//
// At the end of the test the connections are aborted. The test fails if tasks, timers or sockets are then left
// behind on the loop, or if an error has reached its handler that Reported has not taken.
package transporttest

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// Server is a server whose clients are Peers. It belongs to the goroutine of its test.
type Server struct {
	t        testing.TB // nil in examples
	loop     *corolla.Loop
	srv      *transport.Server
	conns    map[string]*transport.Conn // by their peers' addresses
	peers    []*Peer
	reported []error
}

// NewServer returns a server as transport.Serve makes it. t may be nil, in examples: Close then ends what otherwise
// ends with the test, and what would fail it panics.
func NewServer(t testing.TB, build func(c *transport.Conn) transport.Protocol, opts ...transport.ServeOption) *Server {
	if t != nil {
		t.Helper()
	}
	s := &Server{t: t, conns: map[string]*transport.Conn{}}
	s.loop = sim.New(1, sim.Whole(), sim.Latency(0, 0)).NewLoop(
		corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { s.reported = append(s.reported, err) }))
	srv, err := transport.Serve(s.loop, "tcp", "127.0.0.1:0", func(c *transport.Conn) transport.Protocol {
		s.conns[c.RemoteAddr().String()] = c
		return build(c)
	}, opts...)
	s.must(err)
	s.srv = srv
	if t != nil {
		t.Cleanup(s.Close)
	}
	return s
}

// Loop returns the loop that the server is on.
func (s *Server) Loop() *corolla.Loop { return s.loop }

// Pump runs the loop until nothing more can happen without time going by: Opened, Data and Closed are called, and what
// was written arrives. The other methods do so themselves; it is for what the test did without them, such as a Write.
// It takes a nanosecond of the loop's time.
func (s *Server) Pump() { s.run(1) }

// Advance lets time go by, so that what is due by then happens, and then is Pump.
func (s *Server) Advance(d time.Duration) {
	s.run(d)
	s.Pump()
}

func (s *Server) run(d time.Duration) {
	if s.t != nil {
		s.t.Helper()
	}
	s.loop.After(d, s.loop.Stop)
	s.must(s.loop.RunForever())
}

// Reported returns the errors that have reached the loop's error handler, such as panics of protocols, and forgets
// them.
func (s *Server) Reported() []error {
	errs := s.reported
	s.reported = nil
	return errs
}

// Close aborts the connections, and ends the server and its loop. It is called at the end of the test. A second Close
// does nothing.
func (s *Server) Close() {
	if s.t != nil {
		s.t.Helper()
	}
	if s.loop.Stats().Closed {
		return
	}
	for _, p := range s.peers {
		p.conn.Abort()
		_ = p.sock.Close() // or it is closed already
	}
	_ = s.srv.Close() // or the test did
	s.Pump()
	if left := s.loop.Stats(); left != (corolla.LoopStats{}) {
		s.fail("left behind on the loop: %+v", left)
	}
	if err := s.loop.Close(); err != nil {
		s.fail("closing the loop: %v", err)
	}
	for _, err := range s.Reported() {
		s.fail("reported: %v", err)
	}
}

// fail fails the test, and lets it go on.
func (s *Server) fail(format string, args ...any) {
	if s.t == nil {
		panic("transporttest: " + fmt.Sprintf(format, args...))
	}
	s.t.Helper()
	s.t.Errorf("transporttest: "+format, args...)
}

func (s *Server) must(err error) {
	switch {
	case err == nil:
	case s.t == nil:
		panic(err)
	default:
		s.t.Helper()
		s.t.Fatal(err)
	}
}

// Peer is the other end of a connection. It belongs to the goroutine of its test.
type Peer struct {
	*Server
	sock *corolla.Socket
	conn *transport.Conn
	got  strings.Builder
	end  error // of what the Conn sends
}

// New returns the Peer of a connection, open, to a server with no other.
func New(t testing.TB, build func(c *transport.Conn) transport.Protocol, opts ...transport.ServeOption) *Peer {
	if t != nil {
		t.Helper()
	}
	return NewServer(t, build, opts...).Connect()
}

// Connect connects another Peer, and returns when Opened was called, or the connection refused.
func (s *Server) Connect() *Peer {
	if s.t != nil {
		s.t.Helper()
	}
	f := s.loop.Dial("tcp", s.srv.Addr().String())
	s.Pump()
	sock, err := f.Result()
	s.must(err)
	p := &Peer{Server: s, sock: sock}
	if p.conn = s.conns[sock.LocalAddr().String()]; p.conn == nil {
		s.must(errors.New("transporttest: the server has not accepted: give it no MaxConns"))
	}
	s.peers = append(s.peers, p)
	sock.OnReadable(p.read)
	s.Pump()
	return p
}

// read takes what has arrived.
func (p *Peer) read() {
	b := p.loop.Scratch()
	for {
		n, err := p.sock.TryRead(b)
		p.got.Write(b[:n])
		if err != nil {
			if err != corolla.ErrWouldBlock {
				p.end = err
				p.sock.OnReadable(nil)
			}
			return
		}
	}
}

// Conn returns the connection.
func (p *Peer) Conn() *transport.Conn { return p.conn }

// Feed sends data, which the protocol gets at once: up to 64 KiB of it in one call of Data. What the connection does
// not take, because it is closed or its reading is paused with much behind it, is an error of the test.
func (p *Peer) Feed(data string) {
	if p.t != nil {
		p.t.Helper()
	}
	for rest := []byte(data); len(rest) > 0; {
		n, err := p.sock.TryWrite(rest)
		if err != nil && (err != corolla.ErrWouldBlock || !p.room()) {
			p.fail("Feed: %d bytes were not taken: %v", len(rest), err)
			return
		}
		rest = rest[n:]
		p.Pump()
	}
}

// room reports whether the connection takes more by now.
func (p *Peer) room() bool {
	room := false
	if p.sock.OnceWritable(func() { room = true }) == nil {
		p.Pump()
		_ = p.sock.OnceWritable(nil) // taking back cannot fail
	}
	return room
}

// Sent returns what the connection has sent, and forgets it.
func (p *Peer) Sent() string {
	if p.t != nil {
		p.t.Helper()
	}
	p.Pump()
	text := p.got.String()
	p.got.Reset()
	return text
}

// Hold has the Peer take nothing of what the connection sends until Release, so that it is buffered: 64 KiB by the
// simulated system, and the rest by the Conn.
func (p *Peer) Hold() { p.sock.OnReadable(nil) }

// Release ends Hold.
func (p *Peer) Release() {
	if p.t != nil {
		p.t.Helper()
	}
	if p.end == nil {
		p.sock.OnReadable(p.read)
	}
	p.Pump()
}

// End ends the Peer's stream: EOF is called, or the connection closes and Closed gets nil. The Peer still takes what
// is sent.
func (p *Peer) End() {
	if p.t != nil {
		p.t.Helper()
	}
	if err := p.sock.CloseWrite(); err != nil {
		p.fail("End: %v", err)
	}
	p.Pump()
}

// Break resets the connection: Closed gets an error that wraps syscall.ECONNRESET.
func (p *Peer) Break() {
	if p.t != nil {
		p.t.Helper()
	}
	if err := p.sock.Reset(); err != nil {
		p.fail("Break: %v", err)
	}
	p.Pump()
}

// Ended returns io.EOF if the connection has ended what it sends, the system's error, which wraps syscall.ECONNRESET, if
// it has aborted it, and nil while it is open. With Hold it knows of no end.
func (p *Peer) Ended() error {
	if p.t != nil {
		p.t.Helper()
	}
	p.Pump()
	return p.end
}

// Splits returns ways to cut a text into pieces, for a protocol that must not care: whole, in two at every byte, and
// byte by byte.
//
//	for pieces := range transporttest.Splits("a\r\nb\r\n") {
//		p := transporttest.New(t, build)
//		for _, piece := range pieces { p.Feed(piece) }
//		…
//	}
func Splits(text string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		if !yield([]string{text}) {
			return
		}
		for i := 1; i < len(text); i++ {
			if !yield([]string{text[:i], text[i:]}) {
				return
			}
		}
		if len(text) > 2 {
			bytes := make([]string, len(text))
			for i := range bytes {
				bytes[i] = text[i : i+1]
			}
			yield(bytes)
		}
	}
}
