package corolla_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

var fromLoopback = corolla.ProxyProtocol(netip.MustParsePrefix("127.0.0.0/8"))

// proxied runs test with a listener that expects heads. log is what was reported.
func proxied(t *testing.T, test func(t *testing.T, task *corolla.Task, ln *corolla.Socket, log *[]error), opts ...corolla.SocketOption) {
	t.Helper()
	onHosts(t, func(t *testing.T, newLoop func(...corolla.Option) *corolla.Loop) {
		var log []error
		l := newLoop(corolla.ErrorHandler(func(err error) { log = append(log, err) }), corolla.SlowLimit(time.Hour))
		defer l.Close()
		run(t, l, func(task *corolla.Task) error {
			ln, err := l.Listen("tcp", "127.0.0.1:0", append([]corolla.SocketOption{fromLoopback}, opts...)...)
			if err != nil {
				return err
			}
			test(t, task, ln, &log)
			_ = ln.Close() // or the test has
			return nil
		})
		if n := l.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
}

// connect sends text, a piece a turn, and returns the client.
func connect(t *testing.T, task *corolla.Task, ln *corolla.Socket, pieces ...string) *aio.Conn {
	t.Helper()
	c, err := aio.Dial(task, "tcp", ln.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		_, err := c.Write(task, []byte(p))
		if err == nil {
			err = task.Sleep(time.Millisecond)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// accept returns the next connection.
func accept(t *testing.T, task *corolla.Task, ln *corolla.Socket) *corolla.Socket {
	t.Helper()
	for {
		s, err := ln.TryAccept()
		if err == nil {
			return s
		}
		if err != corolla.ErrWouldBlock {
			t.Fatal(err)
		}
		if err := task.Timeout(20*time.Second, func(*corolla.Scope) error { return ln.WaitReadable(task) }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProxyProtocolAnnouncesAddresses(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, log *[]error) {
		for name, c := range goodHeads {
			for _, pieces := range [][]string{{c[0] + "hello"}, {c[0], "hello"}, {c[0][:1], c[0][1:7], c[0][7:] + "hello"}} {
				client := connect(t, task, ln, pieces...)
				s := accept(t, task, ln)
				from, to := c[1], c[2]
				if name != "abstract Unix" && from == "" {
					from, to = client.LocalAddr().String(), ln.LocalAddr().String()
				}
				conn := aio.NewConn(s)
				b := make([]byte, 5)
				if _, err := conn.ReadFull(task, b); string(b) != "hello" || err != nil {
					t.Errorf("%s: behind the head: %q, %v", name, b, err)
				}
				_ = conn.Close()
				if conn.RemoteAddr().String() != from || conn.LocalAddr().String() != to {
					t.Errorf("%s: from %v to %v, want %s and %s", name, conn.RemoteAddr(), conn.LocalAddr(), from, to)
				}
				_ = client.Close()
			}
		}
		if len(*log) > 0 {
			t.Errorf("reported: %v", *log)
		}
	})
}

// TestProxyProtocolRefuses: whoever does not begin with a head is reset and never accepted, and does
// not keep others from being.
func TestProxyProtocolRefuses(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, log *[]error) {
		for name, text := range badHeads {
			bad := connect(t, task, ln, text)
			good := connect(t, task, ln, goodHeads["TCP4"][0])
			s := accept(t, task, ln)
			if s.PeerAddr().String() != goodHeads["TCP4"][1] {
				t.Errorf("%s: accepted one from %v", name, s.PeerAddr())
			}
			if n, err := bad.Read(task, make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("%s: read %d bytes, %v", name, n, err)
			}
			if len(*log) != 1 || !strings.Contains((*log)[0].Error(), "PROXY head from 127.0.0.1:") {
				t.Errorf("%s: reported %v", name, *log)
			}
			*log = nil
			_, _, _ = bad.Close(), good.Close(), s.Close()
		}
	})
}

// TestProxyProtocolWaitsOnlySoLong: for silent ones, those that trickle, and those that are cut off.
func TestProxyProtocolWaitsOnlySoLong(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, log *[]error) {
		ln.OnReadable(func() {
			if s, err := ln.TryAccept(); err != corolla.ErrWouldBlock {
				t.Errorf("accepted %v, %v", s, err)
			}
		})
		silent, slow := connect(t, task, ln), connect(t, task, ln, "PROXY TCP4")
		cut, gone := connect(t, task, ln, "PROXY TCP4 1.1.1.1"), connect(t, task, ln)
		_, _ = cut.CloseWrite(), gone.CloseWrite()
		for _, c := range []*aio.Conn{silent, slow, cut, gone} {
			if n, err := c.Read(task, make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
			_ = c.Close()
		}
		var late *corolla.TimeoutError
		if len(*log) != 2 || !errors.Is((*log)[0], io.ErrUnexpectedEOF) || !errors.As((*log)[1], &late) {
			t.Errorf("reported %v, want one cut off and one late", *log)
		}
		ln.OnReadable(nil)
	}, corolla.HandshakeTimeout(50*time.Millisecond))
}

// TestProxyProtocolBelievesOnlyTheTrusted: others are reset, and that is reported once.
func TestProxyProtocolBelievesOnlyTheTrusted(t *testing.T) {
	other := corolla.ProxyProtocol(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"))
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, log *[]error) {
		ln.OnReadable(func() {
			if s, err := ln.TryAccept(); err != corolla.ErrWouldBlock {
				t.Errorf("accepted %v, %v", s, err)
			}
		})
		for range 3 {
			c, err := aio.Dial(task, "tcp", ln.LocalAddr().String())
			if err == nil {
				_, err = c.Read(task, make([]byte, 1))
				_ = c.Close()
			}
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("one that is not trusted: %v", err)
			}
		}
		if len(*log) != 1 {
			t.Errorf("reported %v", *log)
		}
		ln.OnReadable(nil)
	}, other)
}

func TestProxyProtocolOptions(t *testing.T) {
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			if _, err := l.Listen("tcp", "127.0.0.1:0", corolla.ProxyProtocol()); err == nil {
				t.Error("nobody is trusted, and it listens")
			}
			if _, err := l.Listen("tcp", "127.0.0.1:0", corolla.ProxyProtocol(netip.Prefix{})); err == nil {
				t.Error("a prefix that is none is accepted")
			}
			mapped, err := l.Listen("tcp", "127.0.0.1:0", corolla.ProxyProtocol(netip.MustParsePrefix("::ffff:127.0.0.0/104")))
			if err != nil {
				return err
			}
			c := connect(t, task, mapped, goodHeads["TCP4"][0])
			s := accept(t, task, mapped)
			_, _, _ = c.Close(), s.Close(), mapped.Close()
			ln, err := l.Listen("unix", filepath.Join(t.TempDir(), "s"), corolla.ProxyProtocol())
			if err != nil {
				return err
			}
			c, err = aio.Dial(task, "unix", ln.LocalAddr().String())
			if err == nil {
				_, err = c.Write(task, []byte(goodHeads["TCP4"][0]))
			}
			if err != nil {
				return err
			}
			if s = accept(t, task, ln); s.PeerAddr().String() != goodHeads["TCP4"][1] {
				t.Errorf("by a Unix socket: from %v", s.PeerAddr())
			}
			return errors.Join(c.Close(), s.Close(), ln.Close())
		})
	})
}

// TestProxyProtocolClose: those that wait for their heads, or to be accepted, end with the listener.
func TestProxyProtocolClose(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, _ *[]error) {
		cs := []*aio.Conn{connect(t, task, ln, "PROXY"), connect(t, task, ln, goodHeads["TCP4"][0]), connect(t, task, ln, goodHeads["TCP4"][0])}
		_ = accept(t, task, ln).Close()
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		for _, c := range cs {
			if n, err := c.Read(task, make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
			_ = c.Close()
		}
	})
}

// TestProxyProtocolInServers: both kinds see the announced address, and count by it.
func TestProxyProtocolInServers(t *testing.T) {
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, _ *[]error) {
		var seen []*aio.Conn
		srv := aio.NewAcceptor(aio.NewListener(ln), func(c *aio.Conn) { seen = append(seen, c) }, aio.MaxPerPeer(1))
		serving := task.Loop().Go(srv.Serve)
		one, two := goodHeads["TCP4"][0], goodHeads["TCP6"][0]
		a, b, c := connect(t, task, ln, one), connect(t, task, ln, one), connect(t, task, ln, two)
		if n, err := b.Read(task, make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("the second of one peer read %d bytes, %v", n, err)
		}
		for len(seen) < 2 {
			if err := task.Sleep(time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if srv.Conns() != 2 || seen[0].RemoteAddr().String() != goodHeads["TCP4"][1] {
			t.Errorf("%d connections, of %v", srv.Conns(), seen)
		}
		_, _ = seen[0].Close(), seen[1].Close()
		serving.Cancel(nil)
		_, _ = serving.Await(task)
		_, _, _ = a.Close(), b.Close(), c.Close()
	})
	proxied(t, func(t *testing.T, task *corolla.Task, ln *corolla.Socket, _ *[]error) {
		var seen []net.Addr
		srv := transport.ServeOn(ln, func(c *transport.Conn) transport.Protocol {
			seen = append(seen, c.RemoteAddr())
			return nil
		})
		c := connect(t, task, ln, goodHeads["TCP4"][0])
		if _, err := c.Read(task, make([]byte, 1)); err != io.EOF {
			t.Errorf("read %v", err)
		}
		if len(seen) != 1 || seen[0].String() != goodHeads["TCP4"][1] {
			t.Errorf("build saw %v", seen)
		}
		_, _ = c.Close(), srv.Close()
	})
}
