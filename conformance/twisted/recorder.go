package twisted

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/conformance/scenario"
	"github.com/corolla-go/corolla/transport"
)

// much is more than the buffers of all systems take.
const much = 4 << 20

// A recorder is a protocol that says what it is told, or keeps it to say it later, and counts long
// data. Its functions, where there are any, are called then.
type recorder struct {
	*transport.Conn
	r     *scenario.Run
	name  string
	quiet bool
	told  []string
	got   int
	ended corolla.Event

	opened func()
	data   func()
}

func loud(r *scenario.Run, name string) *recorder  { return &recorder{r: r, name: name} }
func quiet(r *scenario.Run, name string) *recorder { return &recorder{r: r, name: name, quiet: true} }

func (p *recorder) tell(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	p.told = append(p.told, what)
	if !p.quiet {
		p.r.Say("%s: %s", p.name, what)
	}
}

func (p *recorder) sayAll() { p.r.Say("%s: %s", p.name, strings.Join(p.told, ", ")) }

func (p *recorder) Opened(c *transport.Conn) {
	p.Conn = c
	p.tell("made")
	if p.opened != nil {
		p.opened()
	}
}

func (p *recorder) Data(_ *transport.Conn, b []byte) {
	p.got += len(b)
	if len(b) < 100 {
		p.tell("data: %s", strings.TrimSpace(string(b)))
	}
	if p.data != nil {
		p.data()
	}
}

func (p *recorder) Closed(_ *transport.Conn, err error) {
	p.tell("lost: %s", word(err))
	p.ended.Set()
}

// A half is a recorder that can be half closed.
type half struct {
	*recorder
	eof func()
}

func (p half) EOF(*transport.Conn) bool {
	p.tell("end of stream")
	p.eof()
	return true
}

var addresses atomic.Int64

// newAddress is a name for a Unix socket. What is sent on one has arrived at once, as a clock that
// jumps needs it; TCP may be late.
func newAddress() string {
	return fmt.Sprintf("@corolla-conformance-twisted-%d-%d", os.Getpid(), addresses.Add(1))
}

// build returns the function for a server whose connections all get p.
func build(p transport.Protocol) func(*transport.Conn) transport.Protocol {
	return func(*transport.Conn) transport.Protocol { return p }
}

// connect connects two protocols, the first as a server's, and waits 10 ms for it.
func connect(t *corolla.Task, server, client transport.Protocol) {
	connectBy(t, "unix", newAddress(), server, client)
}

func connectBy(t *corolla.Task, network, address string, server, client transport.Protocol) {
	s, err := transport.Serve(t.Loop(), network, address, build(server))
	if err != nil {
		panic(err)
	}
	dialed := transport.Dial(t.Loop(), network, s.Addr().String(), client)
	_ = t.Sleep(10 * ms)
	if _, err := dialed.Await(t); err != nil {
		panic(err)
	}
	_ = s.Close()
}

// connected runs f with a server's recorder, which says what it is told, connected to a client's.
func connected(r *scenario.Run, f func(t *corolla.Task, server, client *recorder)) {
	r.Main(func(t *corolla.Task) error {
		server, client := loud(r, "server"), quiet(r, "client")
		connect(t, server, client)
		f(t, server, client)
		return nil
	})
}
