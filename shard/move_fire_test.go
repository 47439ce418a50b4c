package shard_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/web"
)

// leaving is how a peer that has written some bytes goes.
type leaving int

const (
	halfCloses leaving = iota
	closes
	resets
)

// mover is a protocol whose connection moves each time that something has come, over all shards and at times to the one
// that it is on.
type mover struct {
	t      *testing.T
	s      *shard.Shard
	have   int
	closed int
	err    error
	over   func(s *shard.Shard)
}

func (m *mover) Opened(*transport.Conn) {}

func (m *mover) Data(c *transport.Conn, b []byte) {
	if m.s.Loop() != c.Socket().Loop() {
		m.t.Error("Data on another shard than the connection's")
	}
	for _, got := range b {
		if got != byte(m.have) {
			m.t.Errorf("byte %d is %d", m.have, got)
		}
		m.have++
	}
	moving, err := c.Move()
	if err != nil {
		return // the connection stays, which has ended
	}
	if err := shard.Move(m.s, m.have/2%m.s.Len(), moving, func(to *shard.Shard, _ *transport.Conn) { m.s = to }); err != nil {
		m.t.Error(errors.Join(err, moving.Close()))
	}
}

func (m *mover) Closed(_ *transport.Conn, err error) {
	m.closed++
	m.err = err
	m.over(m.s)
}

// A connection with a protocol moves while its peer writes all the time, and goes after any number of bytes, in any way.
// Its protocol gets all of them in order, unless there was a reset, and is told of the end once.
func TestProtocolMovesUnderFire(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{true: "TLS", false: "plain"}[secure], func(t *testing.T) {
			eachHost(t, func(t *testing.T, r *runner) { protocolsMove(r, secure, ca, cert) })
		})
	}
}

func protocolsMove(r *runner, secure bool, ca *certtest.Authority, cert tls.Certificate) {
	const upTo = 12 // bytes
	var movers shard.Value[[]*mover]
	ended := 0
	var all corolla.Event
	over := func(s *shard.Shard) {
		if err := s.Send(0, func(*shard.Shard) {
			if ended++; ended == 3*upTo {
				all.Set()
			}
		}); err != nil {
			r.t.Error(err)
		}
	}
	var made [4][]*mover
	serving(r, shard.RoundRobin, func(s *shard.Shard, ln *corolla.Socket) error {
		build := func(*transport.Conn) transport.Protocol {
			m := &mover{t: r.t, s: s, over: over}
			*movers.Of(s) = append(*movers.Of(s), m)
			made[s.Index()] = *movers.Of(s)
			return m
		}
		if !secure {
			transport.ServeOn(ln, build)
		} else if _, err := transport.ServeTLSOn(ln, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now}, build); err != nil {
			return err
		}
		return forever(s)
	}, func(_ *shard.Shard, task *corolla.Task, addr string) error {
		err := task.Group(func(g *corolla.Group) error {
			for i := range 3 * upTo {
				g.Go(func(task *corolla.Task) error {
					c, err := aio.Dial(task, "tcp", addr)
					if err == nil && secure {
						err = c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
					}
					if err != nil {
						return err
					}
					return leave(task, c, counting(1+i/3), leaving(i%3))
				})
			}
			return nil
		})
		return errors.Join(err, all.Wait(task))
	})
	var got [upTo + 1]int
	for _, of := range made {
		for _, m := range of {
			if m.closed != 1 {
				r.t.Errorf("Closed was called %d times", m.closed)
			}
			if m.err == nil {
				got[m.have]++
			}
		}
	}
	for n := 1; n <= upTo; n++ {
		if got[n] < 2 {
			r.t.Errorf("%d connections ended well after %d bytes", got[n], n)
		}
	}
}

// counting returns bytes that count up.
func counting(n int) (b []byte) {
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

// leave writes, byte by byte, and goes.
func leave(task *corolla.Task, c *aio.Conn, b []byte, how leaving) error {
	for i := range b {
		_, err := c.Write(task, b[i:i+1])
		if err == nil {
			err = c.Flush(task)
		}
		if err == nil && i%3 > 0 { // some bytes come together
			err = task.Yield()
		}
		if err != nil {
			return errors.Join(err, c.Abort())
		}
	}
	switch how {
	case resets:
		return c.Abort()
	case closes:
		return c.Close()
	}
	err := c.CloseWrite()
	if err == nil {
		_, err = io.Copy(io.Discard, c.Bind(task))
	}
	return errors.Join(err, c.Close())
}

// A connection of HTTP moves after each request while its client writes the next one byte by byte, and goes at any
// point, in any way. One that only ends its side gets every answer, and the servers serve on.
func TestWebMovesUnderFire(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		const request, many = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 5
		var servers shard.Value[*web.Server]
		servers.New = func(s *shard.Shard) *web.Server {
			return &web.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				fmt.Fprint(w, "yes")
				web.Release(req, func(c *aio.Conn) { passOn(s, c, &servers) })
			})}
		}
		serving(r, shard.RoundRobin, func(s *shard.Shard, ln *corolla.Socket) error {
			return (*servers.Of(s)).Serve(s.Task(), aio.NewListener(ln))
		}, func(_ *shard.Shard, task *corolla.Task, addr string) error {
			if err := task.Group(func(g *corolla.Group) error {
				for i := range 2 * len(request) {
					g.Go(func(task *corolla.Task) error {
						c, err := aio.Dial(task, "tcp", addr)
						if err != nil {
							return err
						}
						_ = leave(task, c, []byte(strings.Repeat(request, 2)[:i]), resets-leaving(i%2)) // answered or not
						return nil
					})
				}
				return nil
			}); err != nil {
				return err
			}
			c, err := aio.Dial(task, "tcp", addr)
			if err != nil {
				return err
			}
			for b := range strings.SplitSeq(strings.Repeat(request, many), "") {
				if _, err := c.Write(task, []byte(b)); err != nil {
					return err
				}
				if err := errors.Join(c.Flush(task), task.Yield()); err != nil {
					return err
				}
			}
			if err := c.CloseWrite(); err != nil {
				return err
			}
			rd := bufio.NewReader(c.Bind(task))
			for i := range many {
				res, err := http.ReadResponse(rd, nil)
				if err != nil {
					return fmt.Errorf("answer %d: %w", i, err)
				}
				if b, err := io.ReadAll(res.Body); string(b) != "yes" {
					t.Errorf("answer %d is %q, %v", i, b, err)
				}
			}
			if _, err := rd.ReadByte(); err != io.EOF {
				t.Errorf("after all answers: %v", err)
			}
			return c.Close()
		})
	})
}

// passOn has another shard's server go on with a connection, or closes it.
func passOn(s *shard.Shard, c *aio.Conn, servers *shard.Value[*web.Server]) {
	s.Loop().Go(func(task *corolla.Task) error {
		if err := c.Flush(task); err != nil {
			_ = c.Abort() // the client has gone
			return nil
		}
		m, err := c.Move()
		if err != nil {
			_ = c.Abort()
			return nil
		}
		if err := shard.PutMove(task, s, (s.Index()+1)%s.Len(), m, func(to *shard.Shard, c *aio.Conn) {
			_ = (*servers.Of(to)).Adopt(c) // or it is the end
		}); err != nil {
			_ = m.Close()
		}
		return nil
	})
}
