package transport_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/transport"
)

func TestParseEndpoint(t *testing.T) {
	for _, c := range []struct {
		in   string
		want transport.Endpoint
		err  string
	}{
		{"tcp:80", transport.Endpoint{Kind: "tcp", Args: []string{"80"}, Options: map[string]string{}}, ""},
		{"ssl:port=443:cert=a.pem", transport.Endpoint{Kind: "tls", Options: map[string]string{"port": "443", "cert": "a.pem"}}, ""},
		{`unix:C\:\\x\=y`, transport.Endpoint{Kind: "unix", Args: []string{`C:\x=y`}, Options: map[string]string{}}, ""},
		{"tcp:80:interface=\\:\\:1", transport.Endpoint{Kind: "tcp", Args: []string{"80"}, Options: map[string]string{"interface": "::1"}}, ""},
		{"unix:a=b=c", transport.Endpoint{Kind: "unix", Options: map[string]string{"a": "b=c"}}, ""},
		{"", transport.Endpoint{}, `endpoint "": unknown kind ""; one of: fd, haproxy, httpproxy, socks5, stdio, systemd, tcp, tcp4, tcp6, tls, `},
		{"carrier:pigeon", transport.Endpoint{}, `endpoint "carrier:pigeon": unknown kind "carrier"`},
		{"kind=tcp", transport.Endpoint{}, `starts with a name`},
		{`tcp:80\`, transport.Endpoint{}, `ends with a backslash`},
		{"tcp:a=1:80", transport.Endpoint{}, `"80" follows an option`},
		{"tcp:a=1:a=2", transport.Endpoint{}, `a given twice`},
	} {
		got, err := transport.ParseEndpoint(c.in)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v, want %s", c.in, err, c.err)
			}
		case err != nil || !reflect.DeepEqual(got, c.want):
			t.Errorf("%q: %+v, %v", c.in, got, err)
		}
	}
}

func TestEndpointsConnect(t *testing.T) {
	dir := t.TempDir()
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
		"ca.pem":   {Type: "CERTIFICATE", Bytes: ca.Cert.Raw},
		"none.pem": {Type: "NOTHING"},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ server, client string }{
		{"tcp:0:interface=127.0.0.1:backlog=5", "tcp:127.0.0.1:PORT:timeout=5:bind=127.0.0.2"},
		{"tcp4:port=0", "tcp4:host=127.0.0.1:port=PORT"},
		{"tls:0:interface=127.0.0.1:cert=DIR/cert.pem:key=DIR/key.pem:handshake=5", "ssl:127.0.0.1:PORT:ca=DIR/ca.pem:name=server.test:handshake=2.5"},
		{"unix:DIR/socket", "unix:path=DIR/socket"},
	} {
		t.Run(c.server[:4], func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				endpoint := func(s, port string) transport.Endpoint {
					e, err := transport.ParseEndpoint(strings.NewReplacer("DIR", transport.Quote(dir), "PORT", port).Replace(s))
					if err != nil {
						t.Fatal(err)
					}
					return e
				}
				server, client := newLouder(), &recorder{}
				srv, err := endpoint(c.server, "").Listen(task.Loop(), func(*transport.Conn) transport.Protocol { return server })
				if err != nil {
					t.Fatal(err)
				}
				defer srv.Close()
				addr := srv.Addr().String()
				port := addr[strings.LastIndex(addr, ":")+1:]
				conn, err := endpoint(c.client, port).Connect(task.Loop(), client).Await(task)
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.Write([]byte("x"))
				until(t, task, func() bool { return strings.Contains(client.String(), "data") })
				conn.Close()
				_, _ = client.wait(t, task), server.wait(t, task)
			})
		})
	}
}

func TestEndpointRefusals(t *testing.T) {
	onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := task.Loop()
		for in, want := range map[string]string{
			"tcp":                          `endpoint "tcp": no port`,
			"tcp:eighty":                   `port "eighty": want a number from 0 to 65535`,
			"tcp:70000":                    `port "70000"`,
			"tcp:80:81":                    `unexpected argument "81"`,
			"tcp:80:colour=red":            `unknown option "colour"`,
			"tcp:80:timeout=5":             `timeout does not apply to tcp here`,
			"tcp:80:backlog=0":             `backlog "0": want a number from 1 to 1048576`,
			"tcp:80:handshake=5":           `handshake does not apply to tcp here`,
			"tls:443":                      `no cert`,
			"tls:443:cert=/no/such/file":   `no such file`,
			"unix":                         `no path`,
			"unix:/no/such/folder/at/all":  `listen /no/such/folder/at/all: `,
			"tcp:0:interface=no-such-host": `listen no-such-host:0: `,
		} {
			if l.Simulated() && strings.HasPrefix(want, "listen /no") {
				continue // where paths are only names
			}
			e, err := transport.ParseEndpoint(in)
			if err != nil {
				t.Fatal(err)
			}
			srv, err := e.Listen(l, nil)
			if srv != nil || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Listen at %s: %v", in, err)
			}
		}
		for in, want := range map[string]string{
			"tcp:80":                             `no port`,
			"tcp:localhost:80:interface=1.1.1.1": `interface does not apply to tcp here`,
			"tcp:localhost:80:timeout=soon":      `timeout "soon": want a number of seconds`,
			"tcp:localhost:80:bind=there":        `bind "there": want an IP address`,
			"tls:localhost:443:ca=/no/such/file": `no such file`,
			"tls:localhost:443:handshake=soon":   `handshake "soon": want a number of seconds`,
		} {
			e, err := transport.ParseEndpoint(in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Connect(l, &recorder{}).Await(task); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Connect to %s: %v", in, err)
			}
		}
		e, _ := transport.ParseEndpoint("tls:443:cert=/no/such/file")
		if _, err := e.Listen(l, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no such file: %v", err)
		}
	})
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"tcp:80", "tls:443:cert=a:key=b", `unix:\:\=\\`, "haproxy:tcp:80:trust=::1", "process:ls:-l:dir=x", "stdio:", "tcp:a=b:a=b", "=", ":", `\`, "ssl:x=y=z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := transport.ParseEndpoint(s)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "endpoint ") {
				t.Errorf("an error without the endpoint: %v", err)
			}
			return
		}
		again, err := transport.ParseEndpoint(e.String())
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%q: %+v is written %q and read as %+v, %v", s, e, e.String(), again, err)
		}
	})
}
