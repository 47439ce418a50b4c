package rooms_test

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// This file has the clients: each is a member of a room and says something there now and then, on its home node, or on
// the next that there is while that is gone.

type client struct {
	name, room string
	home, node *machine
	last       uint64 // what it has heard
	joined     bool
	next       int
	unacked    []int
}

// crowd is all clients, and what they have said and heard.
type crowd struct {
	lab     *lab
	clients []*client
	by      map[string]*client
	all     map[string]*said
	order   []string
	ears    map[string][]heard
	turn    int
	top     map[string]uint64 // of each room: the last place acknowledged

	calm   bool // nothing is broken: delays count
	hops   map[string][]time.Duration
	near   []time.Duration // heard on the node where it was said
	far    []time.Duration // and on others
	stats  map[*machine]nodeStats
	hopped int
	failed int
	here   map[string]string
}

func newCrowd(l *lab, clients, rooms int) *crowd {
	c := &crowd{
		lab: l, by: map[string]*client{}, all: map[string]*said{}, ears: map[string][]heard{}, top: map[string]uint64{},
		hops: map[string][]time.Duration{}, stats: map[*machine]nodeStats{}, here: map[string]string{},
	}
	for i := range clients {
		at := l.nodes[i%len(l.nodes)]
		k := &client{name: fmt.Sprintf("c%d", i), room: fmt.Sprintf("room%d", i/len(l.nodes)%rooms), home: at, node: at}
		c.clients = append(c.clients, k)
		c.by[k.name] = k
	}
	return c
}

// speak has the next client say something.
func (c *crowd) speak() {
	k := c.clients[c.turn%len(c.clients)]
	c.turn++
	if !k.joined {
		return
	}
	k.next++
	k.unacked = append(k.unacked, k.next)
	key := fmt.Sprint(k.name, "/", k.next)
	c.all[key] = &said{room: k.room, sender: k.name, id: k.next}
	c.order = append(c.order, key)
	k.node.tell("say %s %s %d", k.room, k.name, k.next)
}

// seat makes a client join on its node, or on the next that is ready, and say again what was not acknowledged.
func (c *crowd) seat(k *client) {
	k.joined = false
	for i := range c.lab.nodes {
		m := c.lab.nodes[(k.node.i-1+i)%len(c.lab.nodes)]
		if m.ready {
			k.node = m
			m.tell("join %s %s %d", k.room, k.name, k.last)
			for _, id := range k.unacked {
				m.tell("say %s %s %d", k.room, k.name, id)
			}
			return
		}
	}
}

// take takes in what a node has said.
func (c *crowd) take(e event) {
	w := e.words
	if e.life != e.node.life && w != nil && w[0] != "heard" && w[0] != "acked" {
		return
	}
	switch {
	case w == nil:
		if e.life == e.node.life {
			e.node.kill()
		}
		for _, k := range c.clients {
			if k.node == e.node && e.life == e.node.life {
				c.seat(k)
			}
		}
	case w[0] == "ready":
		e.node.ready = true
		for _, k := range c.clients {
			if k.home == e.node {
				if k.joined {
					k.node.tell("leave %s %s", k.room, k.name)
				}
				k.node = e.node
				c.seat(k)
			}
		}
	case w[0] == "joined":
		c.by[w[2]].joined = true
	case w[0] == "heard":
		c.hear(e, w)
	case w[0] == "acked":
		c.acked(w)
	case w[0] == "failed":
		c.failed++
		k := c.by[w[1]]
		k.node.tell("say %s %s %s", k.room, k.name, w[2])
	default:
		c.takeFigure(e, w)
	}
}

func (c *crowd) hear(e event, w []string) {
	k := c.by[w[2]]
	if k.node != e.node {
		return // it has gone elsewhere, and would not have got this
	}
	seq, _ := strconv.ParseUint(w[3], 10, 64)
	id, _ := strconv.Atoi(w[5])
	c.ears[k.name] = append(c.ears[k.name], heard{w[1], w[4], id, seq})
	k.last = seq
	saidAt, _ := strconv.ParseInt(w[6], 10, 64)
	heardAt, _ := strconv.ParseInt(w[7], 10, 64)
	if c.calm && heardAt > 0 {
		if d := time.Duration(heardAt - saidAt); c.by[w[4]].node == e.node {
			c.near = append(c.near, d)
		} else {
			c.far = append(c.far, d)
		}
	}
}

func (c *crowd) acked(w []string) {
	k := c.by[w[1]]
	id, _ := strconv.Atoi(w[2])
	seq, _ := strconv.ParseUint(w[3], 10, 64)
	if i := slices.Index(k.unacked, id); i >= 0 {
		k.unacked = slices.Delete(k.unacked, i, i+1)
	}
	c.all[fmt.Sprint(k.name, "/", id)].acked = true
	c.top[k.room] = max(c.top[k.room], seq)
}

// settled reports whether everything is acknowledged, and everybody has heard it.
func (c *crowd) settled() bool {
	for _, k := range c.clients {
		if !k.joined || len(k.unacked) > 0 || k.last < c.top[k.room] {
			return false
		}
	}
	return true
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
	return check(all, members, ears)
}

// percentile sorts.
func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(len(ds)-1, len(ds)*p/100)]
}
