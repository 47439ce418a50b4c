package service_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// A program of three parts, and how it ends. In a real one corolla.Main runs the tree, and SIGTERM ends it.
func Example() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	say := func(what string) func(*corolla.Task) error {
		return func(*corolla.Task) error { fmt.Println(what); return nil }
	}
	err := l.Run(func(t *corolla.Task) error {
		var app *service.Tree
		app = service.NewTree("app",
			service.New("store", say("the store is open"), say("the store is closed")),
			service.NewTimer("ticks", time.Minute, say("tick")),
			service.NewTask("job", func(t *corolla.Task, ready func()) error {
				ready()
				if err := t.Sleep(90 * time.Second); err != nil {
					return err
				}
				app.Quit(nil) // the work is done
				return nil
			}),
		)
		app.OnStop(service.Before, "say so", say("stopping"))
		return app.Run(t)
	})
	fmt.Println(err)
	// Output:
	// the store is open
	// tick
	// tick
	// stopping
	// the store is closed
	// <nil>
}

// A part that fails ends the tree, and the error says which it was.
func ExampleTree_Run() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		return service.NewTree("app",
			service.New("store", nil, func(*corolla.Task) error { return errors.New("the disk is full") }),
			service.NewTree("backend", service.NewTimer("poll", time.Second, func(*corolla.Task) error { return errors.New("no answer") })),
		).Run(t)
	})
	fmt.Println(err)
	// Output:
	// run app/backend/poll: no answer
	// stop app/store: the disk is full
}

// listener prints what it is told.
type listener struct{}

func (listener) Opened(*transport.Conn)           { fmt.Println("connected") }
func (listener) Data(_ *transport.Conn, b []byte) { fmt.Printf("%s\n", b) }
func (listener) Closed(*transport.Conn, error)    { fmt.Println("lost") }

// A client that is there before its server, and comes back to it.
func ExampleClient() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		client := service.NewClient(l, "feed", func() *corolla.Future[*transport.Conn] {
			return transport.Dial(l, "tcp", "127.0.0.1:7", listener{})
		})
		client.Backoff = service.Backoff(time.Second, time.Minute, 2, nil)
		client.Retrying = func(failed int, err error, wait time.Duration) {
			fmt.Printf("failure %d; %v until the next attempt\n", failed, wait)
		}
		if err := client.Start(t); err != nil {
			return err
		}
		if _, err := client.WhenConnected(2).Await(t); err != nil {
			fmt.Println("no server yet")
		}
		ln, err := aio.Listen(l, "tcp", "127.0.0.1:7")
		if err != nil {
			return err
		}
		for _, word := range []string{"hello", "hello again"} {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			if _, err := c.Write(t, []byte(word)); err != nil {
				return err
			}
			if err := c.Close(); err != nil {
				return err
			}
		}
		if err := t.Sleep(time.Second); err != nil {
			return err
		}
		return errors.Join(client.Stop(t), ln.Close())
	})
	fmt.Println(err)
	// Output:
	// failure 1; 2s until the next attempt
	// failure 2; 4s until the next attempt
	// no server yet
	// connected
	// hello
	// lost
	// failure 1; 2s until the next attempt
	// connected
	// hello again
	// lost
	// failure 1; 2s until the next attempt
	// <nil>
}

// A client for tasks: each connection has a task, which runs from its beginning to its end.
func ExampleNewTaskClient() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		server := service.NewTaskServer("clock", func(l *corolla.Loop) (*aio.Listener, error) {
			return aio.Listen(l, "tcp", "127.0.0.1:13")
		}, func(t *corolla.Task, c *aio.Conn) error {
			_, err := fmt.Fprintln(c.Bind(t), l.Time().Format(time.TimeOnly))
			return err
		})
		var app *service.Tree
		n := 0
		app = service.NewTree("app", server, service.NewTaskClient(l, "reader", func(t *corolla.Task) (*aio.Conn, error) {
			return aio.Dial(t, "tcp", "127.0.0.1:13")
		}, func(t *corolla.Task, c *aio.Conn) error {
			line, err := c.ReadUntil(t, []byte("\n"))
			fmt.Printf("%s", line)
			if n++; n == 2 {
				app.Quit(nil)
			}
			return err
		}))
		return app.Run(t)
	})
	fmt.Println(err)
	// Output:
	// 23:00:00
	// 23:00:01
	// <nil>
}
