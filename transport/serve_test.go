package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// limited runs test with a server that has limits, the protocols that it has built so far, and a
// way to connect to it.
func limited(t *testing.T, opts []transport.ServeOption,
	test func(t *testing.T, task *corolla.Task, srv *transport.Server, built *[]*recorder, dial func() *aio.Conn),
) {
	t.Helper()
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		var built []*recorder
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			built = append(built, &newLouder().recorder)
			return built[len(built)-1]
		}, opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		var clients []*aio.Conn
		test(t, task, srv, &built, func() *aio.Conn {
			for {
				c, err := aio.Dial(task, "tcp", srv.Addr().String())
				if errors.Is(err, syscall.ECONNRESET) { // refused before it was told that it is connected
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				clients = append(clients, c)
				return c
			}
		})
		for _, c := range clients {
			_ = c.Abort() // or the test has closed it
		}
		until(t, task, func() bool { return srv.Conns() == 0 })
		for _, err := range *log {
			t.Error(err)
		}
	})
}

// talks fails the test unless the server answers c.
func talks(t *testing.T, task *corolla.Task, c *aio.Conn) {
	t.Helper()
	mustWrite(t, task, c, "x")
	b := make([]byte, 1)
	if _, err := c.ReadFull(task, b); string(b) != "X" || err != nil {
		t.Fatalf("the server answers %q, %v", b, err)
	}
}

// silent fails the test if the server answers c within some turns.
func silent(t *testing.T, task *corolla.Task, c *aio.Conn) {
	t.Helper()
	mustWrite(t, task, c, "x")
	err := task.Timeout(20*time.Millisecond, func(*corolla.Scope) error {
		n, err := c.Read(task, make([]byte, 1))
		if err == nil {
			t.Errorf("one too many gets an answer of %d bytes", n)
		}
		return err
	})
	if !errors.Is(err, corolla.ErrCanceled) && !errors.As(err, new(*corolla.TimeoutError)) {
		t.Errorf("one too many, which should wait, reads %v", err)
	}
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	limited(t, []transport.ServeOption{transport.MaxConns(2)}, func(t *testing.T, task *corolla.Task, srv *transport.Server, built *[]*recorder, dial func() *aio.Conn) {
		a, b := dial(), dial()
		talks(t, task, a)
		talks(t, task, b) // exactly the number
		c, d := dial(), dial()
		silent(t, task, c)
		if srv.Conns() != 2 || len(*built) != 2 {
			t.Errorf("%d connections, %d protocols", srv.Conns(), len(*built))
		}
		_ = a.Close()
		if got, err := c.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once there is room: %d, %v", got, err)
		}
		silent(t, task, d)
		_ = srv.Close() // room again is no reason to accept then
		_ = b.Close()
		until(t, task, func() bool { return srv.Conns() == 1 })
	})
}

func TestConnectionsThatLingerCount(t *testing.T) {
	limited(t, []transport.ServeOption{transport.MaxConns(1)}, func(t *testing.T, task *corolla.Task, srv *transport.Server, built *[]*recorder, dial func() *aio.Conn) {
		a := dial()
		talks(t, task, a)
		conn := (*built)[0].conn
		size := clogged(conn)
		conn.Close() // and a does not read
		b := dial()
		silent(t, task, b)
		if srv.Conns() != 1 || (*built)[0].String() != "opened data" {
			t.Errorf("%d connections; the protocol was told %q", srv.Conns(), (*built)[0])
		}
		if got, err := readAll(t, task, a); len(got) != size || err != io.EOF {
			t.Errorf("received %d bytes of %d, %v", len(got), size, err)
		}
		if _, err := b.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("once all was sent: %v", err)
		}
	})
}

func TestConnectionsBeyondTheLimitAreRefused(t *testing.T) {
	var peers []string
	busy := transport.Refuse(func(peer net.Addr) []byte {
		peers = append(peers, peer.String())
		return []byte("421 busy\r\n")
	})
	for name, c := range map[string]struct {
		opts []transport.ServeOption
		word string
		err  error
	}{
		"conns, a word":    {[]transport.ServeOption{transport.MaxConns(2), busy}, "421 busy\r\n", io.EOF},
		"conns, no word":   {[]transport.ServeOption{transport.MaxConns(2), transport.Refuse(nil)}, "", syscall.ECONNRESET},
		"peer, a word":     {[]transport.ServeOption{busy, transport.MaxPerPeer(2)}, "421 busy\r\n", io.EOF},
		"peer, no word":    {[]transport.ServeOption{transport.MaxPerPeer(2)}, "", syscall.ECONNRESET},
		"peer, then conns": {[]transport.ServeOption{transport.MaxConns(3), transport.MaxPerPeer(2)}, "", syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			limited(t, c.opts, func(t *testing.T, task *corolla.Task, srv *transport.Server, built *[]*recorder, dial func() *aio.Conn) {
				peers = nil
				a, b := dial(), dial()
				talks(t, task, a)
				talks(t, task, b)
				for range 3 { // and none leaves a trace
					d, err := aio.Dial(task, "tcp", srv.Addr().String())
					if err != nil {
						if c.word != "" || !errors.Is(err, syscall.ECONNRESET) {
							t.Fatal(err)
						}
						continue
					}
					_, _ = d.Write(task, []byte("hello, is there anybody?")) // which must not cost it the word
					got, err := readAll(t, task, d)
					if got != c.word || !errors.Is(err, c.err) {
						t.Errorf("one that is refused reads %q, %v", got, err)
					}
					if len(peers) > 0 && peers[len(peers)-1] != d.LocalAddr().String() {
						t.Errorf("the word was for %s", peers[len(peers)-1])
					}
					_ = d.Close()
				}
				if srv.Conns() != 2 || len(*built) != 2 {
					t.Errorf("%d connections, %d protocols", srv.Conns(), len(*built))
				}
				_ = a.Close()
				until(t, task, func() bool { return srv.Conns() == 1 })
				talks(t, task, dial())
			})
		})
	}
}

func TestPanicInTheLastWord(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return newLouder() },
			transport.MaxConns(1), transport.Refuse(func(net.Addr) []byte { panic("at a loss") }))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		a, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		talks(t, task, a)
		b, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err == nil {
			if _, err = readAll(t, task, b); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("one that is refused reads %v", err)
			}
			_ = b.Close()
		}
		until(t, task, func() bool { return len(*log) == 1 })
		if !strings.Contains((*log)[0].Error(), "at a loss") {
			t.Error((*log)[0])
		}
		talks(t, task, a)
		_ = a.Close()
		until(t, task, func() bool { return srv.Conns() == 0 })
	})
}

// One that is refused, and neither reads nor closes, is let go after a second; and only so many are
// waited for.
func TestThoseThatAreRefusedHoldNothing(t *testing.T) {
	limited(t, []transport.ServeOption{transport.MaxConns(1), transport.Refuse(func(net.Addr) []byte { return []byte("no") })}, func(t *testing.T, task *corolla.Task, srv *transport.Server, built *[]*recorder, dial func() *aio.Conn) {
		talks(t, task, dial())
		for range 70 { // more than are waited for at a time, but these listen, and close
			c, begin := dial(), task.Loop().Now()
			if got, err := readAll(t, task, c); got != "no" || err != io.EOF {
				t.Fatalf("one that is refused reads %q, %v", got, err)
			}
			if task.Loop().Simulated() && task.Loop().Now()-begin > 500*time.Millisecond {
				t.Fatal("the end of the stream does not come with the last word")
			}
			_ = c.Close()
			pause(t, task, time.Millisecond)
		}
		told, reset := 0, 0
		for range 80 {
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if errors.Is(err, syscall.ECONNRESET) {
				reset++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Abort()
			n, err := c.ReadFull(task, make([]byte, 2))
			if told += n / 2; n == 0 && errors.Is(err, syscall.ECONNRESET) {
				reset++
			}
		}
		if !task.Loop().Simulated() { // where a second may be over meanwhile, for some
			if told < 64 || told+reset != 80 {
				t.Errorf("%d were told, %d reset", told, reset)
			}
			return
		}
		if told != 64 || reset != 16 {
			t.Errorf("%d were told, %d reset", told, reset)
		}
		pause(t, task, 2*time.Second)
		c := dial()
		if n, err := c.ReadFull(task, make([]byte, 2)); n != 2 || err != nil {
			t.Errorf("two seconds later one reads %d bytes, %v", n, err)
		}
	})
}

func TestClientsWithoutANameAreNotOnePeer(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		if runtime.GOOS != "linux" && !task.Loop().Simulated() {
			t.Skip("names of Unix sockets")
		}
		path := filepath.Join(t.TempDir(), "s")
		srv, err := transport.Serve(task.Loop(), "unix", path, func(*transport.Conn) transport.Protocol { return newLouder() }, transport.MaxPerPeer(1))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		for range 3 {
			c, err := aio.Dial(task, "unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			talks(t, task, c)
		}
		if srv.Conns() != 3 {
			t.Errorf("%d connections", srv.Conns())
		}
	})
}

// Options given twice add up: an endpoint sets a backlog, and its caller something else.
func TestServeOptionsAddUp(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		_, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", nil,
			transport.Options(corolla.Backlog(0)), transport.Options(corolla.NoDelay(true)))
		if err == nil || !strings.Contains(err.Error(), "Backlog(0)") {
			t.Errorf("the first options are forgotten: %v", err)
		}
	})
}

func TestServerBuildsAProtocolForEachConnection(t *testing.T) { // twisted rule 28
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var protocols []*recorder
		refuse := false
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			if refuse {
				return nil
			}
			protocols = append(protocols, &recorder{})
			return protocols[len(protocols)-1]
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return len(protocols) == 1 && protocols[0].conn != nil })
		refuse = true
		b, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Read(task, make([]byte, 1)); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("one for which nothing was built reads %v", err)
		}
		if err := srv.Close(); err != nil { // those that were accepted stay
			t.Error(err)
		}
		_ = protocols[0].conn.Write([]byte("x"))
		if _, err := a.ReadFull(task, make([]byte, 1)); err != nil {
			t.Errorf("after the server was closed: %v", err)
		}
		if _, err := aio.Dial(task, "tcp", a.RemoteAddr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial after the server was closed: %v", err)
		}
		_, _ = a.Close(), b.Close()
		_ = protocols[0].wait(t, task)
	})
}

// A server with TLS on a socket that listens already, such as one that was inherited.
func TestServeTLSOn(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		sock, err := task.Loop().Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		build := func(*transport.Conn) transport.Protocol { return newLouder() }
		if _, err := transport.ServeTLSOn(sock, nil, build); err == nil || sock.Closed() {
			t.Errorf("without a configuration: %v, and the socket is closed: %v", err, sock.Closed())
		}
		srv, err := transport.ServeTLSOn(sock, &tls.Config{Certificates: []tls.Certificate{cert}}, build, transport.MaxConns(1))
		if err != nil {
			t.Fatal(err)
		}
		c, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		if err != nil {
			t.Fatal(err)
		}
		talks(t, task, c)
		if n := srv.Conns(); n != 1 {
			t.Errorf("%d connections", n)
		}
		if err := srv.Close(); err != nil || !sock.Closed() {
			t.Errorf("Close: %v; the server owns the socket", err)
		}
		talks(t, task, c) // connections stay
		_ = c.Abort()
		until(t, task, func() bool { return srv.Conns() == 0 })
		for _, err := range *log {
			t.Error(err)
		}
	})
}
