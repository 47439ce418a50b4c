package shard_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
	"github.com/corolla-go/corolla/web"
)

// A connection of a task wanders over all shards, a line on each: what has arrived and was read ahead goes
// with it, and TLS too.
func TestConnWanders(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{true: "TLS", false: "plain"}[secure], func(t *testing.T) {
			eachHost(t, func(t *testing.T, r *runner) {
				var answer func(s *shard.Shard, c *aio.Conn)
				answer = func(s *shard.Shard, c *aio.Conn) {
					s.Loop().Go(func(task *corolla.Task) error {
						line, err := c.ReadUntil(task, []byte("\n"))
						if err == io.EOF {
							return c.Close()
						}
						if err == nil {
							_, err = fmt.Fprintf(c.Bind(task), "%v: %s", s, line)
						}
						if err == nil {
							err = c.Flush(task)
						}
						if err != nil {
							return err
						}
						m, err := c.Move()
						if err != nil {
							return err
						}
						if _, err := c.Write(task, []byte("x")); !errors.Is(err, net.ErrClosed) {
							t.Errorf("a write to what has moved: %v", err)
						}
						return shard.PutMove(task, s, (s.Index()+1)%s.Len(), m, answer)
					})
				}
				r.must(func(s *shard.Shard) error {
					if s.Index() != 0 {
						return nil
					}
					task := s.Task()
					ln, err := aio.Listen(s.Loop(), "tcp", "127.0.0.1:0")
					if err != nil {
						return err
					}
					dial := corolla.Go(s.Loop(), func(task *corolla.Task) (*aio.Conn, error) {
						if secure {
							return aio.DialTLS(task, "tcp", ln.Addr().String(), &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
						}
						return aio.Dial(task, "tcp", ln.Addr().String())
					})
					c, err := ln.Accept(task)
					if err == nil && secure {
						err = c.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now})
					}
					if err != nil {
						return err
					}
					answer(s, c)
					client, err := dial.Await(task)
					if err != nil {
						return err
					}
					// All at once, so that lines are read ahead, or wait in TLS or in the system.
					if _, err := client.Write(task, []byte("a\nb\nc\nd\ne\n")); err != nil {
						return err
					}
					want := []string{"shard 0: a", "shard 1: b", "shard 2: c", "shard 3: d", "shard 0: e"}
					for line, err := range client.Lines(task) {
						if err != nil || string(line) != want[0] {
							t.Errorf("got %q, %v, want %q", line, err, want[0])
						}
						if want = want[1:]; len(want) == 0 {
							break
						}
					}
					return errors.Join(client.Close(), ln.Close())
				})
			})
		})
	}
}

// wanderer is a protocol of lines whose connection moves after each.
type wanderer struct {
	t *testing.T
	s *shard.Shard
}

func (w *wanderer) Opened(*transport.Receiver)        {}
func (w *wanderer) Closed(*transport.Receiver, error) {}
func (w *wanderer) Moved(*transport.Receiver)         {}

func (w *wanderer) Message(r *transport.Receiver, m []byte) {
	if _, err := r.Conn.Move(); !errors.Is(err, corolla.ErrBusy) {
		w.t.Errorf("Move of a Receiver at work: %v", err)
	}
	_ = r.Write(fmt.Appendf(nil, "%v: %s\n", w.s, m))
	r.PauseReading() // the next line is held, and moves
	r.WhenSent(func() {
		moving, err := r.Conn.Move()
		if err == nil {
			err = shard.Move(w.s, (w.s.Index()+1)%w.s.Len(), moving, func(to *shard.Shard, _ *transport.Conn) {
				w.s = to
				r.ResumeReading()
			})
		}
		if err != nil {
			w.t.Error(err)
		}
	})
}

func TestProtocolWanders(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			srv, err := transport.Serve(s.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
				return transport.NewReceiver(&framing.Lines{}, &wanderer{t, s})
			})
			if err != nil {
				return err
			}
			c, err := aio.Dial(s.Task(), "tcp", srv.Addr().String())
			if err != nil {
				return err
			}
			if _, err := c.Write(s.Task(), []byte("a\nb\nc\nd\ne\n")); err != nil {
				return err
			}
			for _, want := range []string{"shard 0: a\n", "shard 1: b\n", "shard 2: c\n", "shard 3: d\n", "shard 0: e\n"} {
				if line, err := c.ReadUntil(s.Task(), []byte("\n")); err != nil || string(line) != want {
					t.Errorf("got %q, %v, want %q", line, err, want)
				}
			}
			return errors.Join(c.Close(), srv.Close())
		})
	})
}

// A connection of HTTP is handed on between two requests, with those that have arrived.
func TestWebConnectionWanders(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		var servers shard.Value[*web.Server]
		of := func(s *shard.Shard) *web.Server { return *servers.Of(s) }
		servers.New = func(s *shard.Shard) *web.Server {
			return &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				fmt.Fprintf(w, "%v: %s", s, req.URL.Path)
				web.Release(req, func(c *aio.Conn) { pass(t, s, c, of) })
			})}
		}
		serving(r, shard.RoundRobin, func(s *shard.Shard, ln *corolla.Socket) error {
			return of(s).Serve(s.Task(), aio.NewListener(ln))
		}, func(_ *shard.Shard, task *corolla.Task, addr string) error {
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				return err
			}
			var ask strings.Builder
			for i := range 8 {
				fmt.Fprintf(&ask, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			}
			if _, err := c.Write(task, []byte(ask.String())); err != nil {
				return err
			}
			rd := bufio.NewReader(c.Bind(task))
			first := 0
			for i := range 8 {
				res, err := http.ReadResponse(rd, nil)
				if err != nil {
					return err
				}
				b, err := io.ReadAll(res.Body)
				if err != nil {
					return err
				}
				if i == 0 {
					first = int(b[6] - '0')
				}
				if want := fmt.Sprintf("shard %d: /%d", (first+i)%4, i); string(b) != want {
					t.Errorf("answer %q, want %q", b, want)
				}
			}
			return c.Close()
		})
	})
}

// pass hands a connection to the next shard's server.
func pass(t *testing.T, s *shard.Shard, c *aio.Conn, server func(*shard.Shard) *web.Server) {
	s.Loop().Go(func(task *corolla.Task) error {
		if err := c.Flush(task); err != nil {
			return err
		}
		m, err := c.Move()
		if err != nil {
			return err
		}
		return shard.PutMove(task, s, (s.Index()+1)%s.Len(), m, func(to *shard.Shard, c *aio.Conn) {
			if err := server(to).Adopt(c); err != nil && !errors.Is(err, http.ErrServerClosed) { // at the very end
				t.Error(err)
			}
		})
	})
}

func TestMoveRefusesAConnectionInUse(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			task := s.Task()
			ln, err := aio.Listen(s.Loop(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			a, err := aio.Dial(task, "tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			b, err := ln.Accept(task)
			if err != nil {
				return err
			}
			reads := s.Loop().Go(func(task *corolla.Task) error {
				_, err := a.Read(task, make([]byte, 1))
				return err
			})
			if err := task.Yield(); err != nil {
				return err
			}
			if _, err := a.Move(); !errors.Is(err, corolla.ErrBusy) {
				t.Errorf("Move while a task reads: %v", err)
			}
			if _, err := b.Write(task, []byte("x")); err != nil {
				return err
			}
			if _, err := reads.Await(task); err != nil {
				return err
			}
			for a.Buffered() == 0 { // until the system takes no more
				if err := a.TryWrite(make([]byte, 64<<10)); err != nil {
					return err
				}
			}
			if _, err := a.Move(); err == nil || !strings.Contains(err.Error(), "unsent") {
				t.Errorf("Move with unsent data: %v", err)
			}
			if err := errors.Join(a.Abort(), b.Close(), ln.Close()); err != nil {
				return err
			}
			if _, err := a.Move(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Move after the end: %v", err)
			}
			return nil
		})
	})
}
