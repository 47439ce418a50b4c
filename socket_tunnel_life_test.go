package corolla_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

// TestDialProxySlow: a proxy that says nothing, or a byte now and then, has DialTimeout in all.
func TestDialProxySlow(t *testing.T) {
	const limit = 20 * time.Millisecond
	for name, piece := range map[string]string{"silent": "", "trickling": "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1000)} {
		t.Run(name, func(t *testing.T) {
			withProxy(t, func(p proxyTest) {
				p.serve(func(t *corolla.Task, c *aio.Conn) error {
					for i := range piece {
						if _, err := c.Write(t, []byte(piece[i:i+1])); err != nil {
							return nil // it has given up
						}
						if err := t.Sleep(time.Millisecond); err != nil {
							return err
						}
					}
					for {
						if _, err := c.Read(t, make([]byte, 100)); err != nil {
							return nil
						}
					}
				})
				_, err := aio.Dial(p.task, "tcp", "server.test:80", corolla.DialProxy(p.url("http://PROXY")), corolla.DialTimeout(limit))
				var late *corolla.TimeoutError
				if !errors.As(err, &late) || late.After != limit || !strings.Contains(err.Error(), "server.test:80: proxy "+p.ln.Addr().String()) {
					p.Errorf("a %s proxy: %v", name, err)
				}
			})
		})
	}
}

// TestDialProxyCanceled: at each turn from the start on, nothing is left behind.
func TestDialProxyCanceled(t *testing.T) {
	withProxy(t, func(p proxyTest) {
		for turns := range 40 {
			served := p.serve(func(t *corolla.Task, c *aio.Conn) error {
				return playSteps(t, c, proxyTalks["password"].steps, "", 0)
			})
			served.OnDone(func(f *corolla.Future[struct{}]) { _, _ = f.Result() }) // whatever it has come to
			f := p.task.Loop().Dial("tcp", "server.test:80", corolla.DialProxy(p.url("socks5://me:secret@PROXY")))
			for range turns {
				if err := p.task.Yield(); err != nil {
					p.Fatal(err)
				}
			}
			f.Cancel(nil)
			s, err := f.Await(p.task)
			if err == nil {
				_ = s.Close() // it was connected by then
			} else if !errors.Is(err, corolla.ErrCanceled) {
				p.Errorf("canceled after %d turns: %v", turns, err)
			}
			if !served.Done() {
				served.Cancel(nil)
			}
			if _, _, err := corolla.Wait(p.task, corolla.AllDone, served); err != nil {
				p.Fatal(err)
			}
		}
	})
}

// TestDialProxyChain: the first proxy is asked for the second, and that one for the target.
func TestDialProxyChain(t *testing.T) {
	withProxy(t, func(p proxyTest) {
		steps := []proxyStep{
			{"CONNECT second.test:1080 HTTP/1.1\r\nHost: second.test:1080\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
			{socksGreeting, "\x05\x00"},
			{socksToName, socksOK},
		}
		served := p.serve(func(t *corolla.Task, c *aio.Conn) error { return playSteps(t, c, steps, "hi", 0) })
		c, err := aio.Dial(p.task, "tcp", "server.test:80", corolla.DialProxy(p.url("http://PROXY")), corolla.DialProxy(p.url("socks5://second.test")))
		if err != nil {
			p.Fatal(err)
		}
		b := make([]byte, 2)
		if _, err := c.ReadFull(p.task, b); string(b) != "hi" || err != nil {
			p.Errorf("%q, %v", b, err)
		}
		if _, err := served.Await(p.task); err != nil {
			p.Error(err)
		}
		_ = c.Close()

		served = p.serve(func(t *corolla.Task, c *aio.Conn) error {
			return playSteps(t, c, []proxyStep{steps[0], {socksGreeting, "\x05\xff"}}, "", 0)
		})
		_, err = aio.Dial(p.task, "tcp", "server.test:80", corolla.DialProxy(p.url("http://PROXY")), corolla.DialProxy(p.url("socks5://second.test")))
		if err == nil || !strings.Contains(err.Error(), "proxy socks5://second.test: connect to server.test:80: ") {
			p.Errorf("the second proxy refuses: %v", err)
		}
		if _, err := served.Await(p.task); err != nil {
			p.Error(err)
		}
	})
}

// TestTunnel on a connection of one's own: with a header, while somebody reads, and closed meanwhile.
func TestTunnel(t *testing.T) {
	withProxy(t, func(p proxyTest) {
		begin := func() *aio.Conn {
			c, err := aio.Dial(p.task, "tcp", p.ln.Addr().String())
			if err != nil {
				p.Fatal(err)
			}
			return c
		}
		u := p.url("http://PROXY")
		served := p.serve(func(t *corolla.Task, c *aio.Conn) error {
			return playSteps(t, c, []proxyStep{{"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nA: 2\r\nA: 3\r\nB: 1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}}, "", 0)
		})
		c := begin()
		if _, err := corolla.Tunnel(c.Socket(), u, map[string][]string{"B": {"1"}, "A": {"2", "3"}}, "x:1").Await(p.task); err != nil {
			p.Error(err)
		}
		if _, err := served.Await(p.task); err != nil {
			p.Error(err)
		}
		_ = c.Close()
		for _, h := range []map[string][]string{{"A\r\nB": {"1"}}, {"": {"1"}}, {"A": {"1\r\nB: 2"}}} {
			if _, err := corolla.Tunnel(c.Socket(), u, h, "x:1").Await(p.task); err == nil || !strings.Contains(err.Error(), "malformed header field") {
				p.Errorf("header %q: %v", h, err)
			}
		}
		p.serve(func(t *corolla.Task, c *aio.Conn) error { _, err := readToEnd(t, c); return err })
		c = begin()
		c.Socket().OnReadable(func() {})
		if _, err := corolla.Tunnel(c.Socket(), u, nil, "x:1").Await(p.task); !errors.Is(err, corolla.ErrBusy) {
			p.Errorf("while somebody reads: %v", err)
		}
		_ = c.Close()
		p.serve(func(t *corolla.Task, c *aio.Conn) error { _, err := readToEnd(t, c); return err })
		c = begin()
		f := corolla.Tunnel(c.Socket(), u, nil, "x:1")
		_ = c.Close()
		if _, err := f.Await(p.task); !errors.Is(err, net.ErrClosed) {
			p.Errorf("closed meanwhile: %v", err)
		}
		p.serve(func(t *corolla.Task, c *aio.Conn) error {
			_, err := c.Write(t, []byte("HTTP/1.1 200 OK\r\n\r\n"))
			return err
		})
		c = begin()
		if err := c.Socket().WaitReadable(p.task); err != nil {
			p.Fatal(err)
		}
		big := map[string][]string{"A": {strings.Repeat("x", 8<<20)}} // more than the system takes
		if _, err := corolla.Tunnel(c.Socket(), u, big, "x:1").Await(p.task); err == nil || !strings.Contains(err.Error(), "before it was asked") {
			p.Errorf("an early answer: %v", err)
		}
		_ = c.Close()
	})
}

func readToEnd(t *corolla.Task, c *aio.Conn) (n int, err error) {
	b := make([]byte, 64<<10)
	for {
		m, err := c.Read(t, b)
		if n += m; err != nil {
			return n, eofIsFine(err)
		}
	}
}

// TestDialProxyWithAnAddressThatIsSilent: the attempt to reach that one is given up.
func TestDialProxyWithAnAddressThatIsSilent(t *testing.T) {
	w := sim.New(1, sim.Name("proxy.test", "10.9.9.9", "127.0.0.1"), sim.Silent("10.9.9.9"))
	l := w.NewLoop()
	run(t, l, func(task *corolla.Task) error {
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:1080")
		if err != nil {
			return err
		}
		p := proxyTest{t, task, ln}
		served := p.serve(func(t *corolla.Task, c *aio.Conn) error { return playSteps(t, c, proxyTalks["socks5"].steps, "", 0) })
		c, err := aio.Dial(task, "tcp", "server.test:80", corolla.DialProxy(p.url("socks5://proxy.test")))
		if err != nil {
			return err
		}
		if _, err := served.Await(task); err != nil {
			t.Error(err)
		}
		_, _ = c.Close(), ln.Close()
		if n := l.Stats().Sockets; n != 0 {
			t.Errorf("%d sockets are left", n)
		}
		return nil
	})
	if err := l.Close(); err != nil || w.Open() != 0 {
		t.Errorf("%v, and %d descriptors are open", err, w.Open())
	}
}
