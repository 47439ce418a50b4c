package transport_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// updateKeys connects as a client that asks for new keys again and again, and takes no answer until
// the server reads no more. buffered tells how much the server holds for it, got what the server has read.
func updateKeys(t *testing.T, task *corolla.Task, addr string, ca *certtest.Authority, buffered func() int, got func() string) {
	t.Helper()
	c, err := aio.Dial(task, "tcp", addr, corolla.ReadBuffer(4096))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Abort()
	u := certtest.NewUpdater(t)
	layer := tls.Client(c.Bind(task), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", KeyLogWriter: &u.Keys})
	if err := layer.Handshake(); err != nil {
		t.Fatal(err)
	}
	const rounds = 400
	writer := task.Loop().Go(func(task *corolla.Task) error {
		for range rounds {
			var records []byte
			for range 16 { // crypto/tls takes no more without data among them
				records = append(records, u.Update()...)
			}
			if _, err := c.Write(task, append(records, u.Data([]byte("."))...)); err != nil {
				return err
			}
		}
		return nil
	})
	const most = corolla.DefaultHighWater + 16<<10
	for quiet, last := 0, -1; quiet < 50; quiet++ { // until nothing moves any more
		pause(t, task, 100*time.Microsecond)
		if n := buffered(); n > most {
			t.Fatalf("the server holds %d bytes for a peer that takes nothing", n)
		}
		if n := len(got()); n != last {
			quiet, last = 0, n
		}
	}
	if len(got()) == rounds || buffered() <= corolla.DefaultLowWater {
		t.Errorf("too few were sent: %d bytes were read, %d are held", len(got()), buffered())
	}
	reader := task.Loop().Go(func(task *corolla.Task) error {
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(task, b); err != nil {
				return err
			}
		}
	})
	until(t, task, func() bool { return got() == strings.Repeat(".", rounds) }) // it goes on once the peer takes them
	if _, err := writer.Await(task); err != nil {
		t.Error(err)
	}
	reader.Cancel(nil)
	_, _ = reader.Await(task)
}

func TestAnswersToKeyUpdatesAreBounded(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		got := ""
		p := &recorder{onData: func(_ *transport.Conn, b []byte) { got += string(b) }}
		srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, func(*transport.Conn) transport.Protocol { return p },
			transport.Options(corolla.WriteBuffer(4096)))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		updateKeys(t, task, srv.Addr().String(), ca, func() int {
			if p.conn == nil {
				return 0
			}
			return p.conn.Buffered()
		}, func() string { return got })
		_ = p.wait(t, task)
	})
	t.Run("task", func(t *testing.T) {
		onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
			ln, err := aio.ListenTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, corolla.WriteBuffer(4096))
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			got, conn := "", (*aio.Conn)(nil)
			server := task.Loop().Go(func(task *corolla.Task) (err error) {
				if conn, err = ln.Accept(task); err != nil {
					return err
				}
				b := make([]byte, 100)
				for {
					n, err := conn.Read(task, b)
					if got += string(b[:n]); err != nil {
						return conn.Close()
					}
				}
			})
			updateKeys(t, task, ln.Addr().String(), ca, func() int {
				if conn == nil {
					return 0
				}
				return conn.Buffered()
			}, func() string { return got })
			_, _ = server.Await(task)
		})
	})
}

// Two that both send much before they read do not wait for each other.
func TestFullDuplexThroughTLS(t *testing.T) {
	ca := certtest.New(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		got := 0
		server := &recorder{onData: func(_ *transport.Conn, b []byte) { got += len(b) }}
		srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test"})
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		clogged(server.conn) // and the client does not read
		const size = 1 << 20
		if _, err := c.Write(task, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return got == size })
		_ = c.Abort()
		_ = server.wait(t, task)
	})
}

// record sends each letter in a record of its own; but for the first they leave in one packet.
func record(t *testing.T, task *corolla.Task, c *aio.Conn, words string) {
	t.Helper()
	for _, w := range words {
		if _, err := c.Write(task, []byte(string(w))); err != nil {
			t.Fatal(err)
		}
	}
}

// What was read from the wire, and is decrypted record by record, needs no further packet.
func TestManyRecordsInOnePacket(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		const words = "abcdefghijklmnopqrst"
		for _, until1 := range []int{0, 1, 5, 9} { // of data after which reading is paused; 0 is never
			p, got, calls, late := &recorder{}, "", 0, false
			p.onData = func(c *transport.Conn, b []byte) {
				got += string(b)
				if late = late || calls == until1 && calls > 0; late {
					t.Errorf("%q came while reading was paused", b)
				}
				if calls++; calls == until1 {
					c.PauseReading()
				}
			}
			c := tlsPair(t, task, p)
			until(t, task, func() bool { return p.conn != nil })
			record(t, task, c, words)
			if until1 > 0 {
				until(t, task, func() bool { return calls == until1 })
				for range 20 {
					pause(t, task, 100*time.Microsecond)
				}
				until1 = -1
				p.conn.ResumeReading()
			}
			until(t, task, func() bool { return got == words })
			_ = c.Abort()
			_ = p.wait(t, task)
		}
	})
}

// actor does something when it is told to pause.
type actor struct {
	recorder
	act func(c *transport.Conn)
}

func (p *actor) PauseWriting(c *transport.Conn) { p.say("pause"); p.act(c) }

func (p *actor) ResumeWriting(c *transport.Conn) { p.say("resume") }

// What the protocol does when it is told to pause must not meet the lock that TLS holds.
func TestWhatIsDoneInPauseWritingUnderTLS(t *testing.T) {
	for name, act := range map[string]func(c *transport.Conn){
		"close":       func(c *transport.Conn) { c.Close() },
		"write":       func(c *transport.Conn) { _ = c.Write([]byte("more")) },
		"abort":       func(c *transport.Conn) { c.Abort() },
		"close write": func(c *transport.Conn) { c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
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

// Pausing, water marks, producers and idle times work as without TLS.
func TestFlowControlThroughTLS(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		server := &pauser{}
		srv, err := transport.ServeTLS(l, "tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}},
			func(*transport.Conn) transport.Protocol { return server }, transport.Options(smallBuffers...))
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		a, err := aio.DialTLS(task, "tcp", srv.Addr().String(), &tls.Config{RootCAs: ca.Pool}, smallBuffers...)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		until(t, task, func() bool { return server.conn != nil })
		if err := server.conn.Write(make([]byte, stuffing)); err != nil {
			t.Error(err)
		}
		if server.String() != "opened pause" {
			t.Errorf("the server was told %q", server)
		}
		buf := make([]byte, 64<<10)
		for got := 0; got < stuffing; {
			n, err := a.Read(task, buf)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
		until(t, task, func() bool { return server.String() == "opened pause resume" })
		server.conn.PauseReading()
		mustWrite(t, task, a, "while paused")
		if err := task.Sleep(10 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(server.String(), "data") {
			t.Error("data came while paused")
		}
		server.conn.ResumeReading()
		until(t, task, func() bool { return strings.Contains(server.String(), "data") })
		server.conn.SetIdleTimeout(10 * time.Millisecond)
		if err := server.wait(t, task); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("idle: %v", err)
		}
		for _, err := range *log {
			t.Error(err)
		}
		if err := server.conn.ClientTLS(nil, nil); err == nil || !strings.Contains(err.Error(), "TLS was already started") {
			t.Errorf("TLS twice: %v", err)
		}
		if err := server.conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// mostInATurn sends records to a protocol that does not read, lets it read, and returns how many
// calls of Data there were in one turn at the most.
func mostInATurn(t *testing.T, task *corolla.Task, records int, data func()) (most int) {
	t.Helper()
	p, calls, row := &recorder{}, 0, 0
	p.onOpen = (*transport.Conn).PauseReading
	p.onData = func(_ *transport.Conn, b []byte) {
		calls += len(b)
		row++
		most = max(most, row)
		data()
	}
	c := tlsPair(t, task, p)
	until(t, task, func() bool { return p.conn != nil })
	for range records {
		if _, err := c.Write(task, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.conn.ResumeReading()
	for calls < records {
		row = 0
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Abort()
	_ = p.wait(t, task)
	return most
}

// However many records a peer sends, they take no more of a turn than at first.
func TestManyRecordsLeaveTurnsToOthers(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		if most := mostInATurn(t, task, 1500, func() {}); most > 16 {
			t.Errorf("%d calls of Data in one turn", most)
		}
	})
}

func TestRecordsThatTakeLongComeInTurnsOfTheirOwn(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		if l.Simulated() {
			t.Skip("the clock stands still meanwhile")
		}
		if most := mostInATurn(t, task, 40, func() {
			for !l.Overdue() {
			}
		}); most > 2 {
			t.Errorf("%d calls of Data in one turn, each longer than its budget", most)
		}
	})
}
