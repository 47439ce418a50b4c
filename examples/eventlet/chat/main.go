// Command chat is Eventlet's example of a chat server: what one participant says, all others hear.
// The set of participants is shared by all threads, and needs no lock.
package main

import (
	"bufio"
	"fmt"

	"github.com/corolla-go/corolla/green"
)

func main() {
	green.Main(func(h *green.Hub) error {
		ln, err := h.Listen("tcp", ":3001")
		if err != nil {
			return err
		}
		fmt.Println("chat server starting up on port 3001")
		return h.Serve(ln, chat())
	})
}

func chat() func(c *green.Conn) error {
	participants := map[*green.Conn]bool{}
	return func(c *green.Conn) error {
		fmt.Println("participant joined chat")
		participants[c] = true
		defer func() {
			delete(participants, c)
			fmt.Println("participant left chat")
		}()
		for in := bufio.NewScanner(c); in.Scan(); {
			fmt.Println("chat:", in.Text())
			for p := range participants {
				if p != c { // don't echo
					// TryWrite never waits, so nobody joins or leaves meanwhile; a participant that
					// does not read misses the line.
					_ = p.TryWrite([]byte(in.Text() + "\n"))
				}
			}
		}
		return nil
	}
}
