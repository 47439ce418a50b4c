package corolla_test

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// A step of a proxy by the book: what it wants to hear, and its answer.
type proxyStep struct{ hear, say string }

const (
	socksGreeting = "\x05\x01\x00"
	socksToName   = "\x05\x01\x00\x03\x0bserver.test\x00\x50"
	socksOK       = "\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50"
	connectToName = "CONNECT server.test:80 HTTP/1.1\r\nHost: server.test:80\r\n\r\n"
)

// proxyTalks are dialogues that end well.
var proxyTalks = map[string]struct {
	url, target string
	steps       []proxyStep
}{
	"socks5":       {"socks5://PROXY", "server.test:80", []proxyStep{{socksGreeting, "\x05\x00"}, {socksToName, socksOK}}},
	"named answer": {"socks5h://PROXY", "server.test:80", []proxyStep{{socksGreeting, "\x05\x00"}, {socksToName, "\x05\x00\x00\x03\x02me\x00\x50"}}},
	"IPv4":         {"socks5://PROXY", "10.1.2.3:8080", []proxyStep{{socksGreeting, "\x05\x00"}, {"\x05\x01\x00\x01\x0a\x01\x02\x03\x1f\x90", socksOK}}},
	"IPv6": {"socks5://PROXY", "[2001:db8::1]:1", []proxyStep{
		{socksGreeting, "\x05\x00"},
		{"\x05\x01\x00\x04\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01\x00\x01", "\x05\x00\x00\x04" + strings.Repeat("\x00", 18)},
	}},
	"password": {"socks5://me:secret@PROXY", "server.test:80", []proxyStep{
		{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x02me\x06secret", "\x01\x00"}, {socksToName, socksOK},
	}},
	"password not wanted": {"socks5://me:secret@PROXY", "server.test:80", []proxyStep{{"\x05\x02\x00\x02", "\x05\x00"}, {socksToName, socksOK}}},
	"connect":             {"http://PROXY", "server.test:80", []proxyStep{{connectToName, "HTTP/1.1 200 OK\r\nVia: x\r\n\r\n"}}},
	"connect, 1.0":        {"http://PROXY", "server.test:80", []proxyStep{{connectToName, "HTTP/1.0 200\n\n"}}},
	"connect, interim":    {"http://PROXY", "server.test:80", []proxyStep{{connectToName, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 None\r\nA: b\r\n\r\n"}}},
	"connect, password": {"http://me:secret@PROXY", "[::1]:80", []proxyStep{{
		"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
	}}},
}

// proxyTest is a listener that plays a proxy for one connection after the other.
type proxyTest struct {
	*testing.T
	task *corolla.Task
	ln   *aio.Listener
}

func withProxy(t *testing.T, test func(p proxyTest)) {
	t.Helper()
	eachHost(t, func(t *testing.T, l *corolla.Loop, _ *errorLog) {
		run(t, l, func(task *corolla.Task) error {
			ln, err := aio.Listen(l, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			test(proxyTest{t, task, ln})
			if err := ln.Close(); err != nil {
				t.Error(err)
			}
			for s := l.Stats(); s.Sockets > 0 || s.Callbacks > 0; s = l.Stats() { // until the server's sides are closed
				if err := task.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (p proxyTest) url(text string) *url.URL {
	p.Helper()
	u, err := url.Parse(strings.ReplaceAll(text, "PROXY", p.ln.Addr().String()))
	if err != nil {
		p.Fatal(err)
	}
	return u
}

// serve plays a proxy, in a task, for the next connection, which it then closes. The dialogue's last piece
// may be followed by the target's words.
func (p proxyTest) serve(play func(t *corolla.Task, c *aio.Conn) error) *corolla.Future[struct{}] {
	return p.task.Loop().Go(func(t *corolla.Task) error {
		c, err := p.ln.Accept(t)
		if err != nil {
			return err
		}
		defer c.Close()
		return play(t, c)
	})
}

func playSteps(t *corolla.Task, c *aio.Conn, steps []proxyStep, behind string, split int) error {
	for i, s := range steps {
		got := make([]byte, len(s.hear))
		if _, err := c.ReadFull(t, got); err != nil || string(got) != s.hear {
			return errors.Join(err, errors.New("the proxy heard "+string(got)+", want "+s.hear))
		}
		if i == len(steps)-1 {
			s.say += behind
		}
		at := min(max(split, 0), len(s.say))
		for _, piece := range []string{s.say[:at], s.say[at:]} {
			if _, err := c.Write(t, []byte(piece)); err != nil {
				return err
			}
			if err := t.Sleep(time.Microsecond); err != nil {
				return err
			}
		}
		split -= len(s.say)
	}
	return nil
}

// TestDialProxy: however the answers are cut, and with the target's first words right behind them.
func TestDialProxy(t *testing.T) {
	const behind = "220 hello"
	for name, c := range proxyTalks {
		t.Run(name, func(t *testing.T) {
			withProxy(t, func(p proxyTest) {
				size := 0
				for _, s := range c.steps {
					size += len(s.say)
				}
				for split := range size + 1 {
					served := p.serve(func(t *corolla.Task, c2 *aio.Conn) error { return playSteps(t, c2, c.steps, behind, split) })
					conn, err := aio.Dial(p.task, "tcp", c.target, corolla.DialProxy(p.url(c.url)))
					if err != nil {
						p.Fatalf("split at %d: %v", split, err)
					}
					got := make([]byte, len(behind))
					if _, err := conn.ReadFull(p.task, got); string(got) != behind || err != nil {
						p.Errorf("split at %d: behind the answer came %q, %v", split, got, err)
					}
					if _, err := served.Await(p.task); err != nil {
						p.Error(err)
					}
					if conn.RemoteAddr().String() != p.ln.Addr().String() {
						p.Errorf("the peer is %v", conn.RemoteAddr())
					}
					_ = conn.Close()
				}
			})
		})
	}
}

// TestDialProxyCutOff: a proxy that closes at any byte, in either direction.
func TestDialProxyCutOff(t *testing.T) {
	for name, c := range proxyTalks {
		t.Run(name, func(t *testing.T) {
			withProxy(t, func(p proxyTest) {
				for last, s := range c.steps {
					for n := range len(s.say) {
						steps := append(c.steps[:last:last], proxyStep{s.hear, s.say[:n]})
						p.serve(func(t *corolla.Task, c2 *aio.Conn) error { return playSteps(t, c2, steps, "", 0) })
						p.refused(c.url, c.target, io.ErrUnexpectedEOF, "proxy "+p.url(c.url).Scheme+"://"+p.ln.Addr().String()+": connect to "+c.target+": ")
					}
				}
			})
		})
	}
}

// refused wants Dial to fail, with an error that wraps is, unless that is nil, and has some words, but never the
// password.
func (p proxyTest) refused(proxy, target string, is error, words string) {
	p.Helper()
	s, err := p.task.Loop().Dial("tcp", target, corolla.DialProxy(p.url(proxy))).Await(p.task)
	if s != nil || err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(err.Error(), words) ||
		strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "dial "+target+": ") {
		p.Errorf("%s to %s: %v; want %v: %s", proxy, target, err, is, words)
	}
}

func TestDialProxyRefused(t *testing.T) {
	greeted := func(hear, say string) []proxyStep { return []proxyStep{{socksGreeting, "\x05\x00"}, {hear, say}} }
	for name, c := range map[string]struct {
		url   string
		steps []proxyStep
		is    error
		words string
	}{
		"SOCKS4":            {"socks5://PROXY", []proxyStep{{socksGreeting, "\x00\x5a"}}, nil, "not a SOCKS5 proxy"},
		"HTTP as SOCKS5":    {"socks5://PROXY", []proxyStep{{socksGreeting, "HTTP/1.1 400 Bad Request\r\n\r\n"}}, nil, "not a SOCKS5 proxy"},
		"no method":         {"socks5://PROXY", []proxyStep{{socksGreeting, "\x05\xff"}}, nil, "wants a user and a password"},
		"no passwords":      {"socks5://me:secret@PROXY", []proxyStep{{"\x05\x02\x00\x02", "\x05\xff"}}, nil, "takes no passwords"},
		"another method":    {"socks5://PROXY", []proxyStep{{socksGreeting, "\x05\x02"}}, nil, "authentication 2, which was not offered"},
		"wrong password":    {"socks5://me:secret@PROXY", []proxyStep{{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x02me\x06secret", "\x01\x01"}}, nil, "refuses the password"},
		"login's version":   {"socks5://me:secret@PROXY", []proxyStep{{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x02me\x06secret", "\x05\x00"}}, nil, "not a SOCKS5 proxy"},
		"failed":            {"socks5://PROXY", greeted(socksToName, "\x05\x01\x00\x01"), nil, "the proxy failed"},
		"not allowed":       {"socks5://PROXY", greeted(socksToName, "\x05\x02\x00\x01"), nil, "rules"},
		"no network":        {"socks5://PROXY", greeted(socksToName, "\x05\x03\x00\x01"), syscall.ENETUNREACH, ""},
		"no host":           {"socks5://PROXY", greeted(socksToName, "\x05\x04\x00\x01"), syscall.EHOSTUNREACH, ""},
		"connection refuse": {"socks5://PROXY", greeted(socksToName, "\x05\x05\x00\x01"), syscall.ECONNREFUSED, ""},
		"expired":           {"socks5://PROXY", greeted(socksToName, "\x05\x06\x00\x01"), nil, "time to live"},
		"no connect":        {"socks5://PROXY", greeted(socksToName, "\x05\x07\x00\x01"), nil, "does not connect"},
		"kind of address":   {"socks5://PROXY", greeted(socksToName, "\x05\x08\x00\x01"), nil, "kind of address"},
		"unknown status":    {"socks5://PROXY", greeted(socksToName, "\x05\x63\x00\x01"), nil, "status 99"},
		"reply's version":   {"socks5://PROXY", greeted(socksToName, "\x04\x00\x00\x01"), nil, "malformed answer: version 4"},
		"reply's address":   {"socks5://PROXY", greeted(socksToName, "\x05\x00\x00\x02"), nil, "address of kind 2"},
		"SOCKS5 as HTTP":    {"http://PROXY", []proxyStep{{connectToName, "\x05\x00"}}, nil, "not an HTTP proxy"},
		"SSH":               {"http://PROXY", []proxyStep{{connectToName, "SSH-2.0-x\r\n"}}, nil, "not an HTTP proxy"},
		"403":               {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"}}, nil, `"403 Forbidden"`},
		"407":               {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 407 No\r\n\r\n"}}, nil, "wants a user and a password"},
		"101":               {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 101 Switching\r\n\r\n"}}, nil, `"101 Switching"`},
		"no status":         {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 two hundred\r\n\r\n"}}, nil, "malformed answer"},
		"long status":       {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 2000 x\r\n\r\n"}}, nil, "malformed answer"},
		"a short line":      {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.\n200\n\n"}}, nil, "malformed answer"},
		"no space":          {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1-200 x\r\n\r\n"}}, nil, "malformed answer"},
		"a long head":       {"http://PROXY", []proxyStep{{connectToName, "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 10_000)}}, nil, "longer than 16384 bytes"},
		"interim for ever":  {"http://PROXY", []proxyStep{{connectToName, strings.Repeat("HTTP/1.1 100 Go\r\n\r\n", 10_000)}}, nil, "longer than 16384 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			withProxy(t, func(p proxyTest) {
				played := p.serve(func(t *corolla.Task, c2 *aio.Conn) error { return playSteps(t, c2, c.steps, "", 0) })
				played.OnDone(func(f *corolla.Future[struct{}]) { _, _ = f.Result() }) // it may be cut off
				p.refused(c.url, "server.test:80", c.is, c.words)
			})
		})
	}
}

// TestDialProxyMisuse is refused before anything is sent.
func TestDialProxyMisuse(t *testing.T) {
	withProxy(t, func(p proxyTest) {
		for proxy, words := range map[string]string{
			"https://PROXY": `unsupported scheme "https"`, "socks5://": "a proxy without a host", "": `unsupported scheme ""`,
		} {
			p.refused(proxy, "server.test:80", nil, words)
		}
		long := strings.Repeat("x", 256)
		for target, words := range map[string]string{
			"server.test": "missing port", "server.test:http": `port "http"`, ":80": `host ""`, long + ":80": "at most 255 bytes",
			"server test:80": "want a name", "evil\r\nX: y:80": "",
		} {
			p.serve(func(t *corolla.Task, c *aio.Conn) error { _, err := c.Read(t, make([]byte, 1)); return eofIsFine(err) })
			p.refused("http://PROXY", target, nil, words)
		}
		for _, login := range []string{":secret", long + ":secret", "me:" + long} {
			p.serve(func(t *corolla.Task, c *aio.Conn) error {
				return playSteps(t, c, []proxyStep{{"\x05\x02\x00\x02", "\x05\x02"}}, "", 0)
			})
			p.refused("socks5://"+login+"@PROXY", "server.test:80", nil, "at most 255 bytes")
		}
		if _, err := p.task.Loop().Dial("unix", "/x", corolla.DialProxy(p.url("http://PROXY"))).Await(p.task); err == nil ||
			!strings.Contains(err.Error(), "a proxy cannot connect to unknown network unix") {
			p.Errorf("unix: %v", err)
		}
		if _, err := p.task.Loop().Dial("tcp", "x:1", corolla.DialProxy(nil)).Await(p.task); err == nil {
			p.Error("a nil URL is accepted")
		}
	})
}

func eofIsFine(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
