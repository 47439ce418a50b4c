// Command chat is Twisted's example of a chat: it asks for a name, and what somebody says all others hear. The users
// belong to the loop, and need no lock. It listens at an endpoint, tcp:8123 unless one is given. Try telnet.
package main

import (
	"fmt"
	"os"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		endpoint := "tcp:8123"
		if len(os.Args) > 1 {
			endpoint = os.Args[1]
		}
		e, err := transport.ParseEndpoint(endpoint)
		if err != nil {
			return err
		}
		srv, err := e.Listen(t.Loop(), new(room).build, transport.MaxPerPeer(100))
		if err != nil {
			return err
		}
		fmt.Println("listening at", srv.Addr())
		return new(corolla.Event).Wait(t) // until it is canceled by a signal
	})
}

// room is everybody with a name, in the order in which they came.
type room struct{ users []*user }

type user struct {
	conn *transport.Receiver
	room *room
	name string
}

func (o *room) build(*transport.Conn) transport.Protocol {
	return transport.NewReceiver(&framing.Lines{}, &user{room: o})
}

func (u *user) Opened(r *transport.Receiver) {
	u.conn = r
	u.hear("What's your name?")
}

func (u *user) Message(_ *transport.Receiver, line []byte) {
	if u.name == "" {
		u.enter(string(line))
		return
	}
	u.room.say(u, fmt.Sprintf("<%s> %s", u.name, line))
}

func (u *user) enter(name string) {
	for _, other := range u.room.users {
		if other.name == name || name == "" {
			u.hear("Name taken, please choose another.")
			return
		}
	}
	u.name = name
	u.room.users = append(u.room.users, u)
	u.hear("Welcome, " + name + "!")
}

// PauseWriting ends who does not listen, before much is kept for them.
func (u *user) PauseWriting(c *transport.Conn) { c.Abort() }

func (u *user) ResumeWriting(*transport.Conn) {}

func (u *user) Closed(*transport.Receiver, error) {
	for i, other := range u.room.users {
		if other == u {
			u.room.users = append(u.room.users[:i], u.room.users[i+1:]...)
			return
		}
	}
}

func (u *user) hear(line string) { _ = u.conn.Write([]byte(line + "\r\n")) } // Closed tells of a loss

// say has all others hear a line.
func (o *room) say(from *user, line string) {
	for _, u := range o.users {
		if u != from {
			u.hear(line)
		}
	}
}
