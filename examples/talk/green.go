package talk

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/green"
)

// greenThreads has two green threads: the connection is a net.Conn, and the sender is
// the one of the goroutines.
func greenThreads(j *Job) error {
	l, err := corolla.New()
	if err != nil {
		return err
	}
	defer l.Close()
	h := green.NewHub(l)
	return h.Run(func() error {
		c, err := h.Dial("tcp", j.Addr)
		if err != nil {
			return err
		}
		defer c.Close()
		defer j.Observe(c.Socket().FD())()
		sent := false
		sender := h.Go(func() error {
			defer func() { sent = true }()
			return send(j, c)
		})
		for !sent {
			j.Slice()
			h.Sleep(0)
		}
		return sender.Join()
	})
}
