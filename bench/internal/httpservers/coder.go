package httpservers

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// backlog is how many messages may wait for a connection before it counts as too slow.
const backlog = 16

// coderEcho sends each message back. An error means that the client is gone.
func coderEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, b); err != nil {
			return
		}
	}
}

// coderRoom sends each message to all. One goroutine reads from each connection, and another writes
// to it, so that a slow one does not hold up the others.
type coderRoom struct {
	mu      sync.Mutex
	members map[chan []byte]func() // what ends a member that is too slow
}

func (room *coderRoom) join(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	member := make(chan []byte, backlog)
	room.add(member, cancel)
	defer room.remove(member)
	go func() {
		defer cancel()
		for {
			select {
			case b := <-member:
				if err := c.Write(ctx, websocket.MessageBinary, b); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			return
		}
		room.send(b)
	}
}

func (room *coderRoom) add(member chan []byte, end func()) {
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.members == nil {
		room.members = map[chan []byte]func(){}
	}
	room.members[member] = end
}

func (room *coderRoom) remove(member chan []byte) {
	room.mu.Lock()
	defer room.mu.Unlock()
	delete(room.members, member)
}

func (room *coderRoom) send(b []byte) {
	room.mu.Lock()
	defer room.mu.Unlock()
	for member, end := range room.members {
		select {
		case member <- b:
		default:
			end()
		}
	}
}
