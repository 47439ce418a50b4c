package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/shard"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// chatting runs a test in a task beside a chat, on a real machine and on simulated ones, with one shard and with three.
func chatting(t *testing.T, test func(c *chatTest)) {
	t.Helper()
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("real %d", shards), func(t *testing.T) {
			l, err := corolla.New(corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }))
			leaktest.NeedLoop(t, err)
			c := &chatTest{T: t, up: make(chan string, shards)}
			ended := make(chan error, 1)
			go func() { ended <- shard.Run(shards, c.serve("127.0.0.1:0"), c.loops()) }()
			for range shards {
				c.addr = <-c.up
			}
			err = corolla.RunOnce(l, nil, func(task *corolla.Task) error {
				c.run(task, test)
				return nil
			})
			if err := errors.Join(err, <-ended); err != nil {
				t.Error(err)
			}
		})
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("sim %d, seed %d", shards, seed), func(t *testing.T) {
				w := sim.New(seed, sim.Begin(time.Now()))
				defer w.Close()
				c := &chatTest{T: t, addr: "server:80", up: make(chan string, shards)}
				serving := w.Host("server").Boot(func(on corolla.Option) error {
					return shard.Run(shards, c.serve(":80"), c.loops(), shard.On(on))
				})
				using := w.Host("client").Start(func(task *corolla.Task) error {
					for len(c.up) < shards {
						if err := task.Sleep(time.Millisecond); err != nil {
							return err
						}
					}
					c.run(task, test)
					return nil
				}, corolla.SlowLimit(0))
				if err := errors.Join(w.Run(), serving.Err(), using.Err()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

type chatTest struct {
	*testing.T
	task   *corolla.Task
	addr   string
	up     chan string
	mu     sync.Mutex // guards what follows
	shards []*shard.Shard
	counts chatCounts
	asked  int
	keys   int
}

func (c *chatTest) loops() shard.Option {
	return shard.LoopOptions(func(int) []corolla.Option {
		return []corolla.Option{corolla.SlowLimit(0), corolla.ErrorHandler(func(err error) { c.Errorf("error handler: %v", err) })}
	})
}

// serve returns the body of a shard.
func (c *chatTest) serve(addr string) func(s *shard.Shard) error {
	return func(s *shard.Shard) error {
		c.mu.Lock()
		c.shards = append(c.shards, s)
		c.mu.Unlock()
		sock, err := s.Listen("tcp", addr, shard.RoundRobin, corolla.WriteBuffer(4<<10))
		if err != nil {
			return err
		}
		c.up <- sock.LocalAddr().String()
		h := *halls.Of(s)
		h.queue = 16 << 10
		err = h.serve(s.Task(), &web.Server{Handler: h.mux()}, aio.NewListener(sock))
		if n := h.stats(); n.Members != 0 || len(n.Rooms) != 0 {
			c.Errorf("left behind: %+v", n)
		}
		return err
	}
}

func (c *chatTest) run(task *corolla.Task, test func(c *chatTest)) {
	defer c.stop()
	c.task = task
	test(c)
}

// stop ends the chat.
func (c *chatTest) stop() {
	for _, s := range c.shards {
		tellToEnd(s, parting{websocket.CodeGoingAway, "the server stops"})
	}
}

// until waits for the numbers of all shards to be so.
func (c *chatTest) until(what string, so func(n chatCounts) bool) {
	c.Helper()
	for end := c.task.Loop().Now() + time.Minute; ; {
		c.mu.Lock()
		c.counts, c.asked = chatCounts{Rooms: map[string]int{}}, 0
		c.mu.Unlock()
		for _, s := range c.shards {
			if err := s.Loop().Post(func() {
				n := (*halls.Of(s)).stats()
				c.mu.Lock()
				defer c.mu.Unlock()
				c.counts.add(n)
				c.asked++
			}); err != nil {
				c.Fatal(err)
			}
		}
		for all := false; !all; {
			c.mu.Lock()
			all = c.asked == len(c.shards)
			c.mu.Unlock()
			if err := c.task.Sleep(time.Millisecond); err != nil {
				c.Fatal(err)
			}
		}
		if so(c.counts) {
			return
		}
		if c.task.Loop().Now() > end {
			c.Fatalf("has not come: %s; the numbers are %+v", what, c.counts)
		}
	}
}

// guest is a client.
type guest struct {
	*chatTest
	conn   *websocket.Conn
	hello  event
	said   int
	missed []event
}

// dial joins a room, and returns what it was greeted with.
func (c *chatTest) dial(room, name, key string, after uint64) *guest {
	c.Helper()
	q := url.Values{"room": {room}, "name": {name}, "key": {key}}
	if after > 0 {
		q.Set("after", strconv.FormatUint(after, 10))
	}
	conn, _, err := websocket.Dial(c.task, "ws://"+c.addr+"/chat?"+q.Encode(), websocket.Socket(corolla.ReadBuffer(4<<10)))
	if err != nil {
		c.Fatal(err)
	}
	g := &guest{chatTest: c, conn: conn}
	g.hello = g.hear()
	return g
}

// enter joins a room for the first time, and hears who is there, under which name it joined, and that it did.
func (c *chatTest) enter(room, name, as string, here ...string) *guest {
	c.Helper()
	c.keys++
	g := c.dial(room, name, fmt.Sprint("k", c.keys), 0)
	e := g.hello
	slices.Sort(here)
	if e.Type != "hello" || e.Room != room || e.Name != as || e.Count != len(here)+1 || !slices.Equal(e.Here, here) || e.At == 0 || e.On == nil {
		c.Errorf("%s is greeted with %+v", name, e)
	}
	for range e.Missed {
		g.missed = append(g.missed, g.hear())
	}
	g.expect("joined", as, "", len(here)+1)
	return g
}

// hear returns the next event that is not the acknowledgement of what this guest has said.
func (g *guest) hear() event {
	g.Helper()
	for {
		if e := g.next(); e.Type != "ack" {
			return e
		}
	}
}

func (g *guest) next() (e event) {
	g.Helper()
	var b []byte
	err := g.task.Timeout(time.Minute, func(*corolla.Scope) (err error) {
		_, b, err = g.conn.Read(g.task)
		return err
	})
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		g.Fatal(err)
	}
	return e
}

func (g *guest) expect(kind, name, text string, count int) event {
	g.Helper()
	e := g.hear()
	if e.Type != kind || e.Name != name || e.Text != text || e.Count != count {
		g.Errorf("heard %+v, want %s %s %q, %d", e, kind, name, text, count)
	}
	return e
}

// say says something, with a new ID.
func (g *guest) say(text string) {
	g.Helper()
	g.said++
	g.sayAs(fmt.Sprint(g.said), text)
}

func (g *guest) sayAs(id, text string) {
	g.Helper()
	b, err := json.Marshal(said{id, text})
	if err == nil {
		err = g.conn.Write(g.task, websocket.Text, b)
	}
	if err != nil {
		g.Fatal(err)
	}
}

// leave closes the connection.
func (g *guest) leave() {
	g.Helper()
	if err := g.conn.Close(g.task, websocket.CodeGoingAway, ""); err != nil {
		g.Error(err)
	}
}
