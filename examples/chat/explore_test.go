package main

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

func TestExploreChat(t *testing.T) { simtest.Explore(t, 300, stormyChat) }

const storm = 5 * time.Second

// stormyChat has three people chat while things go wrong. Each hears what the others say once, in order,
// and without a gap for as long as his connection lasts. After the storm each hears all.
func stormyChat(r *simtest.Run) error {
	r.Expect("lost")
	r.Supervise("server", func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":7007")
		if err != nil {
			return err
		}
		return chat(t, ln, func(string, ...any) {})
	})
	room := &room{run: r, post: history.NewMail(), latest: map[string]string{}, heard: map[string]map[string]bool{}}
	var people []*sim.Program
	for _, name := range []string{"ann", "bob", "cid"} {
		visits := 0
		people = append(people, r.Host(name).Start(func(t *corolla.Task) error {
			for !room.over {
				visits++
				_ = room.visit(t, name, fmt.Sprint(name, visits)) // lost in the storm, or over
				if err := t.Sleep(200 * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	r.Storm(storm)
	if err := r.RunUntil(room.allHeard, 5*time.Minute); err != nil {
		return fmt.Errorf("not everybody is heard by all: %w", err)
	}
	room.over = true
	gone := func() bool { return people[0].Done() && people[1].Done() && people[2].Done() }
	if err := r.RunUntil(gone, 5*time.Minute); err != nil {
		return err
	}
	if err := r.Settle(1); err != nil { // the listener
		return err
	}
	if err := room.post.AtMostOnce(); err != nil {
		return err
	}
	return room.post.InOrder()
}

// room is what everybody has said and heard, by visit.
type room struct {
	run    *simtest.Run
	post   *history.Mail
	latest map[string]string          // visit, by name
	heard  map[string]map[string]bool // which visits a visit has heard of
	over   bool
}

func (r *room) allHeard() bool {
	for _, mine := range r.latest {
		for _, other := range r.latest {
			if !r.heard[mine][other] {
				return false
			}
		}
	}
	return r.run.Now() > storm && len(r.latest) == 3
}

func (r *room) visit(t *corolla.Task, name, visit string) error {
	c, err := aio.Dial(t, "tcp", "server:7007", corolla.DialTimeout(2*time.Second))
	if err != nil {
		return err
	}
	defer c.Close()
	r.latest[name], r.heard[visit] = visit, map[string]bool{}
	return t.Group(func(g *corolla.Group) error {
		talker := g.Go(func(t *corolla.Task) error {
			for n := 0; !r.over; n++ {
				r.post.Sent(visit, n)
				if _, err := fmt.Fprintf(c.Bind(t), "%s %d.\n", visit, n); err != nil {
					return err
				}
				if err := t.Sleep(100 * time.Millisecond); err != nil {
					return err
				}
			}
			return io.EOF
		})
		defer talker.Cancel(nil)
		return r.listen(t, c, visit)
	})
}

func (r *room) listen(t *corolla.Task, c *aio.Conn, visit string) error {
	last := map[string]int{}
	for line, err := range c.Lines(t) {
		if err != nil {
			if !r.over {
				r.run.Sometimes("lost")
			}
			return err
		}
		who, n, whole := "", 0, ""
		if k, _ := fmt.Sscanf(string(line), "%s %d%s", &who, &n, &whole); k < 3 || whole != "." {
			continue // the last words of somebody who was cut off
		}
		r.post.Received(visit, who, n)
		if before, any := last[who]; any && n != before+1 {
			r.run.Always(false, fmt.Sprintf("there is no gap, but %s heard %d of %s after %d", visit, n, who, before))
		}
		last[who] = n
		r.heard[visit][who] = true
	}
	return io.EOF
}
