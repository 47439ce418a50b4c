package shard_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/web"
)

// styles are servers that say which shard they are on, and send back what they get.
var styles = map[string]func(t *testing.T, s *shard.Shard, ln *corolla.Socket) error{
	"aio": func(_ *testing.T, s *shard.Shard, ln *corolla.Socket) error {
		return aio.NewServer(aio.NewListener(ln), func(task *corolla.Task, c *aio.Conn) error {
			if _, err := c.Write(task, []byte{'0' + byte(s.Index())}); err != nil {
				return err
			}
			_, err := aio.Copy(task, c, c)
			return err
		}).Serve(s.Task())
	},
	"transport": func(_ *testing.T, s *shard.Shard, ln *corolla.Socket) error {
		transport.ServeOn(ln, func(*transport.Conn) transport.Protocol { return echo{s} })
		return forever(s)
	},
	"green": func(_ *testing.T, s *shard.Shard, ln *corolla.Socket) error {
		h := green.NewHub(s.Loop())
		return h.Serve(h.WrapListener(aio.NewListener(ln)), func(c *green.Conn) error {
			if _, err := c.Write([]byte{'0' + byte(s.Index())}); err != nil {
				return err
			}
			_, err := io.Copy(c, c)
			return err
		})
	},
}

type echo struct{ s *shard.Shard }

func (e echo) Opened(c *transport.Conn)         { _ = c.Write([]byte{'0' + byte(e.s.Index())}) }
func (e echo) Data(c *transport.Conn, b []byte) { _ = c.Write(b) }
func (e echo) Closed(*transport.Conn, error)    {}

var errDone = errors.New("the clients are done")

// serving has four shards listen, runs clients on the first, and ends.
func serving(r *runner, by shard.Spread, serve func(s *shard.Shard, ln *corolla.Socket) error, clients func(s *shard.Shard, t *corolla.Task, addr string) error) {
	r.t.Helper()
	listening := 0
	err := r.run(func(s *shard.Shard) error {
		ln, err := s.Listen("tcp", "127.0.0.1:0", by)
		if err != nil {
			return err
		}
		addr := ln.LocalAddr().String()
		if err := s.Send(0, func(o *shard.Shard) {
			if listening++; listening == o.Len() {
				o.Loop().Go(func(task *corolla.Task) error {
					defer o.Task().Cancel(errDone)
					return clients(o, task, addr)
				})
			}
		}); err != nil {
			return err
		}
		return serve(s, ln)
	})
	if !errors.Is(err, errDone) {
		r.t.Errorf("Run: %v", err)
	}
}

// visit connects, and returns which shard has answered.
func visit(t *corolla.Task, addr string, keep bool) (*aio.Conn, int, error) {
	c, err := aio.Dial(t, "tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	b := make([]byte, 1)
	if _, err = c.ReadFull(t, b); err == nil && !keep {
		err = c.Close()
	}
	return c, int(b[0] - '0'), err
}

// spreads are all there are.
var spreads = map[string]shard.Spread{
	"system": shard.BySystem, "handed out": shard.RoundRobin, "least": shard.LeastConns, "source": shard.BySource,
}

func TestEveryStyleServesOnAllShards(t *testing.T) {
	for style, serve := range styles {
		for name, by := range spreads {
			t.Run(style+" "+name, func(t *testing.T) {
				eachHost(t, func(t *testing.T, r *runner) {
					var seen [4]int
					serving(r, by, func(s *shard.Shard, ln *corolla.Socket) error { return serve(t, s, ln) },
						func(_ *shard.Shard, task *corolla.Task, addr string) error {
							for range 200 {
								c, at, err := visit(task, addr, true)
								if err != nil {
									return err
								}
								seen[at]++
								if _, err := c.Write(task, []byte("hello")); err != nil {
									return err
								}
								b := make([]byte, 5)
								if _, err := c.ReadFull(task, b); err != nil || string(b) != "hello" {
									t.Errorf("read %q, %v", b, err)
								}
								if err := c.Close(); err != nil {
									return err
								}
							}
							return nil
						})
					for at, n := range seen {
						if by == shard.BySource && n != 0 && n != 200 || by == shard.BySystem && n == 0 || by == shard.RoundRobin && n != 50 {
							t.Errorf("shard %d has served %d of 200", at, n)
						}
					}
				})
			})
		}
	}
}

func TestLeastConnsEvensOut(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		serving(r, shard.LeastConns, func(s *shard.Shard, ln *corolla.Socket) error { return styles["aio"](t, s, ln) },
			func(s *shard.Shard, task *corolla.Task, addr string) error {
				var open [4][]*aio.Conn
				for range 40 {
					c, at, err := visit(task, addr, true)
					if err != nil {
						return err
					}
					open[at] = append(open[at], c)
				}
				for at, cs := range open {
					if len(cs) != 10 {
						t.Errorf("shard %d has %d of 40", at, len(cs))
					}
				}
				before := 0
				if err := s.Call(task, 1, func(o *shard.Shard) error { before = o.Loop().Stats().Sockets; return nil }); err != nil {
					return err
				}
				for _, c := range open[1] {
					if err := c.Close(); err != nil {
						return err
					}
				}
				if err := heard(s, task, 1, before-10); err != nil {
					return err
				}
				for range 10 {
					c, at, err := visit(task, addr, true)
					if err != nil {
						return err
					}
					if open[at] = append(open[at], c); at != 1 {
						t.Errorf("shard %d got one, and shard 1 has the fewest", at)
					}
				}
				return nil
			})
	})
}

// heard waits until a shard has so many sockets, and all shards have had the messages that it sent before.
func heard(s *shard.Shard, task *corolla.Task, of, sockets int) error {
	for is := -1; is != sockets; {
		if err := s.Call(task, of, func(o *shard.Shard) error { is = o.Loop().Stats().Sockets; return nil }); err != nil {
			return err
		}
		if err := task.Sleep(100 * time.Microsecond); err != nil {
			return err
		}
	}
	done := corolla.NewFuture[struct{}](s.Loop())
	if err := s.Send(of, func(o *shard.Shard) {
		o.Loop().Go(func(task *corolla.Task) error {
			for to := range o.Len() {
				if err := o.Call(task, to, func(*shard.Shard) error { return nil }); err != nil {
					return err
				}
			}
			return o.Send(s.Index(), func(*shard.Shard) { _ = done.Resolve(struct{}{}) })
		})
	}); err != nil {
		return err
	}
	_, err := done.Await(task)
	return err
}

// All connections from one address go to one shard.
func TestBySourceIsConstant(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		serving(r, shard.BySource, func(s *shard.Shard, ln *corolla.Socket) error { return styles["aio"](t, s, ln) },
			func(_ *shard.Shard, task *corolla.Task, addr string) error {
				_, first, err := visit(task, addr, false)
				for range 20 {
					_, at, e := visit(task, addr, false)
					if err = errors.Join(err, e); at != first {
						t.Errorf("shard %d, and then %d", first, at)
					}
				}
				return err
			})
	})
}

func TestWebServesOnAllShards(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for name, by := range spreads {
		t.Run("plain "+name, func(t *testing.T) { webServes(t, by, false, ca, cert) })
		t.Run("TLS "+name, func(t *testing.T) { webServes(t, by, true, ca, cert) })
	}
}

func webServes(t *testing.T, by shard.Spread, secure bool, ca *certtest.Authority, cert tls.Certificate) {
	eachHost(t, func(t *testing.T, r *runner) {
		var seen [4]int
		serving(r, by, func(s *shard.Shard, ln *corolla.Socket) error {
			l := aio.NewListener(ln)
			if secure {
				var err error
				if l, err = aio.NewTLSListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now}); err != nil {
					return err
				}
			}
			return web.Serve(s.Task(), l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte{'0' + byte(s.Index())})
			}))
		}, func(_ *shard.Shard, task *corolla.Task, addr string) error {
			for range 8 {
				tr := &web.Transport{Loop: task.Loop(), TLSClientConfig: &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now}}
				scheme := map[bool]string{true: "https://", false: "http://"}[secure]
				req, err := http.NewRequestWithContext(task, http.MethodGet, scheme+addr, http.NoBody)
				if err != nil {
					return err
				}
				res, err := tr.RoundTrip(req)
				if err != nil {
					return err
				}
				b, err := io.ReadAll(res.Body)
				if err != nil {
					return err
				}
				seen[b[0]-'0']++
				if err := res.Body.Close(); err != nil {
					return err
				}
				tr.CloseIdleConnections()
			}
			return nil
		})
		most, all := 0, 0
		for _, n := range seen {
			most, all = max(most, n), all+n
		}
		if all != 8 || by == shard.RoundRobin && most != 2 || by == shard.BySource && most != 8 {
			t.Errorf("served %v", seen)
		}
	})
}

// Who stops listening gets no more connections, and the others do; when nobody listens the port is free.
func TestShardStopsListening(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			ln, err := s.Listen("tcp", "127.0.0.1:0", shard.RoundRobin)
			if err != nil {
				return err
			}
			if s.Index() != 0 {
				return ln.Close()
			}
			addr := ln.LocalAddr()
			if !strings.HasPrefix(addr.String(), "127.0.0.1:") {
				t.Errorf("it listens at %v", addr)
			}
			if err := ln.Close(); err != nil {
				return err
			}
			if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second Close: %v", err)
			}
			again, err := s.Loop().ListenAddr(addr)
			for err != nil { // until the last has left
				if err := s.Task().Yield(); err != nil {
					return err
				}
				again, err = s.Loop().ListenAddr(addr)
			}
			return again.Close()
		})
	})
}
