package main

import (
	"bufio"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

const storm = 5 * time.Second

func TestExploreEventletChat(t *testing.T) {
	out := os.Stdout // where the server notes what everybody says
	defer func() { os.Stdout = out }()
	var err error
	if os.Stdout, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Stdout.Close()
	simtest.Explore(t, 500, stormyChat)
}

// stormyChat has three people chat while things go wrong. Each hears what the others say once at most, in
// order; and after the storm each hears all others.
func stormyChat(r *simtest.Run) error {
	r.Expect("lost")
	r.Supervise("server", func(t *corolla.Task) error {
		h := green.NewHub(t.Loop())
		ln, err := h.Listen("tcp", ":3001")
		if err != nil {
			return err
		}
		h.Go(func() error { return h.Serve(ln, chat()) })
		_, err = corolla.NewFuture[int](t.Loop()).Await(t)
		return err
	})
	room := &room{run: r, post: history.NewMail(), heard: map[string]map[string]bool{"ann": {}, "bob": {}, "cid": {}}}
	var people []*sim.Program
	for _, name := range []string{"ann", "bob", "cid"} {
		visits := 0
		people = append(people, r.Host(name).Start(func(t *corolla.Task) error {
			h := green.NewHub(t.Loop())
			for !room.over {
				visits++
				_ = room.visit(h, name, fmt.Sprint(name, visits)) // lost in the storm, or over
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

// room is what everybody has said and heard.
type room struct {
	run   *simtest.Run
	post  *history.Mail
	heard map[string]map[string]bool // after the storm: who whom
	over  bool
}

func (r *room) allHeard() bool {
	return len(r.heard["ann"]) == 2 && len(r.heard["bob"]) == 2 && len(r.heard["cid"]) == 2
}

// visit talks and listens until the connection ends.
func (r *room) visit(h *green.Hub, name, visit string) error {
	c, err := h.Dial("tcp", "server:3001", corolla.DialTimeout(2*time.Second))
	if err != nil {
		return err
	}
	defer c.Close()
	talker := h.Go(func() error {
		for n := 0; !r.over; n++ {
			r.post.Sent(visit, n)
			if _, err := fmt.Fprintf(c, "%s %d.\n", visit, n); err != nil {
				return err
			}
			h.Sleep(100 * time.Millisecond)
		}
		return c.Close()
	})
	defer talker.Kill(nil)
	in := bufio.NewScanner(c)
	for in.Scan() {
		who, n, whole := "", 0, ""
		if k, _ := fmt.Sscanf(in.Text(), "%s %d%s", &who, &n, &whole); k < 3 || whole != "." {
			continue // the last words of somebody who was cut off
		}
		r.post.Received(visit, who, n)
		if r.run.Now() > storm {
			r.heard[name][who[:3]] = true
		}
	}
	if !r.over {
		r.run.Sometimes("lost")
	}
	return in.Err()
}
