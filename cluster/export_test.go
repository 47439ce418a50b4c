package cluster

import (
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats-server/v2/server"
)

// InletMessages is how many messages of a subscription may be on their way to the loop.
const InletMessages = inletMessages

// HoldWriter runs f while nothing is sent.
func HoldWriter(c *Conn, f func()) {
	held, release := make(chan struct{}), make(chan struct{})
	c.out.do(func() { close(held); <-release })
	<-held
	defer close(release)
	f()
}

// AtLoop returns how many messages of a subscription nats.go has handed over, and the loop has not taken.
func AtLoop(s *Subscription) int {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.n - s.in.doneN
}

// Wakes returns how often the loop was woken.
func Wakes(c *Conn) int {
	c.bridge.mu.Lock()
	defer c.bridge.mu.Unlock()
	return c.bridge.wakes
}

// ReaderAtLoop is AtLoop for a Reader.
func ReaderAtLoop(r *Reader) int {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	return r.in.n - r.in.doneN
}

// BeginAnew tells a state of a watch that has begun anew and heard of those entries only.
func BeginAnew(s *State, entries ...Entry) {
	s.hear(news{what: newsBegin, made: s.made})
	for _, e := range entries {
		s.hear(news{what: newsEntry, entry: e})
	}
	s.hear(news{what: newsCaughtUp})
}

// Keys returns how many keys the bucket of a presence has, as far as this node knows.
func Keys(p *Presence) int { return len(p.state.copy) }

// Inlet is one by itself.
type Inlet struct {
	in     inlet[*Msg]
	bridge bridge
}

// NewInlet returns one.
func NewInlet(l *corolla.Loop) *Inlet {
	i := new(Inlet)
	i.bridge.loop = l
	i.in.init(&i.bridge)
	return i
}

func (i *Inlet) Put(m *Msg)                         { i.in.put(m, m.size()) }
func (i *Inlet) OnMessage(f func(*Msg))             { i.in.setCall(f) }
func (i *Inlet) Next(t *corolla.Task) (*Msg, error) { return i.in.next(t, "a message") }

// Settled sets how long an error must last that may pass.
func Settled(d time.Duration) Option { return func(c *config) { c.settled = d } }

// Answer sets how long a request to JetStream waits for an answer, if it does not say so itself.
func Answer(d time.Duration) Option { return func(c *config) { c.answer = d } }

// Resync sets how often a copy is compared with its bucket.
func Resync(d time.Duration) Option { return func(c *config) { c.resync = d } }

// Server returns the embedded server.
func Server(c *Conn) *server.Server { return c.server }

// Feed does what the loop does when it was woken.
func (i *Inlet) Feed() { i.bridge.run() }
