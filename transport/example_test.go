package transport_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

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
	srv, err := transport.Serve(l, "tcp", "127.0.0.1:0", func(*transport.Conn) transport.Protocol { return shout{} })
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

// Where to listen and what to connect to can come from a flag or a configuration.
func ExampleParseEndpoint() {
	l := sim.New(1, sim.Whole()).NewLoop()
	defer l.Close()
	server, err := transport.ParseEndpoint("tcp:7000:interface=127.0.0.1:backlog=50")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Listen(l, func(*transport.Conn) transport.Protocol { return shout{} }); err != nil {
		fmt.Println(err)
		return
	}
	there, err := transport.ParseEndpoint("tcp:127.0.0.1:7000:timeout=10")
	if err != nil {
		fmt.Println(err)
		return
	}
	there.Connect(l, client{l})
	fmt.Println(l.RunForever())
	typo, err := transport.ParseEndpoint("tcp:7001:interfaces=127.0.0.1")
	if err == nil {
		_, err = typo.Listen(l, func(*transport.Conn) transport.Protocol { return shout{} })
	}
	fmt.Println(err)
	// Output:
	// server: closed, <nil>
	// client: hey!
	// <nil>
	// endpoint "tcp:7001:interfaces=127.0.0.1": unknown option "interfaces"
}

// clock is a PacketProtocol that answers with the time.
type clock struct{ loop *corolla.Loop }

func (clock) Opened(*transport.PacketConn) {}

func (p clock) Packet(c *transport.PacketConn, b []byte, from net.Addr) {
	answer := fmt.Sprintf("%s: %v", b, p.loop.Now().Round(time.Second))
	if err := c.Write([]byte(answer), from); err != nil {
		fmt.Println(err)
	}
}

func (clock) Failed(_ *transport.PacketConn, err error) { fmt.Println(err) }
func (clock) Closed(*transport.PacketConn)              {}

// asker sends a question and shows the answer.
type asker struct{ clock }

func (asker) Opened(c *transport.PacketConn) {
	if err := c.Write([]byte("uptime"), nil); err != nil {
		fmt.Println(err)
	}
}

func (p asker) Packet(_ *transport.PacketConn, b []byte, _ net.Addr) {
	fmt.Printf("%s\n", b)
	p.loop.Stop()
}

func ExampleListenPacket() {
	l := sim.New(1).NewLoop()
	defer l.Close()
	c, err := transport.ListenPacket(l, "udp", "127.0.0.1:0", clock{l})
	if err != nil {
		fmt.Println(err)
		return
	}
	l.After(time.Minute, func() { transport.DialPacket(l, "udp", c.LocalAddr().String(), asker{clock{l}}) })
	fmt.Println(l.RunForever())
	// Output:
	// uptime: 1m0s
	// <nil>
}

// A certificate is looked up for each handshake, so that it can be replaced while the server
// runs.
func ExampleServeTLS() {
	l, err := corolla.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	cert, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		fmt.Println(err)
		return
	}
	l.OnSignal(func(os.Signal) { // reload
		corolla.Offload(l, func() (tls.Certificate, error) {
			return tls.LoadX509KeyPair("cert.pem", "key.pem")
		}).OnDone(func(f *corolla.Future[tls.Certificate]) {
			if next, err := f.Result(); err == nil {
				cert = next // handshakes run on the loop: no lock
			}
		})
	}, syscall.SIGHUP)
	cfg := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }}
	if _, err := transport.ServeTLS(l, "tcp", ":443", cfg, func(*transport.Conn) transport.Protocol { return shout{} }); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.RunForever())
}
