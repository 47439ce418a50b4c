package service_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// shout answers in upper case, and notes its end.
type shout struct {
	d      *diary
	opened func(c *transport.Conn)
}

func (s *shout) Opened(c *transport.Conn) {
	if s.opened != nil {
		s.opened(c)
	}
}

func (s *shout) Data(c *transport.Conn, b []byte) { _ = c.Write([]byte(strings.ToUpper(string(b)))) }

func (s *shout) Closed(_ *transport.Conn, err error) { s.d.note("closed(%v)", err) }

// asks writes a line to an address and returns the answer.
func asks(task *corolla.Task, c *aio.Conn, what string) (string, error) {
	if _, err := c.Write(task, []byte(what)); err != nil {
		return "", err
	}
	buf := make([]byte, len(what))
	_, err := c.ReadFull(task, buf)
	return string(buf), err
}

// A server stops with its connections: politely, in its own way, or at once if it may not wait. It listens
// at the same address again when it is started again.
func TestServerStopsWithItsConnections(t *testing.T) {
	clog := func(c *transport.Conn) { // more than the system takes from who does not read
		for range 64 {
			_ = c.Write(make([]byte, 64<<10))
		}
	}
	for name, c := range map[string]struct {
		opened  func(c *transport.Conn)
		goodbye func(c *transport.Conn)
		want    error // of a stop that has a limit
		did     string
		hears   string // who has asked
	}{
		"politely":         {did: "closed(<nil>)"},
		"with a last word": {goodbye: func(c *transport.Conn) { _ = c.Write([]byte("bye")); c.Close() }, did: "closed(<nil>)", hears: "bye"},
		"who won't go":     {goodbye: func(*transport.Conn) {}, want: &corolla.TimeoutError{}, did: "closed(" + transport.ErrAborted.Error() + ")"},
		"who won't read":   {opened: clog, want: &corolla.TimeoutError{}, did: "closed(" + transport.ErrAborted.Error() + ")"},
		"a bad goodbye":    {goodbye: func(*transport.Conn) { panic("oops") }, did: "closed(" + transport.ErrAborted.Error() + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(t *testing.T, task *corolla.Task, log *[]error) {
				var d diary
				small := transport.Options(corolla.WriteBuffer(64 << 10)) // as system buffers would take it all
				address := "tcp:0:interface=127.0.0.1"
				var s *service.Server
				for range 2 {
					s = service.NewServer("shout", service.At(address, small), func(*transport.Conn) transport.Protocol { return &shout{&d, c.opened} })
					s.Goodbye = c.goodbye
					if err := s.Start(task); err != nil {
						t.Fatal(err)
					}
					conn, err := aio.Dial(task, "tcp", s.Addr().String(), corolla.ReadBuffer(64<<10))
					if err != nil {
						t.Fatal(err)
					}
					if c.opened == nil {
						if got, err := asks(task, conn, "hi"); got != "HI" || err != nil {
							t.Errorf("the answer is %q, %v", got, err)
						}
					} else if err := conn.Socket().WaitReadable(task); err != nil { // so it is open
						t.Fatal(err)
					}
					err = task.Timeout(20*time.Millisecond, func(*corolla.Scope) error { return s.Stop(task) })
					if late := (*corolla.TimeoutError)(nil); errors.As(err, &late) != (c.want != nil) || err != nil && c.want == nil {
						t.Errorf("Stop: %v", err)
					}
					d.want(t, c.did)
					if c.want == nil && name != "a bad goodbye" {
						buf := make([]byte, 100)
						n, err := conn.ReadFull(task, buf)
						if got := string(buf[:n]); got != c.hears || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("the client hears %q, %v", got, err)
						}
					}
					if again, err := aio.Dial(task, "tcp", s.Addr().String()); err == nil {
						t.Errorf("it still listens: %v", again.Close())
					}
					if err := conn.Close(); err != nil {
						t.Error(err)
					}
					address = fmt.Sprintf("tcp:%s:interface=127.0.0.1", s.Addr().String()[len("127.0.0.1:"):])
				}
				if name == "a bad goodbye" && len(*log) == 2 {
					*log = nil
				}
			})
		})
	}
}

// What is wrong with an address is an error of Start, of either kind of server.
func TestServerCannotListen(t *testing.T) {
	build := func(*transport.Conn) transport.Protocol { return nil }
	tasks := func(address string) service.Service {
		return service.NewTaskServer("s", func(l *corolla.Loop) (*aio.Listener, error) { return aio.Listen(l, "tcp", address) }, nil)
	}
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		ln, err := aio.Listen(task.Loop(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		taken := ln.Addr().String()
		for name, s := range map[string]service.Service{
			"no endpoint": service.NewServer("s", service.At("nonsense:1"), build),
			"no port":     service.NewServer("s", service.At("tcp:x:interface=127.0.0.1"), build),
			"taken":       service.NewServer("s", service.At("tcp:"+taken[len("127.0.0.1:"):]+":interface=127.0.0.1"), build),
			"taken, task": tasks(taken),
		} {
			err := service.NewTree("app", s).Run(task)
			if err == nil || !strings.HasPrefix(err.Error(), "start app/s: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The handlers of a task's server are canceled, with ErrStopped, and waited for.
func TestTaskServer(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var ln *aio.Listener
		var d diary
		s := service.NewTaskServer("s", func(l *corolla.Loop) (_ *aio.Listener, err error) {
			ln, err = aio.Listen(l, "tcp", "127.0.0.1:0")
			return ln, err
		}, func(t *corolla.Task, c *aio.Conn) error {
			for line, err := range c.Lines(t) {
				if errors.Is(err, service.ErrStopped) {
					return t.Shielded(func(*corolla.Scope) error {
						d.note("stopping")
						_ = t.Sleep(time.Millisecond)
						_, err := c.Write(t, []byte("bye"))
						return err
					})
				}
				if err != nil {
					return err
				}
				if _, err := c.Write(t, append(line, '\n')); err != nil {
					return err
				}
			}
			return nil
		}, aio.MaxConns(1))
		if err := s.Start(task); err != nil {
			t.Fatal(err)
		}
		c, err := aio.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, err := asks(task, c, "hi\n"); got != "hi\n" || err != nil {
			t.Errorf("the answer is %q, %v", got, err)
		}
		if err := s.Stop(task); err != nil {
			t.Errorf("Stop: %v", err)
		}
		d.want(t, "stopping")
		bye := make([]byte, 3)
		if _, err := c.ReadFull(task, bye); string(bye) != "bye" || err != nil {
			t.Errorf("the client hears %q, %v", bye, err)
		}
	})
}

// A server does not wait for a connection that has moved away.
func TestServerForgetsConnectionsThatMove(t *testing.T) {
	eachHost(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		var d diary
		var side *transport.Conn
		s := service.NewServer("shout", service.At("tcp:0:interface=127.0.0.1"), func(c *transport.Conn) transport.Protocol {
			side = c
			return &shout{&d, nil}
		})
		if err := s.Start(task); err != nil {
			t.Fatal(err)
		}
		client, err := aio.Dial(task, "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := asks(task, client, "hello"); got != "HELLO" || err != nil {
			t.Errorf("asked: %q, %v", got, err)
		}
		m, err := side.Move()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(task); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := errors.Join(m.Close(), client.Close()); err != nil {
			t.Error(err)
		}
	})
}
