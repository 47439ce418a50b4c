package program

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/sim/simtest"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// TestExploreChat has four people in a chat on three shards, with hardly any room between those, in storms in which
// connections are lost. Everybody comes back as the page does, and hears what was acknowledged, once, in one
// order for all, which has each sender's.
func TestExploreChat(t *testing.T) { simtest.Explore(t, 25, stormyChat) }

const stormLength = 3 * time.Second

var losses = []sim.FaultKind{
	sim.SlowHost, sim.ClockStep, sim.Buffers, sim.Short, sim.Unanswered, sim.Partition, sim.OneWay, sim.Delay, sim.Reset, sim.Silence, sim.HalfOpen,
}

func stormyChat(r *simtest.Run) error {
	r.Expect("came back", "heard what was missed", "said again")
	chat := &chatTest{up: make(chan string, 3)}
	serving := r.Host("server").Boot(func(on corolla.Option) error {
		opts := func(int) []corolla.Option { return []corolla.Option{r.PanicsOnly(), corolla.SlowLimit(0)} }
		return shard.Run(3, func(s *shard.Shard) error {
			chat.shards = append(chat.shards, s) // a World runs one thing at a time
			sock, err := s.Listen("tcp", ":80", shard.RoundRobin)
			if err != nil {
				return err
			}
			h := *halls.Of(s)
			return h.serve(s.Task(), &web.Server{Handler: h.mux()}, aio.NewListener(sock))
		}, shard.LoopOptions(opts), shard.QueueSize(1), shard.On(on))
	})
	room := &stormyRoom{run: r, acked: map[string]bool{}}
	var people []*sim.Program
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		p := &person{room: room, name: name}
		room.people = append(room.people, p)
		people = append(people, r.Host(name).Start(p.live, r.PanicsOnly()))
	}
	r.Storm(stormLength, losses...)
	if err := r.RunUntil(room.settled, 10*time.Minute); err != nil {
		return fmt.Errorf("not everything is heard by all: %w", err)
	}
	room.over = true
	chat.stop()
	gone := func() bool { return !slices.ContainsFunc(people, func(p *sim.Program) bool { return !p.Done() }) }
	if err := r.RunUntil(gone, 10*time.Minute); err != nil {
		return err
	}
	for _, p := range room.people {
		if err := p.wrong(); err != nil {
			return err
		}
	}
	if err := r.RunUntil(serving.Done, time.Minute); err != nil {
		return err
	}
	if err := serving.Err(); err != nil {
		return err
	}
	return r.Settle(0)
}

// stormyRoom is what its members have said.
type stormyRoom struct {
	run    *simtest.Run
	people []*person
	acked  map[string]bool
	over   bool
}

// person is a member, on any number of connections.
type person struct {
	room    *stormyRoom
	name    string
	conn    *websocket.Conn
	joined  bool
	missing int
	last    uint64
	said    int
	unacked []string
	heard   []string
}

// settled reports whether the storm is over, and everything said.
func (r *stormyRoom) settled() bool {
	for _, p := range r.people {
		if len(p.unacked) > 0 || len(p.heard) < len(r.acked) {
			return false
		}
	}
	return r.run.Now() > stormLength+time.Second
}

// wrong says what is wrong with what a member has heard.
func (p *person) wrong() error {
	first := p.room.people[0]
	if !slices.Equal(p.heard, first.heard) {
		return fmt.Errorf("%s has heard %s, and %s %s", p.name, p.heard, first.name, first.heard)
	}
	next := map[string]int{}
	for _, id := range p.heard {
		sender, number, _ := strings.Cut(id, "-")
		next[sender]++
		if number != strconv.Itoa(next[sender]) {
			return fmt.Errorf("%s has heard %s, where %d was next of %s", p.name, p.heard, next[sender], sender)
		}
	}
	if len(p.heard) != len(p.room.acked) {
		return fmt.Errorf("%s has heard %d of %d", p.name, len(p.heard), len(p.room.acked))
	}
	return nil
}

// live talks for as long as the storm, and comes back for as long as there is something to say.
func (p *person) live(t *corolla.Task) error {
	t.Loop().Go(func(t *corolla.Task) error {
		return corolla.Every(t, 60*time.Millisecond, func() error {
			if p.room.run.Now() > stormLength {
				return corolla.ErrCanceled
			}
			p.said++
			id := fmt.Sprint(p.name, "-", p.said)
			p.unacked = append(p.unacked, id)
			if p.joined {
				p.send(id)
			}
			return nil
		})
	})
	for visits := 0; !p.room.over; visits++ {
		if visits > 0 {
			p.room.run.Sometimes("came back")
		}
		p.visit(t)
		p.joined = false
		if err := t.Sleep(time.Duration(1+len(p.heard)%7) * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (p *person) send(id string) {
	b, err := json.Marshal(said{id, "x"})
	if err == nil {
		_ = p.conn.TryWrite(websocket.Text, b) // if it cannot be, it is said again
	}
}

func (p *person) visit(t *corolla.Task) {
	q := url.Values{"room": {"r"}, "name": {p.name}, "key": {p.name}, "after": {strconv.FormatUint(p.last, 10)}}
	err := t.Timeout(5*time.Second, func(*corolla.Scope) (err error) {
		p.conn, _, err = websocket.Dial(t, "ws://server/chat?"+q.Encode(), websocket.KeepAlive(time.Second, 2*time.Second))
		return err
	})
	if err != nil {
		return
	}
	defer func() { _ = p.conn.CloseNow() }() // it is closed, mostly
	for {
		_, b, err := p.conn.Receive(t)
		var e event
		if err != nil || json.Unmarshal(b, &e) != nil {
			return
		}
		p.take(e)
		if e.Type == "said" && len(p.heard)%5 == 0 && p.missing == 0 && p.room.run.Now() < stormLength {
			return // and comes back, while others talk
		}
	}
}

func (p *person) take(e event) {
	switch e.Type {
	case "hello":
		p.missing = e.Missed
		if p.missing == 0 {
			p.last = max(p.last, e.Seq)
			p.sayAgain()
		} else if p.last > 0 {
			p.room.run.Sometimes("heard what was missed")
		}
	case "said":
		p.heard = append(p.heard, e.ID)
		p.last = e.Seq
		p.acknowledged(e.ID)
		if p.missing > 0 {
			if p.missing--; p.missing == 0 {
				p.sayAgain()
			}
		}
	case "ack":
		p.acknowledged(e.ID)
	}
}

func (p *person) sayAgain() {
	p.joined = true
	for _, id := range p.unacked {
		p.room.run.Sometimes("said again")
		p.send(id)
	}
}

func (p *person) acknowledged(id string) {
	p.room.acked[id] = true
	if i := slices.Index(p.unacked, id); i >= 0 {
		p.unacked = slices.Delete(p.unacked, i, i+1)
	}
}
