package corolla_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
)

// realProxies are other people's. Each is started with a port, and a folder for its configuration.
var realProxies = map[string]struct {
	scheme, program, wrong string // the last of a password
	args                   func(t *testing.T, dir, port string) []string
}{
	"microsocks": {"socks5", "microsocks", "refuses the password", func(_ *testing.T, _, port string) []string {
		return []string{"-i", "127.0.0.1", "-p", port, "-u", "me", "-P", "secret"}
	}},
	"dante": {"socks5", "danted", "", func(t *testing.T, dir, port string) []string {
		return []string{"-f", proxyConfig(t, dir, `
			logoutput: /dev/null
			internal: 127.0.0.1 port = `+port+`
			external: lo
			clientmethod: none
			socksmethod: none
			client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
			socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
		`), "-p", filepath.Join(dir, "pid")}
	}},
	"tinyproxy": {"http", "tinyproxy", "401 Unauthorized", func(t *testing.T, dir, port string) []string {
		return []string{"-d", "-c", proxyConfig(t, dir, "Listen 127.0.0.1\nPort "+port+"\nTimeout 60\nBasicAuth me secret\n")}
	}},
}

func proxyConfig(t *testing.T, dir, text string) string {
	t.Helper()
	name := filepath.Join(dir, "conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// startProxy starts a proxy that ends with the test, and returns its address.
func startProxy(t *testing.T, name string) string {
	t.Helper()
	p := realProxies[name]
	program, err := exec.LookPath(p.program)
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/" + p.program); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, p.args(t, t.TempDir(), port)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // dante has children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // killed
	})
	return addr
}

// TestDialProxyReal: an echo server behind each proxy, a port that refuses, and a wrong password.
func TestDialProxyReal(t *testing.T) {
	for name, p := range realProxies {
		t.Run(name, func(t *testing.T) {
			addr := startProxy(t, name)
			l, err := corolla.New(corolla.SlowLimit(time.Hour))
			leaktest.NeedLoop(t, err)
			defer leaktest.Close(t, l)
			run(t, l, func(task *corolla.Task) error {
				ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				dial := func(login, target string) (*aio.Conn, error) {
					u, err := url.Parse(fmt.Sprintf("%s://%s%s", p.scheme, login, addr))
					if err != nil {
						return nil, err
					}
					return aio.Dial(task, "tcp", target, corolla.DialProxy(u))
				}
				_, port, _ := net.SplitHostPort(ln.Addr().String())
				served := l.Go(func(t *corolla.Task) error { return echoTwice(t, ln) })
				var c *aio.Conn
				for range 1000 { // until it listens
					if c, err = dial("me:secret@", "127.0.0.1:"+port); err == nil {
						break
					}
					if err := task.Sleep(10 * time.Millisecond); err != nil {
						return err
					}
				}
				if err != nil {
					return err
				}
				wantEcho(t, task, c)
				if c, err = dial("me:secret@", "localhost:"+port); err != nil {
					return err
				}
				wantEcho(t, task, c)
				if _, err := served.Await(task); err != nil {
					t.Error(err)
				}
				_ = ln.Close()
				if _, err := dial("me:secret@", "127.0.0.1:"+port); err == nil || !strings.Contains(err.Error(), "connect to 127.0.0.1:"+port) {
					t.Errorf("nobody listens: %v", err)
				}
				if name == "dante" {
					return nil // which wants no password
				}
				if _, err := dial("me:wrong@", "127.0.0.1:"+port); err == nil || !strings.Contains(err.Error(), p.wrong) {
					t.Errorf("a wrong password: %v", err)
				}
				if _, err := dial("", "127.0.0.1:"+port); err == nil || !strings.Contains(err.Error(), "wants a user and a password") {
					t.Errorf("no password: %v", err)
				}
				return nil
			})
		})
	}
}

// echoTwice answers two connections, of which one may come over IPv6.
func echoTwice(t *corolla.Task, ln *aio.Listener) error {
	for range 2 {
		c, err := ln.Accept(t)
		if err != nil {
			return err
		}
		if _, err := aio.Copy(t, c, c); err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func wantEcho(t *testing.T, task *corolla.Task, c *aio.Conn) {
	t.Helper()
	defer c.Close()
	const text = "through the proxy"
	if _, err := c.Write(task, []byte(text)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := c.ReadFull(task, got); string(got) != text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
