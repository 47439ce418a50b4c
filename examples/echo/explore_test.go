package echo_test

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

// TestExplore leads each of the servers through storms.
func TestExplore(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			simtest.Explore(t, 500, func(r *simtest.Run) error { return storm(r, m.serve) })
		})
	}
}

// storm has two clients talk to a server. What comes back is what was sent, in order and once; when the
// storm is over everybody is served; and no connection is left behind.
func storm(r *simtest.Run, serve func(*corolla.Loop, string) (net.Addr, error)) error {
	r.Expect("cut off with something on its way", "refused")
	r.Host("server").Start(func(t *corolla.Task) error {
		if _, err := serve(t.Loop(), ":7"); err != nil {
			return err
		}
		_, err := corolla.NewFuture[int](t.Loop()).Await(t)
		return err
	}, r.PanicsOnly())
	post := history.NewMail()
	var clients []*sim.Program
	for _, name := range []string{"a", "b"} {
		c := &client{run: r, name: name, post: post}
		clients = append(clients, r.Host(name).Start(c.act))
	}
	r.Storm(5 * time.Second)
	done := func() bool { return clients[0].Done() && clients[1].Done() && r.Now() > 5*time.Second }
	if err := r.RunUntil(done, 5*time.Minute); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.Err(); err != nil {
			return err
		}
	}
	if err := r.Settle(1); err != nil { // the listener
		return err
	}
	if err := post.AtMostOnce(); err != nil {
		return err
	}
	return post.InOrder()
}

// client talks to the server until the storm is over and a whole talk has come back.
type client struct {
	run   *simtest.Run
	name  string
	post  *history.Mail
	conns int
	next  int
}

func (c *client) act(t *corolla.Task) error {
	for c.run.Now() < 4*time.Minute {
		began := c.run.Now()
		err := t.Timeout(10*time.Second, func(*corolla.Scope) error { return c.talk(t) })
		if err == nil && began > 5*time.Second {
			return nil
		}
		if err := t.Sleep(300 * time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: the server does not answer", c.name)
}

// talk sends some lines, and then the end, and reads them back.
func (c *client) talk(t *corolla.Task) error {
	conn, err := aio.Dial(t, "tcp", "server:7")
	if err != nil {
		c.run.Sometimes("refused")
		return err
	}
	defer conn.Close()
	c.conns++
	from := fmt.Sprint(c.name, c.conns)
	const lines = 5
	return t.Group(func(g *corolla.Group) error {
		g.Go(func(t *corolla.Task) error {
			for i := range lines {
				c.post.Sent(from, i)
				line := fmt.Appendf(nil, "%s %d %s\n", from, i, bytes.Repeat([]byte{'.'}, 20*i))
				if _, err := conn.Write(t, line); err != nil {
					return err
				}
				if err := t.Sleep(50 * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range lines {
			line, err := conn.ReadUntil(t, []byte("\n"))
			if err != nil {
				c.run.Sometimes("cut off with something on its way")
				return err
			}
			var who string
			var number int
			if _, err := fmt.Sscanf(string(line), "%s %d", &who, &number); err != nil || number != i || who != from {
				c.run.Always(false, "what comes back is what was sent")
				return fmt.Errorf("%q: %w", line, err)
			}
			c.post.Received(from, who, number)
		}
		return nil
	})
}
