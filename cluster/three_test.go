package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// three is a cluster of three nodes, each with its embedded server, in this process.
type three struct {
	*testing.T
	task   *corolla.Task
	join   []string
	stores []string
	nodes  [3]*cluster.Conn
}

func newThree(t *testing.T, task *corolla.Task) *three {
	t.Helper()
	c := &three{T: t, task: task, join: addresses(3)}
	var opening []*corolla.Future[*cluster.Conn]
	for i := range c.nodes {
		c.stores = append(c.stores, t.TempDir())
		opening = append(opening, c.open(i))
	}
	for i, f := range opening {
		c.nodes[i] = must(f.Await(task))(t)
	}
	return c
}

func (c *three) open(i int) *corolla.Future[*cluster.Conn] {
	return cluster.Embed(c.task.Loop(), cluster.Name(fmt.Sprintf("n%d", i)), cluster.Routes(c.join[i]), cluster.Join(c.join...),
		cluster.Store(c.stores[i]), cluster.Secret("s"), cluster.ServerOptions(quickly))
}

func (c *three) met() {
	c.Helper()
	until(c.T, c.task, "the nodes to meet", func() bool {
		for _, n := range c.nodes {
			if len(must(n.Peers().Await(c.task))(c.T)) != 2 {
				return false
			}
		}
		return true
	})
}

// TestThreeNodes are one: subjects, queue groups, streams, presence. One leaves, and comes back.
func TestThreeNodes(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		c := newThree(t, task)
		c.met()
		c.subjects()
		c.queueGroup()
		makeStream(t, task, c.nodes[0])
		c.survives()
		for _, n := range c.nodes {
			closed(t, task, n)
		}
	})
}

// queueGroup has one of a group, of all nodes, get each message.
func (c *three) queueGroup() {
	c.Helper()
	got, warm := 0, map[*cluster.Conn]bool{}
	for _, n := range c.nodes {
		must(n.Subscribe("group", cluster.QueueGroup("g")))(c.T).OnMessage(func(m *cluster.Msg) {
			if m.Reply != "" {
				warm[n] = true
				_ = m.Respond(nil)
			}
			got++
		})
	}
	until(c.T, c.task, "all of the group to be known", func() bool {
		must(c.nodes[0].Request("group", nil, patience).Await(c.task))(c.T)
		return len(warm) == 3
	})
	got = 0
	for range 300 {
		_ = c.nodes[0].Publish("group", nil)
	}
	for _, n := range c.nodes {
		must(n.Flush().Await(c.task))(c.T)
	}
	until(c.T, c.task, "all messages", func() bool { return got >= 300 })
	if got != 300 {
		c.Errorf("300 messages were received %d times", got)
	}
}

// survives has a node follow a stream and see who is present, while another, which is the stream's leader, is closed
// and opened again.
func (c *three) survives() {
	c.Helper()
	stream := must(corolla.Offload(c.task.Loop(), func() (*jetstream.StreamInfo, error) {
		st, err := c.nodes[0].JetStream().Stream(c.task, "S")
		if err != nil {
			return nil, err
		}
		return st.CachedInfo(), nil
	}).Await(c.task))(c.T)
	if n := stream.Config.Replicas; n != 3 {
		c.Errorf("%d replicas", n)
	}
	var down int
	if _, err := fmt.Sscanf(stream.Cluster.Leader, "n%d", &down); err != nil {
		c.Fatal(err)
	}
	up, other := c.nodes[(down+1)%3], c.nodes[(down+2)%3]
	here := must(up.Presence("P", 2*cluster.MinTTL).Await(c.task))(c.T)
	must(0, must(c.nodes[down].Presence("P", 2*cluster.MinTTL).Await(c.task))(c.T).Enter("eve", nil))(c.T)
	until(c.T, c.task, "eve", func() bool { return len(here.Members()) == 1 })
	mine := must(up.Stream(streamConfig).Await(c.task))(c.T)
	r := must(other.Stream(streamConfig).Await(c.task))(c.T).Follow(0)
	for i := range 100 {
		mine.Publish("s.a", fmt.Append(nil, i))
		if i == 50 {
			c.nodes[down].Close()
		}
	}
	for i := range 100 {
		next(c.T, c.task, r, fmt.Sprint(i))
	}
	closed(c.T, c.task, c.nodes[down])
	c.nodes[down] = must(c.open(down).Await(c.task))(c.T)
	until(c.T, c.task, "eve to go", func() bool { return len(here.Members()) == 0 })
	again := must(c.nodes[down].Stream(streamConfig).Await(c.task))(c.T).Follow(90)
	for i := range 10 {
		next(c.T, c.task, again, fmt.Sprint(i+90))
	}
}

// subjects has each node answer the others.
func (c *three) subjects() {
	c.Helper()
	for i, n := range c.nodes {
		must(n.Subscribe(fmt.Sprintf("at.%d", i)))(c.T).OnMessage(func(m *cluster.Msg) { _ = m.Respond([]byte(n.Name())) })
		must(n.Flush().Await(c.task))(c.T)
	}
	for i, n := range c.nodes {
		for _, asking := range c.nodes {
			until(c.T, c.task, "an answer", func() bool { // the others learn of a subscription a little later
				m, err := asking.Request(fmt.Sprintf("at.%d", i), nil, patience).Await(c.task)
				return err == nil && string(m.Data) == n.Name()
			})
		}
	}
}

// TestServerComesBack, and so does the connection: what was published meanwhile arrives, and subscriptions are there
// again.
func TestServerComesBack(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		host, _, _ := strings.Cut(addresses(4)[3], ":")
		at := cluster.Clients(host + ":4222")
		server := embed(t, task, at)
		c := must(cluster.Connect(task.Loop(), server.ClientURL(), cluster.NATS(nats.ReconnectWait(time.Millisecond), nats.ReconnectBufSize(1000))).Await(task))(t)
		var told []cluster.Status
		c.OnStatus(func(s cluster.Status) { told = append(told, s) })
		sub := must(c.Subscribe("a"))(t)
		must(c.Flush().Await(task))(t)
		closed(t, task, server)
		until(t, task, "the loss", func() bool { return c.Status() == cluster.Disconnected })
		const n = 1000 // more than nats.go buffers
		for i := range n {
			must(0, c.Publish("a", fmt.Append(nil, i)))(t)
		}
		server = embed(t, task, at)
		for i := range n {
			if m := must(sub.Next(task))(t); string(m.Data) != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, m.Data)
			}
		}
		closed(t, task, c)
		closed(t, task, server)
		if want := []cluster.Status{cluster.Disconnected, cluster.Connected, cluster.Closed}; !slices.Equal(told, want) {
			t.Errorf("told %v", told)
		}
	})
}
