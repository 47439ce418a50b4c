// Command chat is the README's program: every line that a client sends goes to all of them. A
// client that does not read is dropped, and one that floods waits for its own echo.
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
	log.Fatal(l.Run(func(t *corolla.Task) error { return chat(t, ln, log.Printf) }))
}

func chat(t *corolla.Task, ln *aio.Listener, logf func(format string, args ...any)) error {
	everybody := map[*aio.Conn]bool{} // shared by all, and no lock
	return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
		everybody[c] = true
		defer delete(everybody, c)
		for line, err := range c.Lines(t) { // waits in this task alone
			if err != nil {
				return err
			}
			for other := range everybody {
				if err := other.TryWrite(append(line, '\n')); err != nil { // it never waits
					logf("%v is dropped: %v", other.RemoteAddr(), err)
					delete(everybody, other)
					other.Abort()
				}
			}
			if err := c.Flush(t); err != nil { // a client that floods waits for its own echo
				return err
			}
		}
		return nil
	}, aio.MaxConns(10_000)).Serve(t)
}
