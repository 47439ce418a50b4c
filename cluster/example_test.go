package cluster_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/corolla-go/corolla/deferred"
	"github.com/nats-io/nats.go/jetstream"
)

// alone runs main with a cluster of one node.
func alone(main func(t *corolla.Task, c *cluster.Conn) error, opts ...cluster.Option) {
	l, err := corolla.New()
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if err := l.Run(func(t *corolla.Task) error {
		c, err := cluster.Embed(l, append(opts, cluster.Name("a"))...).Await(t)
		if err != nil {
			return err
		}
		if err := main(t, c); err != nil {
			return err
		}
		_, err = c.Drain(10 * time.Second).Await(t)
		return err
	}); err != nil {
		log.Fatal(err)
	}
}

// A subject as a channel, for tasks.
func ExampleSubscription_Next() {
	alone(func(t *corolla.Task, c *cluster.Conn) error {
		sub, err := c.Subscribe("greet.*")
		if err != nil {
			return err
		}
		if err := c.Publish("greet.ann", []byte("hello")); err != nil {
			return err
		}
		m, err := sub.Next(t)
		if err == nil {
			fmt.Printf("%s: %s\n", m.Subject, m.Data)
		}
		return err
	})
	// Output: greet.ann: hello
}

// A request in a task, and as a Deferred; the answer is given in a callback. The service is one of a group: of
// all nodes that have it, one answers.
func ExampleConn_Request() {
	alone(func(t *corolla.Task, c *cluster.Conn) error {
		service, err := c.Subscribe("double", cluster.QueueGroup("doublers"))
		if err != nil {
			return err
		}
		service.OnMessage(func(m *cluster.Msg) { _ = m.Respond(append(m.Data, m.Data...)) })

		m, err := c.Request("double", []byte("ho"), time.Second).Await(t)
		if err != nil {
			return err
		}
		fmt.Println(string(m.Data))

		d := deferred.FromFuture(c.Request("double", []byte("ha"), time.Second))
		s := deferred.Then(d, func(m *cluster.Msg) (string, error) { return string(m.Data) + "!", nil })
		text, err := s.Await(t)
		fmt.Println(text)
		return err
	})
	// Output:
	// hoho
	// haha!
}

// A stream, whose consumer acknowledges what it has done; with the same ID a message is stored once.
func ExampleStream_Consume() {
	dir, err := os.MkdirTemp("", "corolla")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	alone(func(t *corolla.Task, c *cluster.Conn) error {
		orders, err := c.Stream(jetstream.StreamConfig{Name: "orders", Subjects: []string{"orders.>"}}).Await(t)
		if err != nil {
			return err
		}
		for range 2 {
			ack, err := orders.Publish("orders.new", []byte("tea"), cluster.ID("order-1")).Await(t)
			if err != nil {
				return err
			}
			fmt.Println("stored at", ack.Seq, "again:", ack.Duplicate)
		}
		kitchen := orders.Consume("kitchen", jetstream.ConsumerConfig{})
		defer kitchen.Close()
		d, err := kitchen.Next(t)
		if err != nil {
			return err
		}
		fmt.Printf("made %s\n", d.Data)
		return d.Ack()
	}, cluster.Store(dir))
	// Output:
	// stored at 1 again: false
	// stored at 1 again: true
	// made tea
}

// Who is there, on whatever node.
func ExampleConn_Presence() {
	dir, err := os.MkdirTemp("", "corolla")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	alone(func(t *corolla.Task, c *cluster.Conn) error {
		present, err := c.Presence("players", 15*time.Second).Await(t)
		if err != nil {
			return err
		}
		var seen corolla.Event
		present.OnChange(func(m cluster.Member, here bool) {
			fmt.Println(m.Key, "on node", m.Node, here)
			seen.Set()
		})
		if err := present.Enter("ann", nil); err != nil {
			return err
		}
		defer present.OnChange(nil)
		return seen.Wait(t)
	}, cluster.Store(dir))
	// Output: ann on node a true
}
