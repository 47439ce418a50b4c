package asyncio

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
)

// much is more than the buffers of all systems take.
const much = 4 << 20

// A recorder is a protocol that says what it is told, and then does what its functions say.
type recorder struct {
	r    *scenario.Run
	conn *transport.Conn

	opened func()
	data   func()
	eof    func() bool
}

func (p *recorder) Opened(c *transport.Conn) {
	p.conn = c
	p.r.Say("made")
	if p.opened != nil {
		p.opened()
	}
}

func (p *recorder) Data(_ *transport.Conn, b []byte) {
	p.r.Say("data: %s", b)
	if p.data != nil {
		p.data()
	}
}

func (p *recorder) EOF(*transport.Conn) bool {
	p.r.Say("eof")
	return p.eof != nil && p.eof()
}

func (p *recorder) Closed(_ *transport.Conn, err error) {
	if err == nil {
		p.r.Say("lost: no error")
		return
	}
	p.r.Say("lost: %s", word(err))
}

func (p *recorder) PauseWriting(*transport.Conn)  { p.r.Say("pause writing") }
func (p *recorder) ResumeWriting(*transport.Conn) { p.r.Say("resume writing") }

var addresses atomic.Int64

// newAddress is a name for a Unix socket. What is sent on one has arrived at once, as a clock that
// jumps needs it; TCP may be late.
func newAddress() string {
	return fmt.Sprintf("@corolla-conformance-%d-%d", os.Getpid(), addresses.Add(1))
}

// connect connects a protocol, as a server's, to a stream, and waits 10 ms for it.
func connect(t *corolla.Task, p transport.Protocol) (*aio.Conn, error) {
	build := func(*transport.Conn) transport.Protocol { return p }
	server, err := transport.Serve(t.Loop(), "unix", newAddress(), build)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	peer, err := aio.Dial(t, "unix", server.Addr().String())
	if err != nil {
		return nil, err
	}
	return peer, t.Sleep(10 * ms)
}

// connected runs body with a recorder that is connected, as a server's, and its peer.
func connected(r *scenario.Run, body func(t *corolla.Task, p *recorder, peer *aio.Conn)) {
	r.Main(func(t *corolla.Task) error {
		p := &recorder{r: r}
		peer, err := connect(t, p)
		if err != nil {
			return err
		}
		body(t, p, peer)
		return nil
	})
}

// readAll reads the stream of a connection to its end.
func readAll(t *corolla.Task, c *aio.Conn) string {
	var all []byte
	for {
		b, err := c.Receive(t)
		if err != nil {
			return string(all)
		}
		all = append(all, b...)
	}
}

// pair connects two ends of a stream.
func pair(t *corolla.Task, network, address string) (ours, theirs *aio.Conn, err error) {
	listener, err := aio.Listen(t.Loop(), network, address)
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if ours, err = aio.Dial(t, network, listener.Addr().String()); err == nil {
		theirs, err = listener.Accept(t)
	}
	return ours, theirs, err
}
