// Command chat is the README's program: what one says, all hear.
package main

import (
	"log"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

func main() {
	l, err := corolla.New()
	if err != nil {
		log.Fatal(err)
	}
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:7007")
	if err != nil {
		log.Fatal(err)
	}
	everybody := map[*aio.Conn]bool{} // shared by all, and no lock
	log.Fatal(l.Run(func(t *corolla.Task) error {
		for {
			c, err := ln.Accept(t) // parks this task, and no other
			if err != nil {
				return err
			}
			everybody[c] = true
			l.Go(func(t *corolla.Task) error {
				defer c.Close()
				defer delete(everybody, c)
				for buf := make([]byte, 512); ; {
					n, err := c.Read(t, buf)
					if err != nil {
						return nil
					}
					for other := range everybody {
						other.Write(t, buf[:n])
					}
				}
			})
		}
	}))
}
