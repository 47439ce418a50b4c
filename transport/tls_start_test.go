package transport_test

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// starter is a server that speaks plainly until it is asked for TLS.
type starter struct {
	recorder
	cfg *tls.Config
}

func (s *starter) Data(c *transport.Conn, b []byte) {
	if _, ok := c.TLS(); ok {
		_ = c.Write([]byte("secret " + string(b)))
		return
	}
	s.say("%s", b)
	_ = c.Write([]byte("go ahead"))
	if err := c.ServerTLS(s.cfg, func(err error) { s.say("handshake %v", err) }); err != nil {
		s.say("%v", err)
	}
	_ = c.Write([]byte("first "))
	if err := c.ServerTLS(s.cfg, nil); err == nil {
		s.say("twice")
	}
}

func TestStartTLSInPushStyle(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		l := task.Loop()
		server := &starter{cfg: &tls.Config{Certificates: []tls.Certificate{cert}}}
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		client, got := &recorder{}, ""
		client.onData = func(c *transport.Conn, b []byte) {
			got += string(b)
			switch got {
			case "go ahead":
				if err := c.ClientTLS(&tls.Config{RootCAs: ca.Pool, ServerName: "server.test"}, func(err error) {
					client.say("handshake %v", err)
				}); err != nil {
					t.Error(err)
				}
				_ = c.Write([]byte("word")) // waits for the handshake
			case "go aheadfirst secret word":
				c.Close()
			}
		}
		c, err := transport.Dial(l, "tcp", srv.Addr().String(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write([]byte("starttls")); err != nil {
			t.Error(err)
		}
		if err := client.wait(t, task); err != nil || got != "go aheadfirst secret word" {
			t.Errorf("client got %q, %v", got, err)
		}
		if err := server.wait(t, task); err != nil {
			t.Error(err)
		}
		if client.String() != "opened data handshake <nil> data closed" || server.String() != "opened starttls handshake <nil> closed" {
			t.Errorf("client %q, server %q", client, &server.recorder)
		}
		for _, err := range *log {
			t.Error(err)
		}
	})
}

func TestStartTLSAndCloseAtOnce(t *testing.T) {
	cert := certtest.New(t).Issue(time.Time{}, "server.test")
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		p := &recorder{}
		p.onData = func(c *transport.Conn, b []byte) {
			_ = c.Write([]byte("go ahead"))
			if err := c.ServerTLS(&tls.Config{Certificates: []tls.Certificate{cert}}, func(err error) { p.say("done %v", err != nil) }); err != nil {
				t.Error(err)
			}
			c.Close()
		}
		srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p })
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

// Sessions are resumed by connections that start TLS, each with a copy of the configuration.
func TestStartTLSResumesSessions(t *testing.T) {
	ca := certtest.New(t)
	server := &tls.Config{Certificates: []tls.Certificate{ca.Issue(time.Time{}, "server.test")}}
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		client := &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		for i := range 2 {
			p := &starter{cfg: server}
			srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p })
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
