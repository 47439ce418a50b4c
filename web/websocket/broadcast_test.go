package websocket_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// One who does not read misses messages, and holds up no others.
func TestBroadcastToASlowReader(t *testing.T) {
	eachHost(t, func(e *env) {
		var conns []*websocket.Conn
		keep := func(t *corolla.Task, c *websocket.Conn) error {
			conns = append(conns, c)
			_ = echo(t, c) // until the peer resets
			return nil
		}
		peers := []*raw{e.rawTo(server, keep), e.rawTo(server, keep), e.rawTo(server, keep)}
		refused := make([]int, len(conns))
		const rounds, size = 200, 10_000
		for i := range rounds {
			m := websocket.Prepare(websocket.Binary, []byte(strings.Repeat(string(rune('a'+i%26)), size)))
			for j, c := range conns {
				switch err := c.TryWritePrepared(m); {
				case err == corolla.ErrWouldBlock:
					refused[j]++
				case err != nil:
					e.Fatal(err)
				}
				if n := c.Buffered(); n > corolla.DefaultHighWater {
					e.Fatalf("%d bytes are unsent", n)
				}
			}
			for j := range 2 {
				for conns[j].Buffered() > 0 { // these two keep up
					f, err := peers[j].hear()
					if e.must(err); len(f.text) != size {
						e.Fatalf("received %s", f)
					}
				}
			}
		}
		if refused[0] != 0 || refused[1] != 0 || refused[2] == 0 {
			e.Errorf("refused: %v", refused)
		}
		for range rounds - refused[2] { // what was taken arrives whole
			if f, err := peers[2].hear(); err != nil || f.text != strings.Repeat(f.text[:1], size) {
				e.Fatalf("received %s, %v", f, err)
			}
		}
		for _, p := range peers {
			e.must(p.Abort())
		}
	})
}

// A message is encoded once for each way in which peers can take it.
func TestPrepared(t *testing.T) {
	eachHost(t, func(e *env) {
		s := strings.Repeat("Hello, World! ", 100)
		m := websocket.Prepare(websocket.Text, []byte(s))
		conns := map[string][]*websocket.Conn{}
		var peers []*raw
		kinds := []string{"", "permessage-deflate", "permessage-deflate; server_max_window_bits=10"}
		for _, kind := range kinds {
			for range 3 {
				peers = append(peers, e.rawClient(kind, func(t *corolla.Task, c *websocket.Conn) error {
					conns[kind] = append(conns[kind], c)
					_ = echo(t, c) // until the peer resets
					return nil
				}, websocket.Deflate(0)))
			}
		}
		for _, kind := range kinds {
			for i, c := range conns[kind] {
				if i == 0 {
					e.must(c.WritePrepared(e.task, m))
				} else {
					e.must(c.TryWritePrepared(m))
				}
			}
		}
		if n := m.Encodings(); n != 3 {
			e.Errorf("encoded %d times", n)
		}
		var sizes []int
		for i, p := range peers {
			f, err := p.hear()
			e.must(err)
			if i%3 == 0 {
				sizes = append(sizes, len(f.text))
			}
			got := f.text
			if f.op&rsv1 != 0 {
				got, err = inflated(f.text)
			}
			if got != s || err != nil {
				e.Errorf("peer %d has received %s, %v", i, f, err)
			}
		}
		// One bit for a byte is the least without looking back, and a window of 1 KiB is too small for it.
		if sizes[0] != len(s) || sizes[1] > 100 || sizes[2] < len(s)/8 || sizes[2] > len(s)*3/4 {
			e.Errorf("the frames have %v bytes", sizes)
		}
		for _, p := range peers {
			e.must(p.Abort())
		}
	})
}

// A client masks each frame anew, of prepared messages too.
func TestPreparedByClients(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair(websocket.Deflate(5))
		m := websocket.Prepare(websocket.Text, []byte("Hello, Hello, Hello"))
		e.must(a.TryWritePrepared(m))
		e.must(a.WritePrepared(e.task, m))
		e.reads(b, "Hello, Hello, Hello")
		e.reads(b, "Hello, Hello, Hello")
		if n := m.Encodings(); n != 0 {
			e.Errorf("encoded %d times for servers", n)
		}
		e.must(b.CloseNow())
		if _, _, err := a.Read(e.task); err == nil {
			e.Error("Read succeeded after the end")
		}
		for _, err := range []error{a.TryWritePrepared(m), a.WritePrepared(e.task, m), a.TryWrite(websocket.Text, nil)} {
			if err == nil || errors.Is(err, corolla.ErrWouldBlock) {
				e.Errorf("written after the end: %v", err)
			}
		}
	})
}

// A message that was received on loan can be sent to many as it is.
func TestForwardReceived(t *testing.T) {
	eachHost(t, func(e *env) {
		a, b := e.pair()
		c, d := e.pair()
		e.writes(a, "Hello")
		kind, m, err := b.Receive(e.task)
		e.must(err)
		for range 3 {
			e.must(c.TryWrite(kind, m))
			e.must(b.TryWrite(kind, m))
		}
		e.must(c.Write(e.task, kind, m))
		for range 3 {
			e.reads(a, "Hello")
			e.reads(d, "Hello")
		}
		e.reads(d, "Hello")
	})
}
