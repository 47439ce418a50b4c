package transport_test

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
)

func mustParse(t *testing.T, s string) transport.Endpoint {
	t.Helper()
	e, err := transport.ParseEndpoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEndpointBehindAProxy(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, log *[]error) {
		for _, in := range []string{"haproxy:tcp:0:interface=127.0.0.1", "haproxy:tcp:0:interface=127.0.0.1:trust=10.0.0.0/8,127.0.0.1"} {
			var from net.Addr
			srv, err := mustParse(t, in).Listen(task.Loop(), func(c *transport.Conn) transport.Protocol { from = c.RemoteAddr(); return nil })
			if err != nil {
				t.Fatal(err)
			}
			c, err := aio.Dial(task, "tcp", srv.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, task, c, "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n")
			_, _ = readAll(t, task, c)
			if from == nil || from.String() != "192.0.2.1:5" || len(*log) > 0 {
				t.Errorf("%s: a connection from %v; reported %v", in, from, *log)
			}
			_, _ = c.Close(), srv.Close()
		}
		for in, want := range map[string]string{
			"haproxy":                  "no endpoint",
			"haproxy:stdio":            "haproxy cannot go around stdio",
			"haproxy:carrier:pigeon":   `unknown kind "carrier"`,
			"haproxy:tcp:0:trust=them": `trust "them": want IP addresses or prefixes`,
			"haproxy:tcp:0:mode=1":     "mode does not apply to tcp here",
			"unix:x:mode=999":          `mode "999": want an octal number from 1 to 777`,
			"unix:x:lockfile=2":        `lockfile "2"`,
			"fd:three":                 `descriptor "three": want a number`,
			"systemd:index=0:name=web": "give an index or a name",
			"systemd:name=web":         `name "web": no socket of that name was passed`,
			"systemd:":                 "0 sockets were passed",
			"stdio:extra":              `unexpected argument "extra"`,
		} {
			if srv, err := mustParse(t, in).Listen(task.Loop(), nil); srv != nil || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", in, err)
			}
		}
	})
}

// registerTwice is called once in a process, however often the test runs.
var registerTwice = sync.OnceFunc(func() {
	transport.RegisterEndpoint("twice", transport.EndpointKind{
		Connect: func(l *corolla.Loop, a *transport.EndpointArgs, p transport.Protocol, opts ...corolla.SocketOption) *corolla.Future[*transport.Conn] {
			return a.Inner().Connect(l, p, opts...)
		},
	})
})

func TestRegisterEndpoint(t *testing.T) {
	registerTwice()
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		path := filepath.Join(t.TempDir(), "s")
		server, client := newLouder(), &recorder{}
		srv, err := mustParse(t, "unix:"+transport.Quote(path)+":mode=600").Listen(task.Loop(), func(*transport.Conn) transport.Protocol { return server })
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		c, err := mustParse(t, "twice:unix:"+transport.Quote(path)).Connect(task.Loop(), client).Await(task)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		_, _ = client.wait(t, task), server.wait(t, task)
	})
	defer func() {
		if recover() == nil {
			t.Error("a name that is taken is accepted")
		}
	}()
	transport.RegisterEndpoint("tcp", transport.EndpointKind{})
}
