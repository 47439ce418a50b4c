package chattest

import (
	"io"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// Visitor returns a Chat's Visit by tasks.
func Visitor(address string) func(t *corolla.Task, r *Room, v *Visit) error {
	return func(t *corolla.Task, r *Room, v *Visit) error {
		c, err := aio.Dial(t, "tcp", address, corolla.DialTimeout(2*time.Second))
		if err != nil {
			return err
		}
		defer c.Close()
		return t.Group(func(g *corolla.Group) error {
			talker := g.Go(func(t *corolla.Task) error { return talk(t, c, r, v) })
			defer talker.Cancel(nil)
			for line, err := range c.Lines(t) {
				if err != nil {
					return err
				}
				r.Hears(v, string(line))
			}
			return io.EOF
		})
	}
}

func talk(t *corolla.Task, c *aio.Conn, r *Room, v *Visit) error {
	for r.Open() {
		if _, err := c.Write(t, []byte(r.Says(v))); err != nil {
			return err
		}
		if err := t.Sleep(Pause); err != nil {
			return err
		}
	}
	return io.EOF
}
