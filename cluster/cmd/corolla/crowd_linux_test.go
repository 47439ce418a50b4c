package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// This file has the clients, which do what the page does: each is a member of a room, on its home node or on the next
// that there is while that is gone; it comes back when it is sent away, says where it has left off, and says again
// what was not acknowledged.

type client struct {
	crowd   *crowd
	number  int
	name    string
	room    string
	home    int // its node
	conn    *websocket.Conn
	on      place
	joined  bool
	missing int    // that follow at once
	last    uint64 // the place of what it has heard
	next    int
	unacked []int
	count   int // members of its room
}

// place is where a client is.
type place struct {
	Node       string
	Worker     int
	Generation int
	Shard      int
	Version    string
}

// event is what a client is told.
type told struct {
	Type, Room, Name, Text, ID string
	Seq                        uint64
	Count, Missed              int
	Gap                        bool
	On                         place
}

// crowd is all clients, and what they have said and heard.
type crowd struct {
	nodes   []*node
	clients []*client
	all     map[string]*said // by sender and ID
	order   []string
	ears    map[string][]heard
	top     map[string]uint64 // of each room: the last place acknowledged
	turn    int
	over    bool
	wrong   []string // besides what the checker finds

	calm                bool // nothing is broken: delays count
	begun               map[string]time.Duration
	acked, near, far    []time.Duration // until acknowledged, heard on the node where it was said, and on another
	visits, waits, lost int
}

func newCrowd(nodes []*node, clients, rooms int) *crowd {
	c := &crowd{nodes: nodes, all: map[string]*said{}, ears: map[string][]heard{}, top: map[string]uint64{}, begun: map[string]time.Duration{}}
	for i := range clients {
		c.clients = append(c.clients, &client{
			crowd: c, number: i, name: fmt.Sprint("c", i), room: fmt.Sprint("room", i/len(nodes)%rooms), home: i % len(nodes),
		})
	}
	return c
}

// start has all clients come.
func (c *crowd) start(l *corolla.Loop) {
	for _, k := range c.clients {
		l.Go(k.live, corolla.Name(k.name))
	}
}

// live keeps a client connected until the crowd goes.
func (k *client) live(t *corolla.Task) error {
	for failed := 0; !k.crowd.over; failed++ {
		at := k.crowd.nodes[(k.home+failed)%len(k.crowd.nodes)]
		if k.visit(t, at) {
			failed = -1 // home, if that is there
		}
		k.joined = false
		if err := t.Sleep(time.Duration(50+k.number%10*20) * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// visit is one connection. It reports whether it was one.
func (k *client) visit(t *corolla.Task, at *node) (was bool) {
	q := url.Values{"room": {k.room}, "name": {k.name}, "key": {k.name}, "after": {strconv.FormatUint(k.last, 10)}}
	err := t.Timeout(10*time.Second, func(*corolla.Scope) (err error) {
		k.conn, _, err = websocket.Dial(t, "ws://"+at.addr+"/chat?"+q.Encode())
		return err
	})
	if err != nil {
		return false
	}
	defer func() { _ = k.conn.CloseNow() }() // it is closed, mostly
	k.crowd.visits++
	for {
		_, b, err := k.conn.Receive(t)
		if err != nil {
			if !errors.As(err, new(*websocket.CloseError)) {
				k.crowd.lost++
			}
			return true
		}
		var e told
		if err := json.Unmarshal(b, &e); err != nil {
			k.complain("was told %s: %v", b, err)
		}
		k.take(t.Loop().Now(), e)
	}
}

func (k *client) complain(format string, args ...any) {
	k.crowd.wrong = append(k.crowd.wrong, k.name+" "+fmt.Sprintf(format, args...))
}

// take takes in what a client is told.
func (k *client) take(now time.Duration, e told) {
	c := k.crowd
	switch e.Type {
	case "hello":
		if e.Gap || e.Name != k.name {
			k.complain("was greeted with %+v", e)
		}
		k.on, k.missing, k.count = e.On, e.Missed, e.Count
		if k.missing == 0 {
			k.last = max(k.last, e.Seq)
			k.sayAgain()
		}
	case "said":
		sender, id, _ := strings.Cut(e.ID, "-")
		n, _ := strconv.Atoi(id)
		c.ears[k.name] = append(c.ears[k.name], heard{k.room, e.Name, n, e.Seq})
		if sender != e.Name {
			k.complain("heard %+v", e)
		}
		k.last = e.Seq
		if sender == k.name {
			k.acknowledged(now, e)
		}
		if begun, timed := c.begun[e.ID]; timed && c.calm && k.missing == 0 {
			if speaker := c.clients[c.number(sender)]; speaker.on.Node == k.on.Node {
				c.near = append(c.near, now-begun)
			} else {
				c.far = append(c.far, now-begun)
			}
		}
		if k.missing > 0 {
			if k.missing--; k.missing == 0 {
				k.sayAgain()
			}
		}
	case "ack":
		k.acknowledged(now, e)
	case "joined", "left":
		k.count = e.Count
	case "waiting":
		c.waits++
	}
}

// sayAgain says what was not acknowledged, when what was missed, which may have some of it, is heard.
func (k *client) sayAgain() {
	k.joined = true
	for _, id := range k.unacked {
		k.send(id)
	}
}

func (c *crowd) number(name string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "c"))
	return n
}

func (k *client) acknowledged(now time.Duration, e told) {
	c := k.crowd
	_, id, _ := strings.Cut(e.ID, "-")
	n, _ := strconv.Atoi(id)
	i := slices.Index(k.unacked, n)
	if i < 0 {
		return // it is known
	}
	k.unacked = slices.Delete(k.unacked, i, i+1)
	c.all[e.ID].acked = true
	c.top[k.room] = max(c.top[k.room], e.Seq)
	if begun, timed := c.begun[e.ID]; timed && c.calm {
		c.acked = append(c.acked, now-begun)
	}
}

func (k *client) send(id int) {
	text := fmt.Sprintf(`{"id":"%s-%d","text":"message %d of %s"}`, k.name, id, id, k.name)
	_ = k.conn.TryWrite(websocket.Text, []byte(text)) // if it cannot be, it is said again
}

// speak has the next client say something, whether it is connected or not.
func (c *crowd) speak(now time.Duration) {
	k := c.clients[c.turn%len(c.clients)]
	c.turn++
	k.next++
	k.unacked = append(k.unacked, k.next)
	key := fmt.Sprint(k.name, "-", k.next)
	c.all[key] = &said{room: k.room, sender: k.name, id: k.next}
	c.order = append(c.order, key)
	if k.joined {
		if c.calm {
			c.begun[key] = now
		}
		k.send(k.next)
	}
}

// goHome has those come to a node whose home it is.
func (c *crowd) goHome(n *node) {
	for _, k := range c.clients {
		if c.nodes[k.home] == n && k.joined && k.on.Node != n.name {
			_ = k.conn.CloseNow() // without a word
			k.joined = false
		}
	}
}

// unsettled says what is not yet as it should be.
func (c *crowd) unsettled() string {
	n := 0
	var first string
	for _, k := range c.clients {
		if !k.joined || len(k.unacked) > 0 || k.last < c.top[k.room] {
			if n++; n == 1 {
				first = fmt.Sprintf("%s (home n%d): joined %v on %+v, unacknowledged %v, heard %d of %d", k.name, k.home+1, k.joined, k.on, k.unacked, k.last, c.top[k.room])
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d clients, such as %s", n, first)
}

// verdict is what the checker says.
func (c *crowd) verdict(ears map[string][]heard) []string {
	var all []said
	for _, key := range c.order {
		all = append(all, *c.all[key])
	}
	members := map[string]string{}
	for _, k := range c.clients {
		members[k.name] = k.room
	}
	return append(check(all, members, ears), c.wrong...)
}

// without returns what was heard, but for one message in the middle of what one client has heard.
func (c *crowd) without() map[string][]heard {
	ears := maps.Clone(c.ears)
	of := c.clients[0].name
	ears[of] = slices.Delete(slices.Clone(ears[of]), len(ears[of])/2, len(ears[of])/2+1)
	return ears
}

// present says whose room shows another number of members than it has.
func (c *crowd) present() string {
	want := map[string]int{}
	for _, k := range c.clients {
		want[k.room]++
	}
	for _, k := range c.clients {
		if k.count != want[k.room] {
			return fmt.Sprintf("%s on %s sees %d of %d members in %s", k.name, k.on.Node, k.count, want[k.room], k.room)
		}
	}
	return ""
}

// percentile sorts.
func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(len(ds)-1, len(ds)*p/100)].Round(10 * time.Microsecond)
}
