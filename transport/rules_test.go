package transport_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

// The rules of asyncio and Twisted about connections that no other test of this package has, by
// number. (asyncio 37 to 46 are in transport_test.go, and so are Twisted's 25, 27 and 29, as
// differences have them; 32 is in package process.)

func TestRule47WaitingToSendFailsWhenTheConnectionIsLost(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := l.Dial("tcp", ln.Addr().String())
		peer, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		sock, err := dial.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		var out corolla.Outbox
		out.Init(sock, func(error) {})
		for !out.Above() {
			if err := out.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		var waiting []*corolla.Future[struct{}]
		for range 3 { // many may wait at once
			waiting = append(waiting, l.Go(out.Wait))
		}
		if err := task.Yield(); err != nil {
			t.Fatal(err)
		}
		if err := peer.Abort(); err != nil {
			t.Error(err)
		}
		for _, f := range waiting {
			if _, err := f.Await(task); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
				t.Errorf("Wait: %v", err)
			}
		}
		if err := out.Wait(task); err == nil {
			t.Error("Wait after the loss: no error")
		}
		_ = sock.Close()
	})
}

// served runs test with a server's protocol and a client in push style. Both are ended behind it.
func served(t *testing.T, newServer func() *recorder, test func(t *testing.T, task *corolla.Task, server, client *recorder)) {
	t.Helper()
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		server, client := newServer(), &recorder{}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		test(t, task, server, client)
		c.Close()
		for _, r := range []*recorder{client, server} {
			if err := r.wait(t, task); err == errNotRecorded {
				t.Error(err)
			}
		}
	})
}

func TestTwistedRule23Order(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var here, there []string
		server := &recorder{onOpen: func(*transport.Conn) { there = append(there, "opened") }}
		server.onClose = func() { there = append(there, "closed") }
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol {
			there = append(there, "built")
			return server
		})
		if err != nil {
			t.Fatal(err)
		}
		client := &recorder{onOpen: func(*transport.Conn) { here = append(here, "opened") }}
		client.onClose = func() { here = append(here, "closed") }
		f := transport.Dial(task.Loop(), "tcp", srv.Addr().String(), client)
		f.OnDone(func(*corolla.Future[*transport.Conn]) { here = append(here, "future") })
		c, err := f.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		until(t, task, func() bool { return server.conn != nil })
		c.Close()
		here = append(here, "Close returned")
		_, _ = client.wait(t, task), server.wait(t, task)
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		for range 10 { // nothing comes behind the end
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(here, ", "); got != "opened, future, Close returned, closed" {
			t.Errorf("the client's order: %s", got)
		}
		if got := strings.Join(there, ", "); got != "built, opened, closed" || srv.Conns() != 0 {
			t.Errorf("the server's order: %s; %d connections are left", got, srv.Conns())
		}
	})
}

func TestRule37ThreeTurns(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		dial := l.Dial("tcp", ln.Addr().String())
		peer, err := ln.Accept(task)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, task, peer, "x")
		sock, err := dial.Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := sock.WaitReadable(task); err != nil { // the data is there before the protocol is
			t.Fatal(err)
		}
		p := &recorder{}
		transport.New(sock, p)
		for turn := range 4 {
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
			p.say("turn %d,", turn+1)
		}
		if got := p.String(); got != "opened turn 1, turn 2, data turn 3, turn 4," {
			t.Errorf("it went: %s", got)
		}
		p.conn.Close()
		_ = p.wait(t, task)
		_, _ = peer.Close(), ln.Close()
	})
}

func TestTwistedRule24CloseStopsReadingAndRefusesWrites(t *testing.T) { // differences 8
	served(t, func() *recorder { return &recorder{} }, func(t *testing.T, task *corolla.Task, server, client *recorder) {
		got := ""
		server.onData = func(c *transport.Conn, b []byte) {
			got += string(b)
			_ = c.Write([]byte("an answer that nobody waits for"))
		}
		c := client.conn
		clogged(c)
		server.conn.PauseReading() // so that the client has something to send for a while
		c.Close()
		if err := c.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: %v", err)
		}
		if err := c.WriteBatch([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteBatch after Close: %v", err)
		}
		for range 10 {
			_ = server.conn.Write([]byte("data for one that has closed"))
			if err := task.Yield(); err != nil {
				t.Fatal(err)
			}
		}
		server.conn.ResumeReading()
		_, _ = client.wait(t, task), server.wait(t, task)
		if client.String() != "opened closed" {
			t.Errorf("the client was told %q", client)
		}
		if strings.Contains(got, "late") {
			t.Error("what was written after Close has arrived")
		}
	})
}

func TestTwistedRule26Reasons(t *testing.T) {
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	panicked := func(err error) bool {
		var p *corolla.PanicError
		return errors.As(err, &p) && p.Value == "in Data"
	}
	for name, c := range map[string]struct {
		end         func(server, client *recorder)
		here, there func(error) bool // the client's reason, and the server's
	}{
		"local close": {func(_, client *recorder) { client.conn.Close() }, is(nil), is(nil)},
		"peer close":  {func(server, _ *recorder) { server.conn.Close() }, is(nil), is(nil)},
		"abort":       {func(_, client *recorder) { client.conn.Abort() }, is(transport.ErrAborted), is(syscall.ECONNRESET)},
		"reset":       {func(server, _ *recorder) { server.conn.Abort() }, is(syscall.ECONNRESET), is(transport.ErrAborted)},
		"a panic": {func(server, client *recorder) {
			server.onData = func(*transport.Conn, []byte) { panic("in Data") }
			_ = client.conn.Write([]byte("x"))
		}, is(syscall.ECONNRESET), panicked},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, func() *recorder { return &recorder{} }, func(t *testing.T, task *corolla.Task, server, client *recorder) {
				c.end(server, client)
				if strings.Contains(client.String()+server.String(), "closed") {
					t.Error("Closed was called before the call had returned")
				}
				if err := client.wait(t, task); !c.here(err) {
					t.Errorf("the client's reason: %v", err)
				}
				if err := server.wait(t, task); !c.there(err) {
					t.Errorf("the server's reason: %v", err)
				}
			})
		})
	}
}

func TestTwistedRule28(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var protocols []*recorder
		refuse := false
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func() transport.Protocol {
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

func TestTwistedRule30StopAndRunAgain(t *testing.T) { // as differences 6 and 26 have it
	onLoops(t, func(t *testing.T, l *corolla.Loop, _ *[]error) {
		var order []string
		l.OnClose(func() { order = append(order, "trigger") })
		for range 2 { // a loop can be run again
			l.Soon(func() {
				l.Stop()
				l.Stop() // which is stopping too
				order = append(order, "stopped")
			})
			if err := l.RunForever(); err != nil {
				t.Error(err)
			}
			order = append(order, "returned")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Join(order, " "); got != "stopped returned stopped returned trigger" {
			t.Errorf("it went: %s", got)
		}
		if err := l.RunForever(); !errors.Is(err, corolla.ErrLoopClosed) {
			t.Errorf("run after Close: %v", err)
		}
	})
}

func TestTwistedRule31Posted(t *testing.T) {
	onBoth(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		var order []string
		post := func(f func()) {
			if err := l.Post(f); err != nil {
				t.Error(err)
			}
		}
		post(func() {
			order = append(order, "a")
			post(func() { order = append(order, "later") })
			l.Soon(func() { order = append(order, "the next pass:") })
		})
		post(func() { order = append(order, "b"); panic("of a posted function") })
		post(func() { order = append(order, "c") })
		until(t, task, func() bool { return len(order) == 5 })
		if got := strings.Join(order, " "); got != "a b c the next pass: later" {
			t.Errorf("posted functions ran as %s", got)
		}
		if len(*log) != 1 || !strings.Contains((*log)[0].Error(), "of a posted function") {
			t.Errorf("reported: %v", *log)
		}
	})
}
