package cluster

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// This file has who is present. In a bucket each node has a key that it sets again and again, and that the bucket
// forgets after a time to live; and one for each of its members, which stays until it is deleted. A member is
// present for as long as its node's key is seen to be set. So members cost nothing while nothing changes. Those of
// a node that is gone are deleted by the first of the others.
//
// A node is told apart from the one that had its name before: it has a token of its own.

// Member is somebody, or something, that is present.
type Member struct {
	Node  string // where
	Key   string
	Value []byte // shared: it must not be changed
}

// Presence knows who is present on which node. Each node adds its own members; all see those of all.
type Presence struct {
	state *State
	ttl   time.Duration
	token string
	own   map[string][]byte
	busy  map[string]bool // own keys that are being changed
	beats *corolla.Timer
	alive map[string]time.Duration // when the key of a node was last seen to be set
	all   map[string]map[string]Entry
	here  map[string]Member // by key in the bucket: those whom we have told of
	tell  func(m Member, here bool)
	ended bool
}

// MinTTL is the shortest time to live of a Presence.
const MinTTL = 2 * time.Second

// beatsPerTTL is how often a node says that it is alive within the time to live.
const beatsPerTTL = 4

// Presence returns who is present, under a name that all nodes use. Who was on a node that died is gone after ttl, or
// a quarter more; that should be 15 seconds or more where leaders may die, since it takes JetStream up to 10 to
// elect another, and not less than MinTTL. Its bucket is in memory: if that is lost, as when the only server there is
// was started again, it is made again, and each node says again who is there.
func (c *Conn) Presence(name string, ttl time.Duration) *corolla.Future[*Presence] {
	c.loop.Check("cluster.Conn.Presence")
	ttl = max(ttl, MinTTL)
	return corolla.Go(c.loop, func(t *corolla.Task) (*Presence, error) {
		s, err := c.openState(c.withDefaults(jetstream.KeyValueConfig{
			Bucket: name, Storage: jetstream.MemoryStorage,
			LimitMarkerTTL: max(10*ttl, time.Minute),
		}), true).Await(t)
		if err != nil {
			return nil, err
		}
		p := &Presence{
			state: s, ttl: ttl, token: encode(c.cfg.name) + "=" + nuid.Next(),
			own: map[string][]byte{}, busy: map[string]bool{},
			alive: map[string]time.Duration{}, all: map[string]map[string]Entry{}, here: map[string]Member{},
		}
		for _, e := range s.All() {
			p.heard(e)
		}
		s.OnChange(p.heard)
		c.parts[p] = struct{}{}
		p.succeed()
		p.beat()
		return p, nil
	}, corolla.Name("open a presence"))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func (p *Presence) nodeKey() string             { return "n." + p.token }
func (p *Presence) memberKey(key string) string { return "m." + p.token + "." + encode(key) }

// Enter makes a member of this node present, or changes its value. Until the cluster knows it goes on trying. The
// error is ErrClosed or ErrTooLarge.
func (p *Presence) Enter(key string, value []byte) error {
	c := p.state.conn
	c.loop.Check("cluster.Presence.Enter")
	switch {
	case p.ended || c.status == Closed || c.draining:
		return fmt.Errorf("presence of %s: %w", key, ErrClosed)
	case len(value) > c.largest:
		return fmt.Errorf("presence of %s: %w", key, ErrTooLarge)
	}
	p.own[p.memberKey(key)] = append([]byte{}, value...) // not nil
	p.converge(p.memberKey(key))
	return nil
}

// Leave ends the presence of a member of this node.
func (p *Presence) Leave(key string) {
	p.state.conn.loop.Check("cluster.Presence.Leave")
	delete(p.own, p.memberKey(key))
	p.converge(p.memberKey(key))
}

// Members returns who is present, ordered by key and then by node.
func (p *Presence) Members() []Member {
	p.state.conn.loop.Check("cluster.Presence.Members")
	return slices.SortedFunc(maps.Values(p.here), func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Node, b.Node))
	})
}

// OnChange calls f when somebody comes, or has another value, and when somebody has left. It replaces the function
// set before.
func (p *Presence) OnChange(f func(m Member, here bool)) {
	p.state.conn.loop.Check("cluster.Presence.OnChange")
	p.tell = f
}

// Close ends the presence of this node, and of its members; the others see that at once.
func (p *Presence) Close() {
	p.state.conn.loop.Check("cluster.Presence.Close")
	p.drain()
	p.shut(nil)
	p.state.Close()
}

// beat says that the node is alive, sees who is not any more, and puts right what could not be done before.
func (p *Presence) beat() {
	if p.ended {
		return
	}
	every := p.ttl / beatsPerTTL
	p.beats = p.state.conn.loop.After(every, p.beat)
	if k := p.nodeKey(); !p.busy[k] {
		p.set(k, []byte(p.state.conn.cfg.name), nats.Header{jetstream.MsgTTLHeader: {p.ttl.String()}}, Patience(p.ttl))
	}
	for _, token := range slices.Sorted(maps.Keys(p.alive)) {
		if token != p.token && p.state.conn.loop.Now()-p.alive[token] > p.ttl+every {
			delete(p.alive, token)
			p.showAll(token)
		}
	}
	for k := range p.own {
		p.converge(k)
	}
	for _, e := range p.all[p.token] {
		p.converge(e.Key)
	}
	p.clean()
}

// set changes a key of this node's, one change at a time. If that fails, the next beat sees to it.
func (p *Presence) set(k string, value []byte, h nats.Header, opts ...PublishOption) {
	p.busy[k] = true
	p.state.change(k, value, h, opts...).OnDone(func(f *corolla.Future[uint64]) {
		delete(p.busy, k)
		p.state.conn.idle.WakeAll()
		revision, err := f.Result()
		e, there := p.state.copy[k]
		if err == nil && there == (value != nil) && (!there || e.Revision >= revision) {
			p.converge(k) // otherwise it has yet to be heard of, and then that is done
		}
	})
}

// gone is what a key is set to that is not there any more. The bucket forgets it, too.
func (p *Presence) gone() nats.Header {
	return nats.Header{"KV-Operation": {"PURGE"}, "Nats-Rollup": {"sub"}, jetstream.MsgTTLHeader: {max(10*p.ttl, time.Minute).String()}}
}

// converge makes the bucket have of this node's member what it should.
func (p *Presence) converge(k string) {
	want, has := p.own[k]
	_, there := p.state.copy[k]
	switch {
	case p.busy[k] || p.state.conn.status == Closed || k == p.nodeKey():
	case has && !p.state.has(k, want):
		p.set(k, want, nil)
	case !has && there:
		p.set(k, nil, p.gone())
	}
}

// heard takes in a change of the bucket.
func (p *Presence) heard(e Entry) {
	kind, rest, _ := strings.Cut(e.Key, ".")
	token, _, _ := strings.Cut(rest, ".")
	if kind == "n" {
		if e.Deleted {
			delete(p.alive, token)
		} else {
			p.alive[token] = p.state.conn.loop.Now()
		}
		p.showAll(token)
		return
	}
	of := p.all[token]
	switch {
	case !e.Deleted && of == nil:
		p.all[token] = map[string]Entry{e.Key: e}
	case !e.Deleted:
		of[e.Key] = e
	case len(of) <= 1:
		delete(p.all, token)
	default:
		delete(of, e.Key)
	}
	p.show(token, e.Key)
	if token == p.token && p.state.heard == nil && !p.ended {
		p.converge(e.Key)
	}
}

func (p *Presence) showAll(token string) {
	for _, k := range slices.Sorted(maps.Keys(p.all[token])) {
		p.show(token, k)
	}
}

// show tells of a member, if there is something new to tell.
func (p *Presence) show(token, k string) {
	e, there := p.all[token][k]
	_, alive := p.alive[token]
	was, told := p.here[k]
	switch {
	case there && (alive || token == p.token):
		m := Member{decode(token), decode(k[strings.LastIndexByte(k, '.')+1:]), e.Value}
		if told && string(was.Value) == string(m.Value) {
			return
		}
		if p.here[k] = m; p.tell != nil {
			p.tell(m, true)
		}
	case told:
		if delete(p.here, k); p.tell != nil {
			p.tell(was, false)
		}
	}
}

// decode undoes encode, and leaves out what makes a token unique.
func decode(s string) string {
	s, _, _ = strings.Cut(s, "=")
	b, _ := base64.RawURLEncoding.DecodeString(s) // what others have written there shows as far as it can be read
	return string(b)
}

// clean deletes what nodes have left that are gone, if this node is the first.
func (p *Presence) clean() {
	for token := range p.alive {
		if token < p.token {
			return
		}
	}
	for token := range p.all {
		if _, there := p.state.copy["n."+token]; !there && token != p.token {
			p.wipe(token)
		}
	}
}

func (p *Presence) wipe(token string) {
	for k := range p.all[token] {
		if !p.busy[k] {
			p.set(k, nil, p.gone())
		}
	}
}

// succeed deletes what earlier nodes of this name have left.
func (p *Presence) succeed() {
	name, _, _ := strings.Cut(p.token, "=")
	for _, e := range p.state.All() {
		kind, rest, _ := strings.Cut(e.Key, ".")
		token, _, _ := strings.Cut(rest, ".")
		if !strings.HasPrefix(token, name+"=") {
			continue
		}
		if p.wipe(token); kind == "n" {
			p.set(e.Key, nil, p.gone())
		}
	}
}

// drain says goodbye.
func (p *Presence) drain() {
	if p.ended {
		return
	}
	p.ended = true
	p.beats.Stop()
	clear(p.own)
	p.set(p.nodeKey(), nil, p.gone())
	for k := range p.all[p.token] {
		p.converge(k)
	}
}

func (p *Presence) drained() bool { return len(p.busy) == 0 }

func (p *Presence) shut(error) {
	p.ended = true
	p.beats.Stop()
	p.state.conn.remove(p)
}

func (p *Presence) slow(*nats.Subscription) bool { return false }
