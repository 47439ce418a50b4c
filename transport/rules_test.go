package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

// Twisted's rules for connections, by their numbers, where no other test has them.

// TestRule28BuildDecidesByTheAddress: nil refuses, and does so before the handshake.
func TestRule28BuildDecidesByTheAddress(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	for name, cfg := range map[string]*tls.Config{"plain": nil, "tls": {Certificates: []tls.Certificate{cert}}} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				var seen []net.Addr
				refuse, server := false, newLouder()
				build := func(c *transport.Conn) transport.Protocol {
					if seen = append(seen, c.RemoteAddr()); refuse {
						return nil
					}
					_ = c.Write([]byte("from build, "))
					return server
				}
				server.onOpen = func(c *transport.Conn) { _ = c.Write([]byte("from Opened, ")) }
				srv, err := transport.ServeTLS(task.Loop(), "tcp", "127.0.0.1:0", cfg, build)
				if cfg == nil {
					srv, err = transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", build)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				c, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err == nil && cfg != nil {
					err = c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "127.0.0.1"})
				}
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, c, "in")
				const want = "from build, from Opened, IN"
				got := make([]byte, len(want))
				if _, err := c.ReadFull(task, got); string(got) != want || err != nil {
					t.Errorf("the client got %q, %v", got, err)
				}
				if len(seen) != 1 || seen[0].String() != c.LocalAddr().String() {
					t.Errorf("build saw %v, and the client is %v", seen, c.LocalAddr())
				}
				refuse = true
				no, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if n, err := no.Read(task, got); n != 0 || err != io.EOF {
					t.Errorf("the refused client read %d bytes, %v", n, err)
				}
				if err := errors.Join(no.Close(), c.Close()); err != nil {
					t.Error(err)
				}
				_ = server.wait(t, task)
				if len(*log) != 0 {
					t.Errorf("reported: %v", *log)
				}
			})
		})
	}
}
