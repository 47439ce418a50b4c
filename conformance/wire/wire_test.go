package wire_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/internal/leaktest"
)

var python = flag.String("python", "", "speak to the real frameworks, with this `interpreter`")

func TestMain(m *testing.M) { leaktest.Main(m) }

// highMark is the high water mark of a connection that nobody has set another for.
const highMark = 64 << 10

// sideLimit ends a conversation of ours that hangs.
const sideLimit = 20 * time.Second

// frameworks are what we speak to, and what each needs besides Python.
var frameworks = []struct{ name, needs string }{
	{"asyncio", "asyncio"},
	{"twisted", "twisted, OpenSSL, service_identity"},
	{"eventlet", "eventlet"},
}

// cases are the conversations.
var cases = []struct{ name, about string }{
	{"echo", "pieces of 1 byte to 70,000, each when the one before has come back"},
	{"halfclose", "100,000 bytes and the end of the stream, answered by 100,000 and the end"},
	{"lines", "lines up to 16,384 bytes; Twisted's LineReceiver"},
	{"netstrings", "netstrings up to 99,999 bytes; Twisted's NetstringReceiver"},
	{"int8", "strings up to 255 bytes; Twisted's Int8StringReceiver"},
	{"int16", "strings up to 65,535 bytes; Twisted's Int16StringReceiver"},
	{"int32", "strings up to 99,999 bytes; Twisted's Int32StringReceiver"},
	{"tls", "echo through TLS, which both sides end properly"},
	{"starttls", "a line each in the clear, then echo through TLS"},
	{"slow-server", "8 MiB to a server that does not read until the client's writing is paused"},
	{"slow-client", "8 MiB to a client that does not read until the server's writing is paused"},
	{"abort-client", "the client aborts while the server waits for more"},
	{"abort-server", "the server aborts while the client waits for more"},
}

// style is a way to have our side of a conversation.
type style struct {
	name    string
	tls     bool // whether it has TLS
	serve   func(e *exchange) (net.Addr, error)
	connect func(e *exchange, address string)
}

var styles = []style{
	{"callback", false, callbackServe, callbackConnect},
	{"transport", true, transportServe, transportConnect},
	{"task", true, taskServe, taskConnect},
	{"green", true, greenServe, greenConnect},
	{"gen", false, genServe, genConnect},
}

// exchange is one conversation: our side of it, on a loop of its own.
type exchange struct {
	loop       *corolla.Loop
	name, role string // the case, and who we are in it: server or client
	tls        *tls.Config
	peer       *peer
	result     *corolla.Future[string]
	peerFull   *corolla.Future[struct{}] // the peer's writing is paused
	most       int                       // bytes that were unsent here
}

// full tells a peer that does not read that writing is paused here.
func (e *exchange) full() {
	if err := e.peer.say("go"); err != nil {
		_ = e.result.Fail(err)
	}
}

func (e *exchange) onPeerFull(f func()) {
	e.peerFull.OnDone(func(*corolla.Future[struct{}]) { f() })
}

// TestWire has each case, in each style, with each framework, in both directions.
func TestWire(t *testing.T) {
	if *python == "" {
		t.Skip("run with -python python3, or make conformance")
	}
	folder, server, client := certificates(t)
	for _, f := range frameworks {
		t.Run(f.name, func(t *testing.T) {
			if out, err := exec.Command(*python, "-c", "import "+f.needs).CombinedOutput(); err != nil && os.Getenv("CI") != "" {
				t.Fatalf("%s is missing, and CI must have it: %v\n%s", f.name, err, out)
			} else if err != nil {
				t.Skipf("%s is missing: %v\n%s", f.name, err, out)
			}
			for role, cfg := range map[string]*tls.Config{"server": server, "client": client} {
				t.Run(role, func(t *testing.T) {
					t.Parallel()
					converse(t, f.name, exchange{role: role, tls: cfg}, folder)
				})
			}
		})
	}
}

// stylesFor returns the styles that can have a case.
func stylesFor(name string) []style {
	return slices.DeleteFunc(slices.Clone(styles), func(s style) bool {
		return !s.tls && (name == "tls" || name == "starttls")
	})
}

// converse has all cases in all our styles, one after the other, with one process of a framework.
func converse(t *testing.T, framework string, e exchange, folder string) {
	e.peer = newPeer(t, framework, folder)
	for _, c := range cases {
		for _, s := range stylesFor(c.name) {
			e := e
			e.name = c.name
			if !t.Run(c.name+"/"+s.name, func(t *testing.T) {
				e.run(t, func() error { return e.begin(s) })
				e.check(t, framework, s.name)
			}) {
				return // the process may be out of step
			}
		}
	}
}

// begin has one side serve and the other connect.
func (e *exchange) begin(s style) error {
	if e.role == "client" {
		if err := e.peer.say(e.name); err != nil {
			return err
		}
		port, err := e.peer.next("port")
		if err != nil {
			return err
		}
		s.connect(e, net.JoinHostPort("127.0.0.1", port))
		return nil
	}
	addr, err := s.serve(e)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return err
	}
	return e.peer.say(e.name + " " + port)
}

// run has our side of a conversation.
func (e *exchange) run(t *testing.T, begin func() error) {
	t.Helper()
	l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("reached the error handler: %v", err) }))
	leaktest.NeedLoop(t, err)
	e.loop, e.result, e.peerFull = l, corolla.NewFuture[string](l), corolla.NewFuture[struct{}](l)
	awaitFull := func() {
		_, err := e.peer.next("paused")
		_ = l.Post(func() {
			if err != nil {
				_ = e.result.Fail(err)
			}
			_ = e.peerFull.Resolve(struct{}{})
		})
	}
	if err := l.Run(func(task *corolla.Task) error {
		if err := begin(); err != nil {
			return err
		}
		if e.name == "slow-"+e.role {
			go awaitFull()
		}
		return task.Timeout(sideLimit, func(*corolla.Scope) error {
			_, err := e.result.Await(task)
			for err == nil && l.Stats().Sockets > 0 { // what was closed may still send
				err = task.Sleep(time.Millisecond)
			}
			return err
		})
	}); err != nil {
		t.Fatalf("our side: %v", err)
	}
	leaktest.Close(t, l)
}

// check compares what both sides report with what they must.
func (e *exchange) check(t *testing.T, framework, style string) {
	t.Helper()
	theirs, err := e.peer.next("result")
	if err != nil {
		t.Fatalf("the side of %s: %v", framework, err)
	}
	ours, _ := e.result.Result()
	role := map[string]string{"server": "client", "client": "server"}[e.role]
	if w := want(e.name, e.role, style, framework); ours != w {
		t.Errorf("%s as %s reports\n%s, want\n%s", style, e.role, ours, w)
	}
	if w := want(e.name, role, framework, style); theirs != w {
		t.Errorf("%s as %s reports\n%s, want\n%s", framework, role, theirs, w)
	}
	if limit := highMark + chunk; e.most > limit {
		t.Errorf("%d bytes were unsent, want %d at most", e.most, limit)
	}
}

// certificates makes a folder with a server's certificate and the authority that has issued it, for Python, and
// the configurations of our two sides.
func certificates(t *testing.T) (folder string, server, client *tls.Config) {
	t.Helper()
	authority := certtest.New(t)
	issued := authority.Issue(time.Time{}, "localhost")
	key, err := x509.MarshalPKCS8PrivateKey(issued.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	certificate := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }
	for name, text := range map[string][]byte{
		"authority.pem": certificate(authority.Cert.Raw),
		"server.pem": append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
			certificate(issued.Certificate[0])...),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, &tls.Config{Certificates: []tls.Certificate{issued}},
		&tls.Config{RootCAs: authority.Pool, ServerName: "localhost"}
}
