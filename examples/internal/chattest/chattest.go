// Package chattest leads a chat server through storms, with people whose connections are of any model.
package chattest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
)

// Chat is a server of lines, and how people talk to it.
type Chat struct {
	Serve  func(t *corolla.Task) error // on the host "server"
	Gaps   bool                        // a participant may miss lines, and is not sent away for it
	Deaf   bool                        // nobody hears himself
	Listen int                         // descriptors that the server has without participants

	// Visit connects, talks with Room.Says each Pause while the room is open, passes what it reads to
	// Room.Hears, and comes back when the connection has ended.
	Visit func(t *corolla.Task, r *Room, v *Visit) error
}

// Pause lies between two things that one says.
const Pause = 100 * time.Millisecond

const storm = 5 * time.Second

// people are those who come. Whatever is done for all of them is done in this order.
var people = [...]string{"ann", "bob", "cid"}

// Room is what everybody has said and heard.
type Room struct {
	run    *simtest.Run
	chat   *Chat
	post   *history.Mail
	latest [len(people)]*Visit
	over   bool
}

// Visit is one connection of a person, from his coming to his going.
type Visit struct {
	name  string
	said  int
	last  map[string]int  // what was heard last, by visit
	heard map[string]bool // which visits
}

// Explore leads n times three people through a storm. Each hears what the others say once at most and in
// order, and without a gap for as long as his connection lasts. After the storm each hears all.
func (c Chat) Explore(t testing.TB, n int) { simtest.Explore(t, n, c.stormy) }

func (c Chat) stormy(r *simtest.Run) error {
	r.Expect("lost")
	r.Supervise("server", c.Serve)
	room := &Room{run: r, chat: &c, post: history.NewMail()}
	var programs [len(people)]*sim.Program
	for i, name := range people {
		visits := 0
		programs[i] = r.Host(name).Start(func(t *corolla.Task) error {
			for !room.over {
				visits++
				v := &Visit{name: fmt.Sprint(name, visits), last: map[string]int{}, heard: map[string]bool{}}
				room.latest[i] = v
				if _ = c.Visit(t, room, v); v.said > 0 && !room.over {
					r.Sometimes("lost")
				}
				if err := t.Sleep(2 * Pause); err != nil {
					return err
				}
			}
			return nil
		})
	}
	r.Storm(storm)
	if err := r.RunUntil(room.allHeard, 5*time.Minute); err != nil {
		return fmt.Errorf("not everybody is heard by all: %w", err)
	}
	room.over = true
	gone := func() bool { return programs[0].Done() && programs[1].Done() && programs[2].Done() }
	if err := r.RunUntil(gone, 5*time.Minute); err != nil {
		return err
	}
	return errors.Join(r.Settle(c.Listen), room.post.AtMostOnce(), room.post.InOrder())
}

// allHeard reports whether the storm is over and each hears all.
func (r *Room) allHeard() bool {
	for i, mine := range r.latest {
		for j, other := range r.latest {
			if mine == nil || other == nil || (i != j || !r.chat.Deaf) && !mine.heard[other.name] {
				return false
			}
		}
	}
	return r.run.Now() > storm
}

// Open reports whether people still talk.
func (r *Room) Open() bool { return !r.over }

// Says returns the next line of a visit.
func (r *Room) Says(v *Visit) string {
	n := v.said
	v.said++
	r.post.Sent(v.name, n)
	return fmt.Sprintf("%s %d.\n", v.name, n)
}

// Hears takes in a line, without its end. The last words of somebody who was cut off are no line.
func (r *Room) Hears(v *Visit, line string) {
	who, n, whole := "", 0, ""
	if k, _ := fmt.Sscanf(line, "%s %d%s", &who, &n, &whole); k < 3 || whole != "." {
		return
	}
	r.post.Received(v.name, who, n)
	if before, any := v.last[who]; any && n != before+1 && !r.chat.Gaps {
		r.run.Always(false, fmt.Sprintf("there is no gap, but %s heard %d of %s after %d", v.name, n, who, before))
	}
	v.last[who], v.heard[who] = n, true
}
