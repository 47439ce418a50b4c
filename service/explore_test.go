package service_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

// TestExploreServices has a client of a service tree reconnect through storms, to a server that is another tree.
// What it was told is stored is stored once at least; it never has two connections; after the storm it
// is connected; and the trees stop in order, and leave nothing behind.
func TestExploreServices(t *testing.T) { simtest.Explore(t, 500, trees) }

const reconnectedWhileSending = "reconnected while sending"

func trees(r *simtest.Run) error {
	r.Expect(reconnectedWhileSending)
	stored := history.NewMail()
	r.Supervise("server", func(t *corolla.Task) error {
		return service.NewTree("server", service.NewTaskServer("store",
			func(l *corolla.Loop) (*aio.Listener, error) { return aio.Listen(l, "tcp", ":7") },
			func(t *corolla.Task, c *aio.Conn) error { return store(t, c, stored) },
		)).Run(t)
	})
	s := &sender{run: r, stored: stored}
	client := r.Host("client").Start(s.act, r.PanicsOnly())
	r.Storm(10 * time.Second)
	quiet := func() bool { return r.Now() > 10*time.Second && s.storedAfter }
	if err := r.RunUntil(quiet, 5*time.Minute); err != nil {
		return fmt.Errorf("the client does not get to the server: %w", err)
	}
	if err := s.loop.Post(func() { s.tree.Quit(nil) }); err != nil {
		return err
	}
	if err := r.RunUntil(client.Done, time.Minute); err != nil {
		return fmt.Errorf("the client does not stop: %w", err)
	}
	if err := client.Err(); err != nil {
		return err
	}
	if len(s.stops) < 3 || !slices.Equal(s.stops[len(s.stops)-3:], []string{"last", "client", "first"}) {
		return fmt.Errorf("in life %d the parts stopped like so: %q", s.boots, s.stops)
	}
	if err := r.Settle(1); err != nil { // the listener
		return err
	}
	return stored.NothingLost("server")
}

// store answers each number that comes with the number.
func store(t *corolla.Task, c *aio.Conn, stored *history.Mail) error {
	for {
		line, err := c.ReadUntil(t, []byte("\n"))
		if err != nil {
			return err
		}
		n := 0
		if _, err := fmt.Sscanf(string(line), "%d\n", &n); err != nil {
			return err
		}
		stored.Received("server", "client", n)
		if _, err := c.Bind(t).Write(line); err != nil {
			return err
		}
	}
}

// sender sends numbers until each is acknowledged.
type sender struct {
	run         *simtest.Run
	stored      *history.Mail
	loop        *corolla.Loop
	tree        *service.Tree
	number      int // that was not acknowledged yet
	unsure      bool
	conns       int // now
	boots       int
	storedAfter bool // the storm
	stops       []string
}

func (s *sender) act(t *corolla.Task) error {
	s.loop = t.Loop()
	s.boots++
	s.conns, s.unsure = 0, false // the host may have crashed
	cl := service.NewTaskClient(t.Loop(), "client", func(t *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(t, "tcp", "server:7", corolla.DialTimeout(time.Second))
	}, s.send)
	cl.Retrying = func(int, error, time.Duration) {}
	cl.Backoff = service.Backoff(100*time.Millisecond, time.Second, 2, service.Jitter(t.Loop(), 100*time.Millisecond))
	s.tree = service.NewTree("tree", s.noting("first", service.New("first", nil, nil)), s.noting("client", cl),
		s.noting("last", service.NewTimer("last", time.Second, func(*corolla.Task) error { return nil })))
	return s.tree.Run(t)
}

// noting notes when a part has stopped.
func (s *sender) noting(name string, part service.Service) service.Service {
	return service.New(name, part.Start, func(t *corolla.Task) error {
		err := part.Stop(t)
		s.stops = append(s.stops, name)
		return err
	})
}

func (s *sender) send(t *corolla.Task, c *aio.Conn) error {
	s.run.Always(s.conns == 0, "one connection at a time")
	s.conns++
	defer func() { s.conns-- }()
	if s.unsure {
		s.run.Sometimes(reconnectedWhileSending)
	}
	for {
		s.unsure = true
		s.stored.Sent("client", s.number)
		err := t.Timeout(2*time.Second, func(*corolla.Scope) error {
			line := fmt.Sprintf("%d\n", s.number)
			if _, err := io.WriteString(c.Bind(t), line); err != nil {
				return err
			}
			got, err := c.ReadUntil(t, []byte("\n"))
			if err == nil && string(got) != line {
				s.run.Always(false, fmt.Sprintf("answers are to what was asked, but: %q to %q", got, line))
				return errors.New("a wrong answer")
			}
			return err
		})
		if err != nil {
			return err
		}
		s.stored.Acked("client", s.number)
		s.unsure = false
		s.number++
		s.storedAfter = s.run.Now() > 10*time.Second
		if err := t.Sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
}
