package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Status is how a Conn stands.
type Status int

const (
	// Connected: there is a server.
	Connected Status = iota
	// Disconnected: the server was lost, and is being looked for.
	Disconnected
	// Closed: it is over.
	Closed
)

func (s Status) String() string { return [...]string{"connected", "disconnected", "closed"}[s] }

// Conn is a node's connection with the others.
type Conn struct {
	loop   *corolla.Loop
	cfg    *config
	nc     *nats.Conn // its methods may wait: not for the loop
	js     jetstream.JetStream
	server *server.Server // nil unless embedded
	crew   sync.WaitGroup
	out    outlet
	bridge bridge

	// The rest is the loop's.
	status   Status
	draining bool
	closing  *corolla.Future[struct{}] // nil until Close
	gone     chan struct{}             // closed when everything has ended
	idle     corolla.Waiters           // for something to end
	unclose  func()
	largest  int // message that the server takes
	parts    map[part]struct{}
	onStatus func(Status)
	calls    calls
	lanes    int // publications to streams without their acknowledgement
	stats    Stats
}

// part is a subscription, a reader of a stream, or a copy of a bucket, which ends with its Conn.
type part interface {
	shut(err error) // at once
	drain()         // take nothing new
	drained() bool  // there is nothing left
	slow(s *nats.Subscription) bool
}

// Stats counts what a Conn has done.
type Stats struct {
	Status     Status
	Published  uint64 // accepted to be sent
	Refused    uint64 // with ErrFull
	Dropped    uint64 // for lack of room, as Outgoing says
	Lost       uint64 // accepted, and not sent when the Conn closed, or when the connection broke
	Waiting    int    // messages to be sent
	Bytes      int    // of them
	Received   uint64 // by subscriptions, requests and readers of streams
	Slow       uint64 // messages that subscriptions have lost, as far as reported
	Reconnects uint64
	Requests   int // without their answer
	Unstored   int // publications to streams that are not acknowledged
	Parts      int // subscriptions, readers of streams, states, presences
}

// Connect connects to servers that run elsewhere: one URL, or several with commas between, as nats.Connect
// takes them. Canceling the future gives up.
func Connect(l *corolla.Loop, url string, opts ...Option) *corolla.Future[*Conn] {
	cfg := configure(opts)
	return open(l, cfg, func() (*opened, error) {
		nc, js, err := cfg.dial(nats.Options{Servers: splitURLs(url)})
		if err != nil {
			return nil, fmt.Errorf("cluster: connect %s: %w", url, err)
		}
		return &opened{nc: nc, js: js}, nil
	})
}

func splitURLs(url string) []string {
	urls := strings.Split(url, ",")
	for i := range urls {
		urls[i] = strings.TrimSpace(urls[i])
	}
	return urls
}

// Embed starts a server in this process, which joins those of the other nodes, and connects to it. It does not
// wait for the others. Canceling the future gives up.
func Embed(l *corolla.Loop, opts ...Option) *corolla.Future[*Conn] {
	cfg := configure(opts)
	return open(l, cfg, func() (*opened, error) {
		srv, err := cfg.serve()
		if err != nil {
			return nil, fmt.Errorf("cluster: embed: %w", err)
		}
		nc, js, err := cfg.dial(nats.Options{InProcessServer: srv})
		if err != nil {
			stopServer(srv)
			return nil, fmt.Errorf("cluster: connect to the embedded server: %w", err)
		}
		return &opened{nc: nc, js: js, server: srv}, nil
	})
}

// Loop returns the loop that c belongs to.
func (c *Conn) Loop() *corolla.Loop { return c.loop }

// Name returns what this node is called.
func (c *Conn) Name() string { return c.cfg.name }

// Status returns how c stands.
func (c *Conn) Status() Status { return c.status }

// OnStatus calls f when that changes. It replaces the function set before.
func (c *Conn) OnStatus(f func(Status)) {
	c.loop.Check("cluster.Conn.OnStatus")
	c.onStatus = f
}

// NATS returns nats.go's connection, for what this package does not have. Its methods may block: call them with
// corolla.Offload.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// JetStream returns nats.go's interface to JetStream. Its methods block: call them with corolla.Offload.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// Stats returns the current numbers.
func (c *Conn) Stats() Stats {
	c.loop.Check("cluster.Conn.Stats")
	s := c.stats
	c.out.mu.Lock()
	s.Waiting, s.Bytes, s.Lost = c.out.n, c.out.bytes, uint64(c.out.lost)
	c.out.mu.Unlock()
	if c.status == Closed {
		s.Lost, s.Waiting, s.Bytes = s.Lost+uint64(s.Waiting), 0, 0
	}
	s.Status, s.Requests, s.Unstored, s.Parts = c.status, len(c.calls.open), c.lanes, len(c.parts)
	return s
}

// Publish sends data to whoever has subscribed to the subject, at most once. It never waits: see Outgoing for
// what becomes of a message for which there is no room. data can be reused at once.
func (c *Conn) Publish(subject string, data []byte) error {
	return c.PublishMsg(&Msg{Subject: subject, Data: data})
}

// PublishMsg is Publish for a message with headers, which count towards what the server takes, or with a subject for
// replies.
func (c *Conn) PublishMsg(m *Msg) error {
	c.loop.Check("cluster.Conn.Publish")
	if err := c.publish(m); err != nil {
		return fmt.Errorf("publish to %s: %w", m.Subject, err)
	}
	return nil
}

func (c *Conn) publish(m *Msg) error {
	switch {
	case c.status == Closed:
		return ErrClosed
	case !isSubject(m.Subject):
		return ErrSubject
	case headerSize(m.Header)+len(m.Data) > c.largest:
		return ErrTooLarge
	}
	ok, dropped := c.out.put(sending{m.Subject, m.Reply, cloneHeader(m.Header), slices.Clone(m.Data), nil})
	c.stats.Dropped += uint64(dropped)
	switch {
	case ok:
		c.stats.Published++
	case c.out.limit.overflow == Refuse:
		c.stats.Refused++
		return ErrFull
	default:
		c.stats.Dropped++
	}
	return nil
}

// isSubject reports whether one can publish to a subject: it consists of parts with dots between, which are
// not empty and without spaces. (docs.nats.io: Subject-Based Messaging.)
func isSubject(s string) bool {
	empty := true
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\r', '\n', '*', '>':
			return false
		case '.':
			if empty {
				return false
			}
			empty = true
		default:
			empty = false
		}
	}
	return !empty
}

// isPattern reports whether one can subscribe to a subject.
func isPattern(s string) bool {
	for rest, more := s, true; more; {
		var token string
		token, rest, more = strings.Cut(rest, ".")
		if token == ">" && more || token != ">" && token != "*" && !isSubject(token) {
			return false
		}
	}
	return true
}

// Flush returns a future that is settled when the server has everything that was published, and knows of all
// subscriptions made, before. The error is nats.go's, such as that of a lost connection.
func (c *Conn) Flush() *corolla.Future[struct{}] {
	c.loop.Check("cluster.Conn.Flush")
	f := corolla.NewFuture[struct{}](c.loop)
	if c.status == Closed {
		_ = f.Fail(ErrClosed)
		return f
	}
	fl := &flush{f: f}
	c.parts[fl] = struct{}{}
	c.out.do(func() {
		c.start(func() {
			err := c.nc.FlushTimeout(flushTimeout)
			_ = c.loop.Post(func() {
				c.remove(fl)
				if err != nil {
					fl.shut(fmt.Errorf("cluster: flush: %w", err))
				} else {
					_ = f.Resolve(struct{}{})
				}
			})
		})
	})
	return f
}

// flush is a Flush that is in progress.
type flush struct{ f *corolla.Future[struct{}] }

func (fl *flush) shut(err error)               { _ = fl.f.Fail(err) } // it may have been canceled
func (fl *flush) drain()                       {}
func (fl *flush) drained() bool                { return fl.f.Done() }
func (fl *flush) slow(*nats.Subscription) bool { return false }

// report hands an error of nats.go to the loop's error handler. Safe from any goroutine.
func (c *Conn) report(err error) {
	_ = c.loop.Post(func() { c.loop.Report(fmt.Errorf("cluster: %w", err)) }) // a closed loop has no use for it
}

// onError is nats.go's handler of errors that belong to no call.
func (c *Conn) onError(s *nats.Subscription, err error) {
	if s != nil {
		if _, e := s.InitialConsumerPending(); e == nil {
			return // the watch of a bucket, which ends then, and begins anew
		}
	}
	if !errors.Is(err, nats.ErrSlowConsumer) || s == nil {
		c.report(err)
		return
	}
	_ = c.loop.Post(func() { // a closed loop has no use for it
		for p := range c.parts {
			if p.slow(s) {
				return
			}
		}
	})
}
