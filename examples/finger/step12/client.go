package main

import (
	"fmt"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
)

// pass passes on lines to the port for news, until they end, and each until it was taken: a client keeps the
// connection, and has another one when that is lost.
func pass(t *corolla.Task, in *aio.Conn, address string) error {
	queue := corolla.NewQueue[string](10)
	line := "" // on its way
	client := service.NewTaskClient(t.Loop(), "news", func(t *corolla.Task) (*aio.Conn, error) {
		return aio.Dial(t, "tcp", address)
	}, func(t *corolla.Task, c *aio.Conn) (err error) {
		for {
			if line == "" {
				if line, err = queue.Get(t); err != nil {
					return err
				}
			}
			if _, err := fmt.Fprintf(c.Bind(t), "%s\r\n", line); err != nil {
				return err
			}
			answer, err := c.ReadUntil(t, []byte("\r\n"))
			if err != nil {
				return err
			}
			if string(answer) != thanks+"\r\n" {
				t.Loop().Report(fmt.Errorf("news %q: the answer is %q", line, answer))
			}
			line = ""
			queue.TaskDone()
		}
	})
	var app *service.Tree
	app = service.NewTree("finger news", client, service.NewTask("lines", func(t *corolla.Task, ready func()) error {
		ready()
		if err := feed(t, in, queue); err != nil {
			return err
		}
		app.Quit(nil)
		return nil
	}))
	return app.Run(t)
}

// feed puts lines into a queue, and waits until they are done with.
func feed(t *corolla.Task, in *aio.Conn, queue *corolla.Queue[string]) error {
	for line, err := range in.Lines(t) {
		if err != nil {
			return err
		}
		if len(line) > 0 {
			if err := queue.Put(t, string(line)); err != nil {
				return err
			}
		}
	}
	return queue.Join(t)
}
