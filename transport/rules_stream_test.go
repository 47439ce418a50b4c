package transport_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// Rule 29: the peer's end of its stream is the end of the connection, unless the protocol asks to keep its
// own side open. What was written before is sent either way.
func TestRule29EndOfThePeersStream(t *testing.T) {
	for name, c := range map[string]struct {
		protocol func() (transport.Protocol, *recorder)
		said     string // at the end of the stream
		open     bool
	}{
		"no EOF":        {func() (transport.Protocol, *recorder) { r := &recorder{}; return r, r }, "opened data closed", false},
		"EOF, no":       {func() (transport.Protocol, *recorder) { h := &hangsUp{}; return h, &h.recorder }, "opened data eof closed", false},
		"EOF, keeps it": {func() (transport.Protocol, *recorder) { k := &keeper{}; return k, &k.recorder }, "opened data eof", true},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				p, r := c.protocol()
				r.onData = func(c *transport.Conn, _ []byte) { _ = c.Write([]byte("answer")) }
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return p })
				if err != nil {
					t.Fatal(err)
				}
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, task, client, "x")
				if err := client.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				until(t, task, func() bool { return r.String() == c.said })
				late := " and more"
				if err := r.conn.Write([]byte(late)); errors.Is(err, net.ErrClosed) == c.open {
					t.Errorf("a write after the end of the peer's stream: %v", err)
				}
				if r.conn.Close(); !c.open {
					late = ""
				}
				if got, err := readAll(t, task, client); got != "answer"+late || err != io.EOF {
					t.Errorf("the client reads %q, %v", got, err)
				}
				if err := errors.Join(client.Close(), srv.Close()); err != nil {
					t.Error(err)
				}
				if err := r.wait(t, task); err != nil {
					t.Errorf("Closed(%v)", err)
				}
			})
		})
	}
}

// hangsUp is a recorder that is told of the end of the stream, and does not keep its side open.
type hangsUp struct{ recorder }

func (h *hangsUp) EOF(*transport.Conn) bool { h.say("eof"); return false }

// Rule 36: a netstring's connection is closed at a leading zero, at a missing comma, and as soon as a length
// is too large, before the rest of the string has come. Those before it have been received.
func TestRule36NetstringsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		said string
		err  error
	}{
		"a leading zero":           {"2:ok,05:hello,2:no,", `opened "ok" closed`, framing.ErrMalformed},
		"zeros":                    {"0:,00:,", `opened "" closed`, framing.ErrMalformed},
		"a missing comma":          {"2:ok,5:hello;2:no,", `opened "ok" closed`, framing.ErrMalformed},
		"a string too long":        {"2:ok,5:helloo,", `opened "ok" closed`, framing.ErrMalformed},
		"no length":                {"2:ok,:hello,", `opened "ok" closed`, framing.ErrMalformed},
		"no number":                {"2:ok,-1:x,", `opened "ok" closed`, framing.ErrMalformed},
		"a length above Max":       {"2:ok,11", `opened "ok" closed`, framing.ErrTooLong},
		"a length without end":     {"2:ok,99999999999999999999", `opened "ok" closed`, framing.ErrTooLong},
		"as long as may be":        {"10:0123456789,0:,", `opened "0123456789" "" closed`, nil},
		"more than was waited for": {"1:a,10:", `opened "a" closed`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			onHosts(t, func(t *testing.T, task *corolla.Task, _ *[]error) {
				s := &script{nets: &framing.Netstrings{Max: 10}}
				r := transport.NewReceiver(s.nets, s)
				srv, err := transport.Serve(task.Loop(), "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return r })
				if err != nil {
					t.Fatal(err)
				}
				client, err := aio.Dial(task, "tcp", srv.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				for i := range c.in { // byte by byte
					if _, err := client.Write(task, []byte{c.in[i]}); err != nil {
						break // closed already, as it should be
					}
					if err := task.Yield(); err != nil {
						t.Fatal(err)
					}
				}
				if c.err == nil {
					if err := client.CloseWrite(); err != nil {
						t.Error(err)
					}
				}
				if got, err := readAll(t, task, client); got != "" || err == nil { // the server closes it by itself
					t.Errorf("the client reads %q, %v", got, err)
				}
				if err := s.wait(t, task); !errors.Is(err, c.err) {
					t.Errorf("Closed(%v), want %v", err, c.err)
				}
				if s.String() != c.said {
					t.Errorf("it was told %s, want %s", s, c.said)
				}
				if err := errors.Join(client.Close(), srv.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
