package shard_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/certtest"
	"github.com/corolla-go/corolla/shard"
)

// Whatever belongs to a shard is refused to the others, and is not changed by them.
func TestEverythingIsItsLoops(t *testing.T) {
	eachHost(t, func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 2 {
				return nil
			}
			task := s.Task()
			before := s.Stats()
			if err := s.Call(task, 1, func(*shard.Shard) error {
				for what, touch := range map[string]func(){
					"Send":      func() { _ = s.Send(0, nothing) },
					"Put":       func() { _ = s.Put(task, 0, nothing) },
					"Call":      func() { _ = s.Call(task, 0, nil) },
					"Broadcast": func() { _ = s.Broadcast(nothing) },
					"OnRoom":    func() { s.OnRoom(0, nil) },
					"Stats":     func() { s.Stats() },
					"Listen":    func() { _, _ = s.Listen("tcp", ":0", shard.RoundRobin) },
					"Move":      func() { _ = shard.Move[*aio.Conn](s, 0, nil, nil) },
					"PutMove":   func() { _ = shard.PutMove[*aio.Conn](task, s, 0, nil, nil) },
				} {
					if text := fmt.Sprint(panics(touch)); !strings.Contains(text, what+` called from a goroutine that does not run the loop "shard 2"`) {
						t.Errorf("%s: %s", what, text)
					}
				}
				return nil
			}); err != nil {
				return err
			}
			if st := s.Stats(); st.Sent != before.Sent+1 || st.Pending != 0 || st.Waiting != 0 {
				t.Errorf("afterwards %+v", st)
			}
			for _, to := range []int{-1, s.Len()} {
				if text := fmt.Sprint(panics(func() { _ = s.Send(to, nothing) })); !strings.Contains(text, "there is no shard") {
					t.Errorf("Send to %d: %s", to, text)
				}
			}
			return nil
		})
	})
}

// Tasks that pass on what they get, in a circle of full queues, all get on.
func TestCirclesOfFullQueues(t *testing.T) {
	for _, n := range []int{2, 3, 8} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			eachHost(t, func(t *testing.T, r *runner) {
				const each, hops = 20, 20
				var arrived shard.Value[int]
				var all shard.Value[corolla.Event]
				var pass func(left int) func(s *shard.Shard)
				pass = func(left int) func(s *shard.Shard) {
					return func(s *shard.Shard) {
						if left == 0 {
							if *arrived.Of(s)++; *arrived.Of(s) == each {
								all.Of(s).Set()
							}
							return
						}
						s.Loop().Go(func(task *corolla.Task) error { return s.Put(task, (s.Index()+1)%s.Len(), pass(left-1)) })
					}
				}
				if err := r.runN(n, func(s *shard.Shard) error {
					for range each {
						pass(hops)(s)
					}
					return all.Of(s).Wait(s.Task()) // as many end here as begin
				}, shard.QueueSize(1)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Wherever a Put or a Call is when it is canceled, it either has an error and is never run, or has none and
// is run once.
func TestCanceledAnywhere(t *testing.T) {
	test := func(t *testing.T, r *runner) {
		r.must(func(s *shard.Shard) error {
			if s.Index() != 0 {
				return nil
			}
			const n = 60
			var want, ran [n]int
			var all []*corolla.Future[struct{}]
			for i := range n {
				all = append(all, s.Loop().Go(func(task *corolla.Task) (err error) {
					if i%3 == 0 {
						err = s.Call(task, 1, func(*shard.Shard) error { ran[i]++; return nil })
					} else {
						err = s.Put(task, 1, func(*shard.Shard) { ran[i]++ })
					}
					if err == nil {
						want[i] = 1
					}
					return nil
				}, corolla.Eager()))
			}
			for i := range n {
				all[(i*7)%n].Cancel(errTest) // one after the other, while the others go on
				if i%4 == 0 {
					if err := s.Task().Yield(); err != nil {
						return err
					}
				}
			}
			for _, f := range all {
				if _, err := f.Await(s.Task()); err != nil {
					return err
				}
			}
			if err := s.Call(s.Task(), 1, func(*shard.Shard) error { return nil }); err != nil {
				return err
			}
			if ran != want {
				t.Errorf("ran  %v\nwant %v", ran, want)
			}
			if st := s.Stats(); st.Pending != 0 || st.Waiting != 0 {
				t.Errorf("afterwards %+v", st)
			}
			return nil
		}, shard.QueueSize(2))
	}
	inWorlds(t, 50, test)
	eachHost(t, test)
}

// Connections whose peers write all the time, byte by byte, move to and fro, and to the shard that they are on, and
// lose nothing up to the peer's end of stream.
func TestMovesUnderFire(t *testing.T) {
	ca := certtest.New(t)
	cert := ca.Issue(time.Time{}, "server.test")
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{true: "TLS", false: "plain"}[secure], func(t *testing.T) {
			eachHost(t, func(t *testing.T, r *runner) { underFire(r, secure, ca, cert) })
		})
	}
}

func underFire(r *runner, secure bool, ca *certtest.Authority, cert tls.Certificate) {
	const conns, bytes = 6, 120
	var count func(s *shard.Shard, task *corolla.Task, c *aio.Conn, have int) error
	count = func(s *shard.Shard, task *corolla.Task, c *aio.Conn, have int) error {
		b := make([]byte, 3)
		n, err := c.Read(task, b)
		for _, got := range b[:n] {
			if got != byte(have) {
				r.t.Errorf("byte %d is %d", have, got)
			}
			have++
		}
		if err == io.EOF {
			if have != bytes {
				r.t.Errorf("%d bytes came", have)
			}
			return c.Close()
		}
		if err != nil {
			return err
		}
		m, err := c.Move()
		if err != nil {
			return err
		}
		return shard.PutMove(task, s, (have/2)%s.Len(), m, func(to *shard.Shard, c *aio.Conn) {
			to.Loop().Go(func(task *corolla.Task) error { return count(to, task, c, have) })
		})
	}
	serving(r, shard.LeastConns, func(s *shard.Shard, ln *corolla.Socket) error {
		return aio.NewAcceptor(aio.NewListener(ln), func(c *aio.Conn) {
			s.Loop().Go(func(task *corolla.Task) error {
				if secure {
					if err := c.ServerTLS(task, &tls.Config{Certificates: []tls.Certificate{cert}, Time: time.Now}); err != nil {
						return err
					}
				}
				return count(s, task, c, 0)
			})
		}).Serve(s.Task())
	}, func(_ *shard.Shard, task *corolla.Task, addr string) error {
		return task.Group(func(g *corolla.Group) error {
			for range conns {
				g.Go(func(task *corolla.Task) error {
					c, err := aio.Dial(task, "tcp", addr)
					if err == nil && secure {
						err = c.ClientTLS(task, &tls.Config{RootCAs: ca.Pool, ServerName: "server.test", Time: time.Now})
					}
					for i := 0; i < bytes && err == nil; i++ {
						if _, err = c.Write(task, []byte{byte(i)}); err == nil {
							err = errors.Join(c.Flush(task), task.Yield())
						}
					}
					if err == nil {
						err = c.CloseWrite()
					}
					if err == nil {
						_, err = c.Read(task, make([]byte, 1))
					}
					if err != io.EOF {
						return err
					}
					return c.Close()
				})
			}
			return nil
		})
	})
}
