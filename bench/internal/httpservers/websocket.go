package httpservers

import (
	"net/http"

	"github.com/corolla-go/corolla/web"
	"github.com/corolla-go/corolla/web/websocket"
)

// webEcho sends each message back. An error means that the client is gone.
func webEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r)
	if err != nil {
		return
	}
	defer c.CloseNow()
	t := web.Task(r)
	for {
		kind, b, err := c.Receive(t)
		if err != nil {
			return
		}
		if err := c.Write(t, kind, b); err != nil {
			return
		}
	}
}

// webRoom sends each message to all. It needs no lock, and nobody besides the reader of each
// connection.
type webRoom map[*websocket.Conn]bool

func (room webRoom) join(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r)
	if err != nil {
		return
	}
	defer c.CloseNow()
	room[c] = true
	defer delete(room, c)
	for {
		kind, b, err := c.Receive(web.Task(r))
		if err != nil {
			return
		}
		message := websocket.Prepare(kind, b)
		for member := range room {
			if err := member.TryWritePrepared(message); err != nil {
				_ = member.CloseNow() // too slow, or gone
			}
		}
	}
}
