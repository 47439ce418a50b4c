// Package echotest leads servers that echo lines through storms.
package echotest

import (
	"fmt"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

// Length is how long a storm lasts.
const Length = 5 * time.Second

const (
	lines   = 5                // of one talk
	wait    = 10 * time.Second // for a talk
	patient = 5 * time.Minute  // with a server that does not serve
)

// What a good exploration must have seen.
const (
	CutOff  = "cut off with something on its way"
	Refused = "refused"
)

// Storm has two clients talk to a server, which has been started, in a storm. What comes back must be what
// was sent, in order and once; when the storm is over everybody is served; and in the end so many descriptors
// are open.
func Storm(r *simtest.Run, addr string, open int) error {
	r.Expect(CutOff)
	post := history.NewMail()
	var clients []*sim.Program
	for _, name := range []string{"a", "b"} {
		c := &client{run: r, addr: addr, name: name, post: post}
		clients = append(clients, r.Host(name).Start(c.act))
	}
	r.Storm(Length)
	done := func() bool { return clients[0].Done() && clients[1].Done() && r.Now() > Length }
	if err := r.RunUntil(done, patient); err != nil {
		return err
	}
	for _, c := range clients {
		if err := c.Err(); err != nil {
			return err
		}
	}
	if err := r.Settle(open); err != nil {
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
	addr  string
	name  string
	post  *history.Mail
	conns int
}

func (c *client) act(t *corolla.Task) error {
	for {
		began := c.run.Now()
		err := t.Timeout(wait, func(*corolla.Scope) error { return c.talk(t) })
		if err == nil && began > Length {
			return nil
		}
		if err := t.Sleep(300 * time.Millisecond); err != nil {
			return err
		}
	}
}

// talk sends some lines and reads them back.
func (c *client) talk(t *corolla.Task) error {
	conn, err := aio.Dial(t, "tcp", c.addr)
	if err != nil {
		c.run.Sometimes(Refused)
		return err
	}
	defer conn.Close()
	c.conns++
	from := fmt.Sprint(c.name, c.conns)
	return t.Group(func(g *corolla.Group) error {
		g.Go(func(t *corolla.Task) error {
			for i := range lines {
				c.post.Sent(from, i)
				if _, err := conn.Write(t, []byte(line(from, i))); err != nil {
					return err
				}
				if err := t.Sleep(50 * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range lines {
			b, err := conn.ReadUntil(t, []byte("\n"))
			if err != nil {
				c.run.Sometimes(CutOff)
				return err
			}
			if want := line(from, i); string(b) != want {
				c.run.Always(false, fmt.Sprintf("what comes back is what was sent, but: %q, not %q", b, want))
			}
			c.post.Received(from, from, i)
		}
		return nil
	})
}

func line(from string, number int) string {
	return fmt.Sprintf("%s %d %s\n", from, number, strings.Repeat(".", 20*number))
}
