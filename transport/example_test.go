package transport_test

import (
	"fmt"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
)

// shout answers in capitals, a connection's only message.
type shout struct{}

func (shout) Opened(*transport.Conn) {}

func (shout) Data(c *transport.Conn, b []byte) {
	_ = c.Write([]byte(fmt.Sprintf("%s!", b))) // Closed tells of failures
	c.Close()
}

func (shout) Closed(_ *transport.Conn, err error) { fmt.Println("server: closed,", err) }

type client struct{ loop *corolla.Loop }

func (client) Opened(c *transport.Conn)            { _ = c.Write([]byte("hey")) }
func (client) Data(_ *transport.Conn, b []byte)    { fmt.Printf("client: %s\n", b) }
func (c client) Closed(_ *transport.Conn, _ error) { c.loop.Stop() }

func Example() {
	l := sim.New(1, sim.Whole()).NewLoop()
	defer l.Close()
	srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func() transport.Protocol { return shout{} })
	if err != nil {
		fmt.Println(err)
		return
	}
	transport.Dial(l, "tcp", srv.Addr().String(), client{l})
	fmt.Println(l.RunForever())
	// Output:
	// server: closed, <nil>
	// client: hey!
	// <nil>
}
