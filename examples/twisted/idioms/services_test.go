package idioms_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
)

// ReconnectingClientFactory: it connects, and again when the connection is lost, and waits longer each time that it
// could not connect.
func Example_reconnecting() {
	run(func(t *corolla.Task) error {
		cl := service.NewClient(t.Loop(), "feed", func() *corolla.Future[*transport.Conn] {
			return transport.Dial(t.Loop(), "tcp", "127.0.0.1:9000", lines(feed{}))
		})
		cl.Backoff = service.Backoff(time.Second, time.Minute, 2, nil)
		cl.Retrying = func(_ int, _ error, wait time.Duration) { fmt.Println("again in", wait) }
		if err := cl.Start(t); err != nil {
			return err
		}
		if _, err := cl.WhenConnected(2).Await(t); err != nil { // it goes on; this has waited long enough
			fmt.Println("not yet")
		}
		srv, err := transport.Serve(t.Loop(), "tcp", "127.0.0.1:9000", newspaper)
		if err != nil {
			return err
		}
		if _, err = cl.WhenConnected(0).Await(t); err == nil {
			err = t.Sleep(time.Second)
		}
		return errors.Join(err, cl.Stop(t), srv.Close())
	})
	// Output:
	// again in 2s
	// again in 4s
	// not yet
	// news
	// again in 2s
}

// feed prints the lines that it gets.
type feed struct{}

func (feed) Opened(*transport.Receiver)              {}
func (feed) Message(_ *transport.Receiver, m []byte) { fmt.Printf("%s\n", m) }
func (feed) Closed(*transport.Receiver, error)       {}

// newspaper says what is new, and hangs up.
func newspaper(c *transport.Conn) transport.Protocol {
	_ = c.Write([]byte("news\r\n"))
	c.Close()
	return lines(feed{})
}

// An application of services in a tree: they start in order, and stop in reverse, each when the one before has ended.
// In a program corolla.Main runs the tree, and SIGTERM is what ends it:
//
//	func main() { corolla.Main(func(t *corolla.Task) error { return newApp(t).Run(t) }) }
func Example_application() {
	run(func(t *corolla.Task) error {
		app := newApp(t)
		t.Loop().After(90*time.Second, func() { app.Quit(nil) })
		return app.Run(t)
	})
	// Output:
	// purge
	// news
	// again in 1h0m0s
	// purge
	// the store is closed
}

func newApp(t *corolla.Task) *service.Tree {
	store := service.New("store", nil, func(*corolla.Task) error { fmt.Println("the store is closed"); return nil })
	paper := service.NewServer("paper", service.At("tcp:9000:interface=127.0.0.1", transport.MaxPerPeer(5)), newspaper)
	reader := service.NewTaskClient(t.Loop(), "reader", func(t *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(t, "tcp", "127.0.0.1:9000")
	}, func(t *corolla.Task, c *aio.Conn) error {
		for line, err := range c.Lines(t) {
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", line)
		}
		return nil
	})
	reader.Backoff = func(int) time.Duration { return time.Hour }
	reader.Retrying = func(_ int, _ error, wait time.Duration) { fmt.Println("again in", wait) }
	purge := service.NewTimer("purge", time.Minute, func(*corolla.Task) error { fmt.Println("purge"); return nil })
	return service.NewTree("app", store, purge, paper, reader)
}
