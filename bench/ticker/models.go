package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/gen"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/transport"
)

const (
	period = time.Millisecond
	effort = 200 * time.Microsecond // of a handler, for each read
	piece  = 512                    // bytes that a read takes, in models where the caller chooses
)

// worker is the work that all models do for each read.
type worker struct{ reads int }

func (w *worker) work() {
	w.reads++
	for begin := time.Now(); time.Since(begin) < effort; {
	}
}

// models serve a listener's connections. (The Deferred server's connections are protocols.)
var models = []struct {
	name  string
	serve func(l *corolla.Loop, addr string, work func()) (net.Addr, error)
}{
	{"callback", callbacks},
	{"transport", protocols},
	{"task", tasks},
	{"lines", lines},
	{"green", threads},
	{"gen", generators},
}

func names() (all []string) {
	for _, m := range models {
		all = append(all, m.name)
	}
	return all
}

func callbacks(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	ln, err := l.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ln.OnReadable(func() {
		if s, err := ln.TryAccept(); err == nil {
			s.OnReadable(func() {
				if _, err := s.TryRead(l.Scratch()[:piece]); err == nil {
					work()
				}
			})
		}
	})
	return ln.LocalAddr(), nil
}

type protocol struct{ work func() }

func (protocol) Opened(*transport.Conn)         {}
func (p protocol) Data(*transport.Conn, []byte) { p.work() }
func (protocol) Closed(*transport.Conn, error)  {}

func protocols(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	srv, err := transport.Serve(l, "tcp", addr, func(*transport.Conn) transport.Protocol { return protocol{work} })
	if err != nil {
		return nil, err
	}
	return srv.Addr(), nil
}

// accepting runs a task for each connection.
func accepting(l *corolla.Loop, addr string, handle func(*corolla.Task, *aio.Conn) error) (net.Addr, error) {
	ln, err := aio.Listen(l, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l.Go(func(t *corolla.Task) error { return aio.NewServer(ln, handle).Serve(t) })
	return ln.Addr(), nil
}

func tasks(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	return accepting(l, addr, func(t *corolla.Task, c *aio.Conn) error {
		for buf := make([]byte, piece); ; work() {
			if _, err := c.Read(t, buf); err != nil {
				return err
			}
		}
	})
}

// lines finds most of its lines in memory already.
func lines(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	return accepting(l, addr, func(t *corolla.Task, c *aio.Conn) error {
		for _, err := range c.Lines(t) {
			if err != nil {
				return err
			}
			work()
		}
		return nil
	})
}

func threads(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	h := green.NewHub(l)
	ln, err := h.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	h.Go(func() error {
		c, err := ln.Accept()
		for buf := make([]byte, piece); err == nil; work() {
			_, err = c.Read(buf)
		}
		return err
	})
	return ln.Addr(), nil
}

func generators(l *corolla.Loop, addr string, work func()) (net.Addr, error) {
	ln, err := l.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ln.OnReadable(func() {
		s, err := ln.TryAccept()
		if err != nil {
			return
		}
		gen.Go(l, func(y *gen.Yield[gen.Wait, struct{}]) (int, error) {
			for buf := make([]byte, piece); ; work() {
				if _, err := gen.Read(y, s, buf); err != nil {
					return 0, err
				}
			}
		})
	})
	return ln.LocalAddr(), nil
}

// playServer ticks once the client has sent something, and prints how many reads there were and how
// many nanoseconds late each tick was.
func playServer(args []string) error {
	if len(args) != 2 {
		return errors.New("want a model and seconds")
	}
	seconds, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	for _, m := range models {
		if m.name == args[0] {
			w := &worker{}
			addr, err := m.serve(l, "127.0.0.1:0", w.work)
			if err != nil {
				return fmt.Errorf("serve: %w", err)
			}
			fmt.Println(addr)
			tick(l, w, time.Duration(seconds)*time.Second)
			return l.RunForever()
		}
	}
	return fmt.Errorf("no model %q", args[0])
}

// tick measures by a clock of its own, because the loop's stands still while a callback runs.
func tick(l *corolla.Loop, w *worker, length time.Duration) {
	var out strings.Builder
	var due, end time.Time
	var again func()
	again = func() {
		now := time.Now()
		switch {
		case w.reads == 0: // nothing has come from the client yet
		case end.IsZero():
			due, end = now, now.Add(length)
		case now.After(end):
			fmt.Fprintln(os.Stdout, w.reads, out.String())
			l.Stop()
			return
		default:
			fmt.Fprintf(&out, "%d ", now.Sub(due))
		}
		for due = due.Add(period); !end.IsZero() && due.Before(now); { // ticks in the past are left out
			due = due.Add(period)
		}
		l.After(max(period/10, due.Sub(now)), again)
	}
	l.After(0, again)
}

// playClient floods a server.
func playClient(args []string) error {
	if len(args) != 1 {
		return errors.New("want an address")
	}
	c, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	flood := []byte(strings.Repeat(strings.Repeat("x", 63)+"\n", 1024))
	for err == nil {
		_, err = c.Write(flood)
	}
	return nil // the server has ended
}
