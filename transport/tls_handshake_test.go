package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// withTLS runs test with a server that has TLS and shouts, on both hosts, and the configuration
// for its clients.
func withTLS(t *testing.T, change func(*tls.Config), opts []corolla.SocketOption,
	test func(t *testing.T, task *corolla.Task, log *[]error, srv *transport.Server, client *tls.Config),
) {
	t.Helper()
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
		if change != nil {
			change(cfg)
		}
		srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg,
			func(*transport.Conn) transport.Protocol { return newLouder() }, transport.Options(opts...))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		test(t, task, log, srv, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
	})
}

// dialPlain connects without TLS.
func dialPlain(t *testing.T, task *corolla.Task, srv *transport.Server) *aio.Conn {
	t.Helper()
	c, err := aio.Dial(task, "tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// talkTLS fails the test unless a client gets its answer, long before those that are silent are
// given up.
func talkTLS(t *testing.T, task *corolla.Task, srv *transport.Server, cfg *tls.Config) {
	t.Helper()
	err := task.Timeout(corolla.DefaultHandshakeTimeout/2, func(*corolla.Scope) error {
		c, err := aio.DialTLS(task, "tcp", srv.Addr().String(), cfg)
		if err == nil {
			talks(t, task, c)
			err = c.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("a client that does as it should: %v", err)
	}
}

func TestSilentPeersHoldUpNoHandshake(t *testing.T) {
	for name, says := range map[string]string{
		"nothing":            "",
		"a byte":             "\x16",
		"half a ClientHello": "\x16\x03\x01\x01\x00\x01\x00",
	} {
		t.Run(name, func(t *testing.T) {
			withTLS(t, nil, []corolla.SocketOption{corolla.MaxHandshakes(2)}, func(t *testing.T, task *corolla.Task, _ *[]error, srv *transport.Server, client *tls.Config) {
				for i := range 3 {
					c := dialPlain(t, task, srv)
					defer c.Close()
					mustWrite(t, task, c, says)
					until(t, task, func() bool { return srv.Conns() == i+1 })
				}
				talkTLS(t, task, srv, client)
			})
		})
	}
}

// However a handshake ends, the next one has its place.
func TestPlaceOfAHandshakeIsGivenBack(t *testing.T) {
	withTLS(t, nil, []corolla.SocketOption{corolla.MaxHandshakes(1)}, func(t *testing.T, task *corolla.Task, log *[]error, srv *transport.Server, client *tls.Config) {
		stranger := client.Clone()
		stranger.RootCAs = certtest.New(t).Pool
		for range 3 {
			talkTLS(t, task, srv, client)
			c := dialPlain(t, task, srv)
			mustWrite(t, task, c, "GET / HTTP/1.0\r\n\r\n")
			_, _ = readAll(t, task, c)
			_ = c.Close()
			if _, err := aio.DialTLS(task, "tcp", srv.Addr().String(), stranger); err == nil {
				t.Error("a stranger is trusted")
			}
			c = dialPlain(t, task, srv)
			mustWrite(t, task, c, "\x16\x03\x01")
			_ = c.Abort()
		}
		talkTLS(t, task, srv, client)
		until(t, task, func() bool { return srv.Conns() == 0 })
	})
}

// The number is of those at work, and all with one option share it.
func TestNumberOfHandshakesAtWork(t *testing.T) {
	working, most, calls := 0, 0, 0
	limit := corolla.MaxHandshakes(2)
	cert := certtest.New(t).Issue(time.Time{}, "server.test")
	gate := make(chan struct{})
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		working, most, calls = 0, 0, 0
		cfg := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			_ = l.Post(func() { working++; calls++; most = max(most, working) })
			if !l.Simulated() { // where a job takes time, but not of a goroutine
				<-gate
			}
			_ = l.Post(func() { working-- })
			return &cert, nil
		}}
		var clients []*corolla.Future[*transport.Conn]
		for range 2 {
			srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", cfg, func(*transport.Conn) transport.Protocol { return newLouder() }, transport.Options(limit))
			if err != nil {
				t.Fatal(err)
			}
			defer srv.Close()
			for range 3 {
				clients = append(clients, transport.DialTLS(l, "tcp", srv.Addr().String(), &tls.Config{InsecureSkipVerify: true}, &recorder{}))
			}
		}
		if !l.Simulated() {
			until(t, task, func() bool { return working == 2 })
			for range 6 {
				until(t, task, func() bool {
					select {
					case gate <- struct{}{}:
						return true
					default: // the next has not come so far
						return false
					}
				})
			}
		}
		for _, f := range clients {
			c, err := f.Await(task)
			if err != nil {
				t.Fatal(err)
			}
			c.Abort()
		}
		if calls != 6 || most > 2 {
			t.Errorf("%d calls, %d at a time", calls, most)
		}
	})
}

func TestTimeOfHandshakes(t *testing.T) {
	limit := corolla.HandshakeTimeout(30 * time.Millisecond)
	withTLS(t, nil, []corolla.SocketOption{limit}, func(t *testing.T, task *corolla.Task, log *[]error, srv *transport.Server, client *tls.Config) {
		l := task.Loop()
		for _, says := range []string{"", "\x16\x03"} { // and no more
			*log = nil
			begin := l.Now()
			c := dialPlain(t, task, srv)
			mustWrite(t, task, c, says)
			if _, err := readAll(t, task, c); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the peer reads %v", err)
			}
			if took := l.Now() - begin; took < 25*time.Millisecond || l.Simulated() && took > 40*time.Millisecond {
				t.Errorf("it was ended after %v", took)
			}
			_ = c.Close()
			if says == "" && len(*log) == 0 {
				continue // nobody was there
			}
			if says == "" || len(*log) != 1 || !errors.Is((*log)[0], os.ErrDeadlineExceeded) {
				t.Errorf("reported: %v", *log)
			}
			*log = nil
		}
		// The others do it too: a client, and either side that starts TLS.
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0") // which accepts, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if _, err := transport.DialTLS(l, "tcp", ln.Addr().String(), client, &recorder{}, limit).Await(task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("DialTLS: %v", err)
		}
		for name, start := range map[string]func(c *transport.Conn, done func(error)) error{
			"ClientTLS": func(c *transport.Conn, done func(error)) error { return c.ClientTLS(client, done, limit) },
			"ServerTLS": func(c *transport.Conn, done func(error)) error {
				return c.ServerTLS(&tls.Config{Certificates: make([]tls.Certificate, 1)}, done, limit)
			},
		} {
			p := &recorder{}
			c, err := transport.Dial(l, "tcp", ln.Addr().String(), p).Await(task)
			if err != nil {
				t.Fatal(err)
			}
			if err := start(c, func(err error) { p.say("%v", errors.Is(err, os.ErrDeadlineExceeded)) }); err != nil {
				t.Fatal(err)
			}
			if err := p.wait(t, task); !errors.Is(err, os.ErrDeadlineExceeded) || p.String() != "opened true closed" {
				t.Errorf("%s: %q, %v", name, p, err)
			}
		}
	})
}

func TestHandshakeOptionsThatMakeNoSense(t *testing.T) {
	withTLS(t, nil, nil, func(t *testing.T, task *corolla.Task, _ *[]error, srv *transport.Server, client *tls.Config) {
		for want, opt := range map[string]corolla.SocketOption{
			"HandshakeTimeout(-1ns): at least 0": corolla.HandshakeTimeout(-1),
			"MaxHandshakes(0): at least 1":       corolla.MaxHandshakes(0),
		} {
			cfg := &tls.Config{Certificates: make([]tls.Certificate, 1)}
			_, serve := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, nil, transport.Options(opt))
			_, dial := transport.DialTLS(task.Loop(), "tcp", srv.Addr().String(), client, &recorder{}, opt).Await(task)
			p := &recorder{}
			c, err := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), p).Await(task)
			if err != nil {
				t.Fatal(err)
			}
			start := c.ClientTLS(client, nil, opt)
			for _, err := range []error{serve, dial, start} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			c.Abort()
			_ = p.wait(t, task)
		}
	})
}

// Port scans and health checks are no news; a peer that has begun to speak is.
func TestWhichHandshakesAreReported(t *testing.T) {
	withTLS(t, nil, nil, func(t *testing.T, task *corolla.Task, log *[]error, srv *transport.Server, client *tls.Config) {
		for _, c := range []struct {
			says  string
			reset bool
			is    error // nil is none
		}{
			{"", false, nil},
			{"", true, nil},
			{"\x16\x03\x01", false, io.ErrUnexpectedEOF},
			{"\x16\x03\x01", true, syscall.ECONNRESET},
		} {
			*log = nil
			a := dialPlain(t, task, srv)
			until(t, task, func() bool { return srv.Conns() == 1 })
			mustWrite(t, task, a, c.says)
			for range 10 { // so that the reset does not overtake it
				pause(t, task, time.Millisecond)
			}
			if end := (*aio.Conn).Close; !c.reset {
				_ = end(a)
			} else {
				_ = a.Abort()
			}
			until(t, task, func() bool { return srv.Conns() == 0 })
			pause(t, task, time.Millisecond) // the report comes with the end of the task
			var e *transport.HandshakeError
			switch {
			case c.is == nil && len(*log) > 0:
				t.Errorf("reported: %v", *log)
			case c.is != nil && (len(*log) != 1 || !errors.As((*log)[0], &e) || !errors.Is(e, c.is)):
				t.Errorf("reported: %v, want %v", *log, c.is)
			}
		}
		*log = nil
	})
}

// What a program does to choose certificates and to verify may block: the loop goes on meanwhile.
func TestFunctionsOfAConfigurationMayBlock(t *testing.T) {
	var l *corolla.Loop
	block := func(what string) error { // until the loop has gone on
		if l.Simulated() {
			return nil
		}
		gone := make(chan struct{})
		if err := l.Post(func() { close(gone) }); err != nil {
			return err
		}
		select {
		case <-gone:
			return nil
		case <-time.After(5 * time.Second):
			return errors.New(what + " holds the loop")
		}
	}
	ca := certtest.New(t)
	server, client := ca.Issue(time.Time{}, "server.test"), ca.Issue(time.Time{}, "client.test")
	verify := func(c *tls.Config) {
		c.VerifyConnection = func(tls.ConnectionState) error { return block("VerifyConnection") }
	}
	calls := 0
	base := &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool}
	base.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		calls++
		return &server, block("GetCertificate")
	}
	verify(base)
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l, calls = task.Loop(), 0
		cfg := &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			calls++
			return base, block("GetConfigForClient")
		}}
		srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", cfg, func(*transport.Conn) transport.Protocol { return newLouder() })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		mine := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}
		mine.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			calls++
			return &client, block("GetClientCertificate")
		}
		verify(mine)
		talkTLS(t, task, srv, mine)
		if calls != 3 {
			t.Errorf("%d calls", calls)
		}
		until(t, task, func() bool { return srv.Conns() == 0 })
		for _, err := range *log {
			t.Error(err)
		}
	})
}

// withGetCertificate is withTLS with a server whose GetCertificate is given the names that its
// clients ask for; dial asks for one.
func withGetCertificate(t *testing.T, get func(name string), opts []corolla.SocketOption,
	test func(t *testing.T, task *corolla.Task, log *[]error, dial func(name string) error),
) {
	t.Helper()
	withTLS(t, func(c *tls.Config) {
		c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			get(hello.ServerName)
			return nil, nil // the usual one
		}
	}, opts, func(t *testing.T, task *corolla.Task, log *[]error, srv *transport.Server, client *tls.Config) {
		test(t, task, log, func(name string) error {
			cfg := client.Clone()
			cfg.ServerName = name
			c, err := aio.DialTLS(task, "tcp", srv.Addr().String(), cfg)
			if err == nil {
				_ = c.Close()
			}
			return err
		})
		until(t, task, func() bool { return srv.Conns() == 0 })
	})
}

func TestPanicInAConfigurationCostsItsConnection(t *testing.T) {
	withGetCertificate(t, func(name string) {
		if name == "panic.test" {
			panic("of the program's")
		}
	}, nil, func(t *testing.T, task *corolla.Task, log *[]error, dial func(name string) error) {
		if err := dial("panic.test"); err == nil || !strings.Contains(err.Error(), "remote error: tls: internal error") {
			t.Errorf("a handshake in which the program panicked: %v", err)
		}
		var p *corolla.PanicError
		if until(t, task, func() bool { return len(*log) == 1 }); !errors.As((*log)[0], &p) || p.Value != "of the program's" {
			t.Errorf("reported: %v", *log)
		}
		if err := dial("server.test"); err != nil || len(*log) != 1 {
			t.Errorf("the next: %v; reported: %d", err, len(*log))
		}
	})
}

// One that takes longer than a handshake may is not waited for.
func TestConfigurationThatTakesTooLongCostsItsConnection(t *testing.T) {
	gate := make(chan struct{})
	limit := corolla.HandshakeTimeout(100 * time.Millisecond)
	withGetCertificate(t, func(string) { <-gate }, []corolla.SocketOption{limit},
		func(t *testing.T, task *corolla.Task, log *[]error, dial func(name string) error) {
			if task.Loop().Simulated() {
				return // where a job that blocks would hold the loop
			}
			defer close(gate)
			if err := dial("slow.test"); err == nil || !strings.Contains(err.Error(), "remote error: tls: internal error") {
				t.Errorf("a handshake without a certificate: %v", err)
			}
			if until(t, task, func() bool { return len(*log) == 1 }); !errors.Is((*log)[0], os.ErrDeadlineExceeded) {
				t.Errorf("reported: %v", *log)
			}
		})
}

// A list of tasks says which connection a handshake is for.
func TestHandshakeInTheListOfTasks(t *testing.T) {
	withTLS(t, nil, nil, func(t *testing.T, task *corolla.Task, _ *[]error, srv *transport.Server, _ *tls.Config) {
		c := dialPlain(t, task, srv)
		until(t, task, func() bool { return srv.Conns() == 1 })
		pause(t, task, time.Millisecond)
		tasks := task.Loop().Tasks()
		got := tasks[len(tasks)-1].String()
		for _, want := range []string{`task "TLS handshake"`, "tcp " + srv.Addr().String() + " -> " + c.LocalAddr().String(), "parked on reading"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s", got, want)
			}
		}
		_ = c.Close()
		until(t, task, func() bool { return srv.Conns() == 0 })
	})
}
