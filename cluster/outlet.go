package cluster

import (
	"errors"
	"net"
	"sync"

	"github.com/nats-io/nats.go"
)

// This file has what waits to be sent. The loop puts messages there, and one goroutine of the Conn takes them in
// batches and gives them to nats.go, whose Publish writes to the socket when its buffer is full, and so may wait.
// Subscriptions go the same way, so that one made before a message was published is there before it.

// sending is a message to be sent, or another thing to be done in its turn.
type sending struct {
	subject, reply string
	header         nats.Header
	data           []byte
	do             func() // instead of a message
}

func (s *sending) size() int {
	return len(s.subject) + len(s.reply) + headerSize(s.header) + len(s.data)
}

type outlet struct {
	limit outgoingLimit

	mu        sync.Mutex
	change    sync.Cond
	items     []sending
	head      int
	n, bytes  int // messages, also those that the writer has taken and not sent
	lost      int // that were being written when the connection broke
	shut      bool
	connected bool
}

// put reports whether there was room, and how many older messages were dropped to make it.
func (o *outlet) put(s sending) (ok bool, dropped int) {
	size := s.size()
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.n > 0 && (o.n >= o.limit.messages || o.bytes+size > o.limit.bytes) {
		if o.limit.overflow != DropOldest || !o.dropOldest() {
			return false, dropped
		}
		dropped++
	}
	o.n++
	o.bytes += size
	o.push(s)
	return true, dropped
}

func (o *outlet) push(s sending) {
	o.items = append(o.items, s)
	if len(o.items) == o.head+1 {
		o.change.Broadcast()
	}
}

// dropOldest drops the first message that the writer has not taken.
func (o *outlet) dropOldest() bool {
	for i := o.head; i < len(o.items); i++ {
		if s := &o.items[i]; s.do == nil {
			o.n--
			o.bytes -= s.size()
			copy(o.items[o.head+1:i+1], o.items[o.head:i]) // what is to be done moves up
			o.items[o.head] = sending{}
			o.head++
			return true
		}
	}
	return false
}

// do has f called in its turn, on the writer's goroutine. Once the outlet is shut it is not called.
func (o *outlet) do(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.push(sending{do: f})
}

// take waits for something to send, and takes all there is. It reports false when the outlet is shut.
func (o *outlet) take(spare []sending) ([]sending, bool) {
	clear(spare)
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.head == len(o.items) && !o.shut {
		o.change.Wait()
	}
	if o.shut {
		return nil, false
	}
	batch := o.items[o.head:]
	o.items, o.head = spare[:0], 0
	return batch, true
}

func (o *outlet) sent(n, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n -= n
	o.bytes -= bytes
}

func (o *outlet) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost++
}

func (o *outlet) setConnected(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.connected = on
	o.change.Broadcast()
}

// waitConnected waits until there is a connection, and reports false when the outlet is shut.
func (o *outlet) waitConnected() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.connected && !o.shut {
		o.change.Wait()
	}
	return !o.shut
}

// close makes the writer end.
func (o *outlet) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = true
	o.change.Broadcast()
}

// outletStretch is after how many messages the writer gives back their room.
const outletStretch = 64

// write is the writer.
func (c *Conn) write() {
	var batch []sending
	for {
		var ok bool
		if batch, ok = c.out.take(batch[:0]); !ok {
			return
		}
		n, bytes := 0, 0
		for i := range batch {
			s := &batch[i]
			if s.do != nil {
				s.do()
				continue
			}
			if !c.send(s) {
				return
			}
			n++
			bytes += s.size()
			if n == outletStretch {
				c.out.sent(n, bytes)
				n, bytes = 0, 0
			}
		}
		c.out.sent(n, bytes)
	}
}

// send gives a message to nats.go, and reports false if nothing can be sent any more.
func (c *Conn) send(s *sending) bool {
	m := nats.Msg{Subject: s.subject, Reply: s.reply, Header: s.header, Data: s.data}
	for {
		err := c.nc.PublishMsg(&m)
		switch {
		case err == nil:
			return true
		case errors.Is(err, nats.ErrReconnectBufExceeded):
			if !c.out.waitConnected() {
				return false
			}
		case isOver(err):
			return false // and onClosed sees to the rest
		case errors.As(err, new(*net.OpError)): // the connection broke, which is told by Status
			c.out.lose()
			return true
		default:
			c.report(err)
			return true
		}
	}
}
