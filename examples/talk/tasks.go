package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// tasks has one task that sends and one that counts; each reads like a program that does
// nothing else.
func tasks(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Run(func(t *corolla.Task) error {
		c, err := aio.Dial(t, "tcp", j.Addr)
		if err != nil {
			return err
		}
		defer c.Close()
		defer j.Observe(c.Socket().FD())()
		return t.Group(func(g *corolla.Group) error {
			g.Go(func(t *corolla.Task) error {
				defer g.Cancel(nil) // all is sent: no more counting
				for sent := 0; sent < len(j.Data); j.Moved(sent) {
					n, err := c.Write(t, j.Next(sent))
					if err != nil {
						return err
					}
					sent += n
				}
				return nil
			})
			g.Go(func(t *corolla.Task) error {
				for {
					j.Slice()
					if err := t.Yield(); err != nil {
						return err
					}
				}
			})
			return nil
		})
	})
}
