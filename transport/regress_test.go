package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// Bugs that were found, each as a test of what it did.

// Connections with smallBuffers make a writer wait who has stuffing to send to a peer that does not
// read.
const stuffing = 1 << 20

var smallBuffers = []corolla.SocketOption{corolla.ReadBuffer(64 << 10), corolla.WriteBuffer(64 << 10)}

// keepers returns the server's sides of connections, which stay open at the end of the stream,
// and the clients'.
func keepers(t *testing.T, task *corolla.Task, n int) (sides []*keeper, clients []*aio.Conn) {
	t.Helper()
	srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol {
		sides = append(sides, &keeper{})
		return sides[len(sides)-1]
	}, transport.Options(smallBuffers...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c, err := aio.Dial(task, "tcp", srv.Addr().String(), smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
		until(t, task, func() bool { return len(sides) == i+1 && sides[i].conn != nil })
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	return sides, clients
}

// endAll ends what keepers has made.
func endAll(t *testing.T, task *corolla.Task, sides []*keeper, clients []*aio.Conn) {
	t.Helper()
	for i, k := range sides {
		k.conn.Abort()
		_ = clients[i].Close() // or the test did
		if err := k.wait(t, task); err == errNotRecorded {
			t.Error(err)
		}
	}
}

// tlsPair returns a server's protocol's connection with TLS, and the client's.
func tlsPair(t *testing.T, task *corolla.Task, p transport.Protocol) *aio.Conn {
	t.Helper()
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{cert}}, func() transport.Protocol { return p }, transport.Options(smallBuffers...))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	a, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, smallBuffers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// settled waits for a result, and fails if it does not come.
func settled(t *testing.T, task *corolla.Task, f *corolla.Future[int64]) (n int64, err error) {
	t.Helper()
	until(t, task, f.Done)
	return f.Result()
}

func pause(t *testing.T, task *corolla.Task, d time.Duration) {
	t.Helper()
	if err := task.Sleep(d); err != nil {
		t.Fatal(err)
	}
}

func TestSpliceGoesOnWhenReadingIsPausedAndResumed(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 2)
		f := sides[0].conn.SpliceTo(sides[1].conn)
		pause(t, task, time.Millisecond)
		sides[0].conn.PauseReading()
		sides[0].conn.ResumeReading()
		if err := sides[0].conn.ClientTLS(nil, nil); !errors.Is(err, corolla.ErrBusy) {
			t.Errorf("TLS on a connection that is spliced: %v", err)
		}
		mustWrite(t, task, clients[0], "hello")
		b := make([]byte, 5)
		if _, err := clients[1].ReadFull(task, b); string(b) != "hello" || err != nil {
			t.Errorf("through the proxy came %q, %v", b, err)
		}
		sides[0].conn.Close()
		if _, err := settled(t, task, f); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its source was closed: %v", err)
		}
		_ = sides[1].conn.Write([]byte("bye"))
		sides[1].conn.Close()
		if rest, err := readAll(t, task, clients[1]); rest != "bye" || err != io.EOF {
			t.Errorf("then came %q, %v", rest, err)
		}
		endAll(t, task, sides, clients)
	})
}

func TestSpliceEndsWithItsDestination(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 2)
		got := ""
		sides[0].onData = func(_ *transport.Conn, b []byte) { got += string(b) }
		f := sides[0].conn.SpliceTo(sides[1].conn)
		pause(t, task, time.Millisecond)
		_ = clients[1].Abort()
		_ = sides[1].wait(t, task)
		if _, err := settled(t, task, f); !errors.Is(err, net.ErrClosed) {
			t.Errorf("its destination is lost: %v", err)
		}
		mustWrite(t, task, clients[0], "for the protocol again")
		until(t, task, func() bool { return got == "for the protocol again" })
		endAll(t, task, sides, clients)
	})
}

func TestSecondSpliceIsNotUndoneByTheFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 3)
		_ = sides[1].conn.Write(make([]byte, stuffing)) // so that the first must wait
		first := sides[0].conn.SpliceTo(sides[1].conn)
		first.Cancel(nil)
		if _, err := first.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		second := sides[0].conn.SpliceTo(sides[2].conn)
		pause(t, task, time.Millisecond)
		sides[1].conn.Abort()
		pause(t, task, time.Millisecond)
		mustWrite(t, task, clients[0], "hello")
		b := make([]byte, 5)
		if _, err := clients[2].ReadFull(task, b); string(b) != "hello" || err != nil {
			t.Errorf("through the second came %q, %v", b, err)
		}
		second.Cancel(nil)
		if _, err := settled(t, task, second); !errors.Is(err, corolla.ErrCanceled) {
			t.Error(err)
		}
		endAll(t, task, sides, clients)
	})
}

func TestIdleTimeoutKnowsOfBothWaysOfAProxy(t *testing.T) {
	l := sim.New(1).NewLoop() // whose time is exact
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		sides, clients := keepers(t, task, 2)
		for i, k := range sides {
			k.conn.SpliceTo(sides[1-i].conn).OnDone(func(f *corolla.Future[int64]) { _, _ = f.Result() })
			k.conn.SetIdleTimeout(50 * time.Millisecond)
		}
		b := make([]byte, 1)
		for range 40 { // one way alone
			mustWrite(t, task, clients[0], "x")
			if _, err := clients[1].ReadFull(task, b); err != nil {
				t.Fatal(err)
			}
			pause(t, task, 5*time.Millisecond)
		}
		pause(t, task, time.Second)
		for _, k := range sides {
			if !errors.Is(k.err, os.ErrDeadlineExceeded) {
				t.Errorf("idle at last: %v", k.err)
			}
		}
		endAll(t, task, sides, clients)
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// What the protocol does when it is told to pause must not meet the lock that TLS holds.
func TestWhatIsDoneInPauseWritingUnderTLS(t *testing.T) {
	for name, act := range map[string]func(c *transport.Conn){
		"close":       func(c *transport.Conn) { c.Close() },
		"write":       func(c *transport.Conn) { _ = c.Write([]byte("more")) },
		"abort":       func(c *transport.Conn) { c.Abort() },
		"close write": func(c *transport.Conn) { c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				p := &actor{act: act}
				a := tlsPair(t, task, p)
				until(t, task, func() bool { return p.conn != nil })
				_ = p.conn.Write(make([]byte, stuffing))
				if !strings.HasPrefix(p.String(), "opened pause") {
					t.Errorf("the protocol was told %q", p)
				}
				p.conn.Abort()
				if err := p.wait(t, task); err == errNotRecorded {
					t.Error(err)
				}
				_ = a.Close()
			})
		})
	}
}

// actor does something when it is told to pause.
type actor struct {
	recorder
	act func(c *transport.Conn)
}

func (p *actor) PauseWriting(c *transport.Conn)  { p.say("pause"); p.act(c) }
func (p *actor) ResumeWriting(c *transport.Conn) { p.say("resume") }

func TestSendFileThroughTLSOfAConnectionThatEnds(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	for name, c := range map[string]struct {
		end func(c *transport.Conn, peer *aio.Conn)
		is  error // for Closed
	}{
		"by time":           {func(c *transport.Conn, _ *aio.Conn) { c.SetTimeout(time.Millisecond) }, os.ErrDeadlineExceeded},
		"aborted":           {func(c *transport.Conn, _ *aio.Conn) { c.Abort() }, transport.ErrAborted},
		"closed, aborted":   {func(c *transport.Conn, _ *aio.Conn) { c.Close(); c.Abort() }, transport.ErrAborted},
		"closed, then lost": {func(c *transport.Conn, peer *aio.Conn) { c.Close(); _ = peer.Abort() }, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				p := &keeper{}
				a := tlsPair(t, task, p)
				until(t, task, func() bool { return p.conn != nil })
				first, second := p.conn.SendFile(f, 0, -1), p.conn.SendFile(f, 0, -1)
				pause(t, task, 20*time.Millisecond)
				c.end(p.conn, a)
				for _, f := range []*corolla.Future[int64]{first, second} {
					if _, err := settled(t, task, f); err == nil {
						t.Error("a file was sent")
					}
				}
				if err := p.wait(t, task); !errors.Is(err, c.is) && !(c.is != nil && errors.Is(err, syscall.EPIPE)) {
					t.Errorf("Closed got %v, want %v", err, c.is)
				}
				_ = a.Close()
			})
		})
	}
	t.Run("the loop closed", func(t *testing.T) {
		onLoops(t, func(t *testing.T, l *corolla.Loop, _ *[]error) {
			if err := l.Run(func(task *corolla.Task) error {
				p := &keeper{}
				tlsPair(t, task, p)
				until(t, task, func() bool { return p.conn != nil })
				p.conn.SendFile(f, 0, -1)
				pause(t, task, 20*time.Millisecond)
				p.conn.Close()
				return nil
			}); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("the handshake failed", func(t *testing.T) {
		onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
			sides, clients := keepers(t, task, 1)
			k := sides[0]
			if err := k.conn.ClientTLS(&tls.Config{ServerName: "x"}, func(err error) { k.say("done %v", err != nil) }); err != nil {
				t.Fatal(err)
			}
			sent := k.conn.SendFile(f, 0, -1)
			_ = clients[0].Close()
			if err := k.wait(t, task); err == nil || k.String() != "opened done true closed" {
				t.Errorf("%q, closed with %v", k, err)
			}
			if _, err := settled(t, task, sent); err == nil {
				t.Error("the file was sent")
			}
		})
	})
}

func TestResetDuringTransferIsToldToClosed(t *testing.T) {
	f := plainFile(t, strings.Repeat("x", stuffing))
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 1)
		sent := sides[0].conn.SendFile(f, 0, -1)
		sides[0].conn.Close()
		pause(t, task, 10*time.Millisecond)
		_ = clients[0].Abort()
		if _, err := settled(t, task, sent); err == nil {
			t.Error("the file was sent")
		}
		if err := sides[0].wait(t, task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Closed got %v", err)
		}
	})
}

func TestStartTLSAndCloseAtOnce(t *testing.T) {
	cert := certtest.New(t).Issue(time.Time{}, "server.test")
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		p := &recorder{}
		p.onData = func(c *transport.Conn, b []byte) {
			_ = c.Write([]byte("go ahead"))
			if err := c.ServerTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, func(err error) { p.say("done %v", err != nil) }); err != nil {
				t.Error(err)
			}
			c.Close()
		}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { return p })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		a, err := aio.Dial(task, "tcp", srv.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, a, "starttls")
		if got, err := readAll(t, task, a); got != "go ahead" || err != io.EOF {
			t.Errorf("the peer got %q, %v", got, err)
		}
		if err := p.wait(t, task); err != nil || p.String() != "opened data done true closed" {
			t.Errorf("%q, closed with %v", p, err)
		}
		_ = a.Close()
	})
}

// asked is a pull producer that counts.
type asked struct {
	conn  *transport.Conn
	times int
}

func (p *asked) Resume() { p.times++; _ = p.conn.Write([]byte("0123456789")) }
func (p *asked) Stop()   {}

func TestPullProducerWaitsForTheHandshake(t *testing.T) {
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		sides, clients := keepers(t, task, 1)
		k := sides[0]
		if err := k.conn.ClientTLS(&tls.Config{ServerName: "x"}, func(error) {}); err != nil {
			t.Fatal(err)
		}
		p := &asked{conn: k.conn}
		if err := k.conn.RegisterPullProducer(p); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if p.times > 1 {
			t.Errorf("it was asked %d times while nothing could be sent", p.times)
		}
		endAll(t, task, sides, clients)
	})
}

// Two that close, with more to send than the other takes, and neither reads any more.
func TestClosingEachOtherEnds(t *testing.T) {
	w := sim.New(1)
	l := w.NewLoop()
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		server, client := &recorder{}, &recorder{}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol { return server })
		if err != nil {
			return err
		}
		defer srv.Close()
		if _, err := transport.Dial(l, "tcp", srv.Addr().String(), client).Await(task); err != nil {
			return err
		}
		until(t, task, func() bool { return server.conn != nil })
		for _, r := range []*recorder{server, client} {
			_ = r.conn.Write(make([]byte, 1<<20))
			r.conn.Close()
		}
		pause(t, task, 2*time.Minute)
		if server.String() != "opened closed" || client.String() != "opened closed" || !errors.Is(errors.Join(server.err, client.err), os.ErrDeadlineExceeded) {
			t.Errorf("server %q with %v, client %q with %v", server, server.err, client, client.err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// canceler cancels its own dial when it is opened.
type canceler struct {
	packets
	cancel func()
}

func (p *canceler) Opened(*transport.PacketConn) { p.say("opened"); p.cancel() }

func TestDialPacketCanceledInOpened(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var f *corolla.Future[*transport.PacketConn]
		p := &canceler{cancel: func() { f.Cancel(nil) }}
		f = transport.DialPacket(task.Loop(), "udp", "127.0.0.1:9", p)
		if _, err := f.Await(task); !errors.Is(err, corolla.ErrCanceled) {
			t.Errorf("canceled: %v", err)
		}
		until(t, task, func() bool { return p.String() == "opened closed" })
	})
}

// swallower is both Buffered and a FileReceiver.
type swallower struct {
	getter
	buf [64]byte
}

func (s *swallower) Buffer(*transport.Conn) []byte { return s.buf[:] }
func (s *swallower) Filled(*transport.Conn, int)   { s.say("filled") }

func TestFilesReachAProtocolThatIsBufferedToo(t *testing.T) {
	l, err := corolla.New()
	leaktest.NeedLoop(t, err)
	defer leaktest.Close(t, l)
	if err := l.Run(func(task *corolla.Task) error {
		s := &swallower{}
		srv, err := transport.Serve(l, "unix", filepath.Join(t.TempDir(), "s"), func() transport.Protocol { return s })
		if err != nil {
			return err
		}
		defer srv.Close()
		c, err := transport.Dial(l, "unix", srv.Addr().String(), &recorder{}).Await(task)
		if err != nil {
			return err
		}
		if _, err := c.WriteFiles([]byte("x"), plainFile(t, "text")).Await(task); err != nil {
			return err
		}
		until(t, task, func() bool { return s.text == "x" })
		if len(s.files) != 1 {
			t.Fatalf("%d files came", len(s.files))
		}
		_ = s.files[0].Close()
		c.Close()
		return s.wait(t, task)
	}); err != nil {
		t.Error(err)
	}
}

// Sessions are resumed by connections that start TLS, each with a copy of the configuration.
func TestStartTLSResumesSessions(t *testing.T) {
	ca := certtest.New(t)
	server := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	onTLSHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		client := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		for i := range 2 {
			p := &starter{cfg: server}
			srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { return p })
			if err != nil {
				t.Fatal(err)
			}
			a, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 8)
			mustWrite(t, task, a, "starttls")
			if _, err := a.ReadFull(task, b); err != nil {
				t.Fatal(err)
			}
			if err := a.ClientTLS(task, client); err != nil {
				t.Fatal(err)
			}
			if _, err := a.ReadFull(task, b[:6]); err != nil { // and with it the ticket
				t.Fatal(err)
			}
			if state, _ := a.TLS(); state.DidResume != (i > 0) {
				t.Errorf("connection %d: resumed %v", i, state.DidResume)
			}
			_ = a.Close()
			_ = p.wait(t, task)
			_ = srv.Close()
		}
	})
}
