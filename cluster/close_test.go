package cluster_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// everything does one of each thing that a Conn has, and ends at the first that fails.
func everything(task *corolla.Task, c *cluster.Conn) error {
	sub, err := c.Subscribe("a")
	if err != nil {
		return err
	}
	sub.OnMessage(func(m *cluster.Msg) { _ = m.Respond(m.Data) })
	if _, err := c.Request("a", nil, patience).Await(task); err != nil {
		return err
	}
	s, err := c.Stream(streamConfig).Await(task)
	if err != nil {
		return err
	}
	follower, consumer := s.Follow(0), s.Consume("c", jetstream.ConsumerConfig{})
	if _, err := s.Publish("s.a", nil).Await(task); err != nil {
		return err
	}
	p, err := c.Presence("P", cluster.MinTTL).Await(task)
	if err != nil {
		return err
	}
	if err := p.Enter("ann", nil); err != nil {
		return err
	}
	if _, err := follower.Next(task); err != nil {
		return err
	}
	d, err := consumer.Next(task)
	if err != nil {
		return err
	}
	if _, err := d.AckSure(patience).Await(task); err != nil {
		return err
	}
	if _, err := s.LastSeq().Await(task); err != nil {
		return err
	}
	_, err = c.Flush().Await(task)
	return err
}

// TestCloseAtAnyPoint of everything ends it with ErrClosed, and leaves nothing; main_test.go counts goroutines. The
// points are turns of the loop, so where they are is a matter of luck, and every one must do. The server is not closed
// with it: a nats-server that is shut down while it makes a stream leaves a goroutine of its store.
func TestCloseAtAnyPoint(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		srv := embed(t, task, cluster.Store(t.TempDir()), cluster.ServerOptions(quickly), cluster.Clients("127.0.0.1:0"))
		for _, turns := range []int{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144} {
			c := must(cluster.Connect(task.Loop(), srv.ClientURL(), cluster.Name("c")).Await(task))(t)
			all := corolla.Go(task.Loop(), func(task *corolla.Task) (int, error) { return 0, everything(task, c) })
			for range turns {
				must(0, task.Yield())(t)
			}
			f := c.Close()
			if _, err := all.Await(task); err != nil && !errors.Is(err, cluster.ErrClosed) {
				t.Errorf("closed after %d turns: %v", turns, err)
			}
			must(f.Await(task))(t)
			closed(t, task, c)
		}
		if err := everything(task, srv); err != nil {
			t.Error(err)
		}
		closed(t, task, srv)
	})
}

// TestDrainWaitsForTheServer when that is away for a while: what was published to a stream is stored.
func TestDrainWaitsForTheServer(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		store := cluster.Store(t.TempDir())
		srv := embed(t, task, store, cluster.Clients("127.0.0.1:0"))
		url := srv.ClientURL()
		c := must(cluster.Connect(task.Loop(), url, cluster.NATS(nats.ReconnectWait(time.Millisecond))).Await(task))(t)
		s := makeStream(t, task, c)
		closed(t, task, srv)
		until(t, task, "the loss", func() bool { return c.Status() == cluster.Disconnected })
		var acks []*corolla.Future[cluster.Ack]
		for i := range 20 {
			acks = append(acks, s.Publish(fmt.Sprintf("s.%d", i%5), nil))
		}
		drained := c.Drain(patience)
		must(0, task.Yield())(t)
		srv = embed(t, task, store, cluster.Clients(url[len("nats://"):]))
		must(drained.Await(task))(t)
		for _, f := range acks {
			must(f.Await(task))(t)
		}
		closed(t, task, srv)
	})
}

// TestDeafServer, which takes nothing any more, holds up neither the loop nor Close.
func TestDeafServer(t *testing.T) {
	onLoop(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
		l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
		deaf, stop := corolla.NewFuture[struct{}](task.Loop()), make(chan struct{})
		serving := corolla.Offload(task.Loop(), func() (int, error) {
			defer l.Close()
			return 0, serveDeaf(l, func() { _ = task.Loop().Post(func() { _ = deaf.Resolve(struct{}{}) }) }, stop)
		})
		c := must(cluster.Connect(task.Loop(), "nats://"+l.Addr().String(), cluster.Outgoing(100, 16<<20, cluster.Refuse),
			cluster.NATS(nats.FlusherTimeout(soon))).Await(task))(t)
		must(deaf.Await(task))(t)
		data := make([]byte, 1<<20)
		until(t, task, "an end of what is sent", func() bool { return errors.Is(c.Publish("a", data), cluster.ErrFull) })
		closed(t, task, c)
		if s := c.Stats(); s.Lost == 0 {
			t.Errorf("nothing was lost: %+v", s)
		}
		close(stop)
		must(serving.Await(task))(t)
	})
}

// serveDeaf greets one client, calls greeted, and reads nothing more.
func serveDeaf(l net.Listener, greeted func(), stop <-chan struct{}) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	const info = `INFO {"server_id":"x","version":"2.15.0","proto":1,"headers":true,"max_payload":1048576}`
	if _, err := io.WriteString(conn, info+"\r\n"); err != nil {
		return err
	}
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "PING\r\n" {
			break
		}
	}
	_, err = io.WriteString(conn, "PONG\r\n")
	greeted()
	<-stop
	return err
}
