package websocket_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/history"
	"github.com/corolla-go/corolla/sim/simtest"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// TestExploreWebSocket has three people chat over WebSocket in storms. Each hears what the others say once at most
// and in order; after the storm each hears all; and nothing is left behind.
func TestExploreWebSocket(t *testing.T) { simtest.Explore(t, 200, stormyChat) }

const storm = 5 * time.Second

func stormyChat(r *simtest.Run) error {
	r.Expect("lost")
	room := &stormyRoom{run: r, post: history.NewMail(), latest: map[string]string{}, heard: map[string]map[string]bool{}}
	r.Supervise("server", func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":80")
		if err != nil {
			return err
		}
		return web.Serve(t, ln, talk(map[*websocket.Conn]bool{}))
	})
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
		}, r.PanicsOnly()))
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

// talk passes on to everybody what anybody says.
func talk(room map[*websocket.Conn]bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, websocket.Deflate(64), websocket.KeepAlive(10*time.Second, 10*time.Second))
		if err != nil {
			return // the client has its answer
		}
		defer c.CloseNow()
		room[c] = true
		defer delete(room, c)
		for {
			kind, b, err := c.Receive(web.Task(r))
			if err != nil {
				return
			}
			message := websocket.Prepare(kind, b)
			for other := range room {
				_ = other.TryWritePrepared(message) // who is too slow misses it
			}
		}
	})
}

// stormyRoom is what everybody has said and heard, by visit.
type stormyRoom struct {
	run    *simtest.Run
	post   *history.Mail
	latest map[string]string          // visit, by name
	heard  map[string]map[string]bool // which visits a visit has heard of
	over   bool
}

func (r *stormyRoom) allHeard() bool {
	for _, mine := range r.latest {
		for _, other := range r.latest {
			if !r.heard[mine][other] {
				return false
			}
		}
	}
	return r.run.Now() > storm && len(r.latest) == 3
}

func (r *stormyRoom) visit(t *corolla.Task, name, visit string) error {
	c, _, err := websocket.Dial(t, "ws://server/", websocket.Deflate(64), websocket.KeepAlive(10*time.Second, 10*time.Second))
	if err != nil {
		return err
	}
	defer c.CloseNow()
	r.latest[name], r.heard[visit] = visit, map[string]bool{}
	return t.Group(func(g *corolla.Group) error {
		talker := g.Go(func(t *corolla.Task) error {
			for n := 0; !r.over; n++ {
				r.post.Sent(visit, n)
				if err := c.Write(t, websocket.Text, []byte(said(visit, n))); err != nil {
					return err
				}
				if err := t.Sleep(100 * time.Millisecond); err != nil {
					return err
				}
			}
			return c.Close(t, websocket.CodeNormal, "bye")
		})
		defer talker.Cancel(nil)
		for {
			_, b, err := c.Receive(t)
			if err != nil {
				if !r.over {
					r.run.Sometimes("lost")
				}
				return err
			}
			who, n := "", 0
			if _, err := fmt.Sscanf(string(b), "%s %d", &who, &n); err != nil || string(b) != said(who, n) {
				r.run.Always(false, fmt.Sprintf("messages are whole, but: %q", b))
			}
			r.post.Received(visit, who, n)
			r.heard[visit][who] = true
		}
	})
}

func said(visit string, n int) string {
	return fmt.Sprintf("%s %d %s", visit, n, strings.Repeat("-", n%7*40))
}
