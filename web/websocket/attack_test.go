package websocket_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/web/websocket"
)

// What a peer does that means harm, or does not care.

// Frames that are wrong by their first bytes are refused by those: what they announce is not waited for.
func TestAttackHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		as   role
		sent string
		code int
	}{
		"2^63 bytes":                 {server, "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04", 1002},
		"2^63-1 bytes":               {server, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 1009},
		"2^63-1 bytes to a client":   {client, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009},
		"2^64-1 bytes to a client":   {client, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1002},
		"one byte over the limit":    {client, "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01", 1009},
		"longer as a continuation":   {client, "\x02\x01x\x80\x7f\x00\x00\x00\x00\x00\x10\x00\x00", 1009},
		"overflow by a continuation": {client, "\x02\x01x\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009},
		"unmasked":                   {server, "\x81\x05", 1002},
		"unmasked control frame":     {server, "\x89\x00", 1002},
		"masked":                     {client, "\x81\x85\x01\x02\x03\x04", 1002},
		"length in 16 bits for 125":  {client, "\x81\x7e\x00\x7d", 1002},
		"length in 64 bits for 2^16": {client, "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 1002},
		"control frame of 126":       {client, "\x89\x7e\x00\x7e", 1002},
		"control frame of 2^63":      {client, "\x88\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002},
		"fragment of a ping":         {client, "\x09\x00", 1002},
		"fragment of a close":        {client, "\x08\x00", 1002},
		"continuation of nothing":    {client, "\x80\x00", 1002},
		"message in a message":       {client, "\x01\x00\x01\x00", 1002},
		"not HTTP any more":          {server, "GET / HTTP/1.1\r\n", 1002},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				var p *websocket.ProtocolError
				peer := e.rawTo(c.as, func(t *corolla.Task, conn *websocket.Conn) error {
					if _, _, err := conn.Read(t); !errors.As(err, &p) || int(p.Code) != c.code {
						e.Errorf("Read: %v, want code %d", err, c.code)
					}
					if n := conn.Held(); n > 1000 {
						e.Errorf("%d bytes are held", n)
					}
					return nil
				})
				peer.send([]byte(c.sent))
				peer.hears(bye(c.code, ""))
				peer.hearsEnd()
			})
		})
	}
}

// The limit is one of the whole message: in frames, and inflated.
func TestMessageLimit(t *testing.T) {
	const limit = 1000
	fits, over := payload(limit), payload(limit+1)
	squeezed := func(s string) frame { return frame{fin | rsv1 | 2, deflated(s)} }
	for name, c := range map[string]testCase{
		"fits":               {send: []frame{binary(fits)}, want: []frame{binary(fits)}},
		"over":               {send: []frame{binary(over)}, code: 1009},
		"fragments fit":      {send: cut(binary(fits), 99), want: []frame{binary(fits)}},
		"fragments over":     {send: cut(binary(over), 99), code: 1009},
		"inflated fits":      {send: []frame{squeezed(fits)}, want: []frame{binary(fits)}},
		"inflated over":      {send: []frame{squeezed(over)}, code: 1009},
		"bomb":               {send: []frame{squeezed(strings.Repeat("x", 400*limit))}, code: 1009},
		"bomb in fragments":  {send: cut(squeezed(strings.Repeat("x", 400*limit)), 10), code: 1009},
		"incompressible":     {send: []frame{{fin | rsv1 | 2, "\x00\xe8\x03\x17\xfc" + fits + "\x00"}}, want: []frame{binary(fits)}},
		"padded with blocks": {send: []frame{{fin | rsv1 | 2, strings.Repeat("\x00\x00\x00\xff\xff", 1000) + "\x00"}}, code: 1009},
	} {
		t.Run(name, func(t *testing.T) {
			eachHost(t, func(e *env) {
				p := e.rawClient("permessage-deflate", echo, websocket.MaxMessage(limit), websocket.Deflate(1<<20))
				e.exchange(p, c, 0)
			})
		})
	}
}

// A limit may be as large as a number can be.
func TestLargestLimit(t *testing.T) {
	eachHost(t, func(e *env) {
		p := e.rawClient("permessage-deflate", echo, websocket.MaxMessage(math.MaxInt), websocket.Deflate(1000))
		e.exchange(p, testCase{send: []frame{{fin | rsv1 | 2, deflated("Hello")}, text("Hello")}, want: []frame{binary("Hello"), text("Hello")}}, 0)
	})
}

// A peer that pings without end, and reads nothing, is answered as far as there is room.
func TestAttackPings(t *testing.T) {
	eachHost(t, func(e *env) {
		var c *websocket.Conn
		p := e.rawTo(server, func(t *corolla.Task, conn *websocket.Conn) error { c = conn; return echo(t, conn) })
		some := p.bytes(repeat(1000, ping(all125))...)
		for range 40 { // 5 MB, of which the system takes some
			e.must(e.task.Timeout(time.Minute, func(*corolla.Scope) error {
				if _, err := p.Write(e.task, some); err != nil {
					return err
				}
				return p.Flush(e.task)
			}))
			if n := c.Buffered(); n > corolla.DefaultHighWater+200 {
				e.Fatalf("%d bytes are unsent", n)
			}
		}
		if n := e.loop.Stats().Tasks; n > 4 { // this one, who accepts, who echoes, and one for the last answer
			e.Errorf("%d tasks", n)
		}
		p.say(ping(""), text("Hello"))
		answered := false
		for f, err := p.hear(); f != text("Hello"); f, err = p.hear() {
			if e.must(err); f != pong("") && f != pong(all125) {
				e.Fatalf("received %s", f)
			}
			answered = answered || f == pong("")
		}
		if !answered {
			p.hears(pong(""))
		}
	})
}

// A peer that sends messages and reads nothing makes its echo wait, and no more.
func TestAttackUnread(t *testing.T) {
	eachHost(t, func(e *env) {
		var c *websocket.Conn
		p := e.rawTo(server, func(t *corolla.Task, conn *websocket.Conn) error {
			c = conn
			_ = echo(t, conn)
			return nil
		})
		err := e.task.Timeout(20*time.Millisecond, func(*corolla.Scope) error {
			for {
				if _, err := p.Write(e.task, p.bytes(text(strings.Repeat("x", 10_000)))); err != nil {
					return err
				}
			}
		})
		if n := c.Buffered(); n > corolla.DefaultHighWater+20_000 || err == nil {
			e.Errorf("%d bytes are unsent, %v", n, err)
		}
		e.must(p.Abort())
	})
}

// A peer may reset the connection at any point: the reader hears of it, and nothing is left behind.
func TestResetAtEachPoint(t *testing.T) {
	for _, as := range roles {
		t.Run(string(as), func(t *testing.T) {
			eachHost(t, func(e *env) {
				script := (&raw{client: as == server}).bytes(text("Hello"), ping("x"), begin("half"), last("done"), bye(1000, "bye"))
				for at := range len(script) + 1 {
					ended := make([]error, 0, 1)
					p := e.rawTo(as, func(t *corolla.Task, c *websocket.Conn) error {
						ended = append(ended, echo(t, c))
						return nil
					})
					p.send(script[:at])
					e.must(p.Flush(e.task))
					if at%2 == 0 {
						e.must(e.task.Yield())
					}
					e.must(p.Abort())
					e.settle(func() bool { return len(ended) == 1 })
					if ended[0] == nil {
						e.Errorf("reset after %d bytes: no error", at)
					}
				}
			})
		})
	}
}

// Nobody waits for a peer that stays after it was told why it must go.
func TestFailedPeerStays(t *testing.T) {
	for _, behavior := range []string{"silent", "talks"} {
		t.Run(behavior, func(t *testing.T) {
			eachHost(t, func(e *env) {
				done := false
				p := e.rawTo(server, func(t *corolla.Task, c *websocket.Conn) error {
					_, _, err := c.Read(t)
					if !errors.As(err, new(*websocket.ProtocolError)) {
						e.Errorf("Read: %v", err)
					}
					if err := c.TryWrite(websocket.Text, nil); !errors.As(err, new(*websocket.ProtocolError)) {
						e.Errorf("TryWrite: %v", err)
					}
					done = true
					return nil
				}, websocket.CloseTimeout(20*time.Millisecond))
				p.say(frame{fin | 3, ""})
				p.hears(bye(1002, ""))
				for i := 0; !done; i++ {
					if behavior == "talks" {
						p.say(text(fmt.Sprint("still here ", i)))
					}
					e.must(e.task.Sleep(time.Millisecond))
				}
			})
		})
	}
}
