package transport_test

import (
	"fmt"
	"strconv"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// mailbox takes commands, a line each, and with "put 5" five bytes that are no lines.
type mailbox struct {
	box  []byte
	want int
}

func (*mailbox) Opened(r *transport.Receiver)          { _ = r.Write([]byte("hello\r\n")) }
func (*mailbox) Closed(_ *transport.Receiver, _ error) {}

func (m *mailbox) Message(r *transport.Receiver, line []byte) {
	var n int
	switch _, err := fmt.Sscanf(string(line), "put %d", &n); {
	case err == nil && n > 0:
		m.box, m.want = nil, n
		r.SetRaw()
	case string(line) == "get":
		_ = r.Write([]byte(strconv.Quote(string(m.box)) + "\r\n"))
	default:
		r.Close()
	}
}

func (m *mailbox) Raw(r *transport.Receiver, b []byte) {
	n := min(len(b), m.want-len(m.box))
	if m.box = append(m.box, b[:n]...); len(m.box) == m.want {
		r.SetDecoder(&framing.Lines{}, b[n:])
	}
}

// A line receiver that leaves lines for a while.
func ExampleReceiver() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
			return transport.NewReceiver(&framing.Lines{}, &mailbox{})
		})
		if err != nil {
			return err
		}
		c, err := aio.Dial(t, "tcp", srv.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(t, []byte("put 5\r\na\r\nbcget\r\nquit\r\n")); err != nil {
			return err
		}
		// The same decoder, in a task.
		for line, err := range framing.Messages(c.Bind(t), &framing.Lines{}) {
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", line)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// hello
	// "a\r\nbc"
	// <nil>
}

// A head of two digits says how long the body is.
func ExampleNewStates() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	var head, body transport.State
	head = func(_ *transport.Receiver, b []byte) (int, transport.State) {
		n, err := strconv.Atoi(string(b))
		if err != nil {
			return 0, nil
		}
		return n, body
	}
	body = func(_ *transport.Receiver, b []byte) (int, transport.State) {
		fmt.Printf("%s\n", b)
		return 2, head
	}
	srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol {
		return transport.NewStates(func(*transport.Receiver) (int, transport.State) { return 2, head },
			func(*transport.Receiver, error) { l.Stop() })
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	transport.Dial(l, "tcp", srv.Addr().String(), says("05hello03you--"))
	fmt.Println(l.RunForever())
	// Output:
	// hello
	// you
	// <nil>
}

// says is a client.
type says string

func (s says) Opened(c *transport.Conn)    { _ = c.Write([]byte(s)) }
func (says) Data(*transport.Conn, []byte)  {}
func (says) Closed(*transport.Conn, error) {}
