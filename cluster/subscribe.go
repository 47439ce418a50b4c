package cluster

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go"
)

// Msg is a message.
type Msg struct {
	Subject string
	Reply   string // the subject that an answer goes to, or ""
	Header  nats.Header
	Data    []byte

	conn *Conn
}

// Respond answers a request. Like Publish it never waits. For a message that is no request the error is
// ErrSubject.
func (m *Msg) Respond(data []byte) error { return m.conn.Publish(m.Reply, data) }

func (m *Msg) size() int { return len(m.Subject) + len(m.Reply) + len(m.Data) + headerSize(m.Header) }

// headerSize is what a header takes on its way, at most: the version line, a line for each value, and an empty one
// (ADR-4).
func headerSize(h nats.Header) int {
	if len(h) == 0 {
		return 0
	}
	n := len("NATS/1.0\r\n\r\n")
	for k, vs := range h {
		for _, v := range vs {
			n += len(k) + len(": \r\n") + len(v)
		}
	}
	return n
}

func cloneHeader(h nats.Header) nats.Header {
	if len(h) == 0 {
		return nil
	}
	c := make(nats.Header, len(h))
	for k, vs := range h {
		c[k] = slices.Clone(vs)
	}
	return c
}

func (c *Conn) fromNATS(m *nats.Msg) *Msg {
	return &Msg{Subject: m.Subject, Reply: m.Reply, Header: m.Header, Data: m.Data, conn: c}
}

// Subscription receives the messages of a subject, in a callback or for tasks.
type Subscription struct {
	conn    *Conn
	subject string
	opts    subscribing
	in      inlet[*Msg]
	sub     atomic.Pointer[nats.Subscription] // nil until the writer has made it
	drains  bool
	told    int // messages lost, as reported
}

// Subscribe subscribes to a subject, in which a part may be * for any one, and the last > for any others. Messages
// published after it, by this Conn, are received; Flush tells when those of others are. What is not allowed
// is reported to the loop's error handler.
func (c *Conn) Subscribe(subject string, opts ...SubscribeOption) (*Subscription, error) {
	c.loop.Check("cluster.Conn.Subscribe")
	s := &Subscription{conn: c, subject: subject, opts: subscribing{messages: DefaultPendingMessages, bytes: DefaultPendingBytes}}
	for _, o := range opts {
		o(&s.opts)
	}
	switch {
	case c.status == Closed || c.draining:
		return nil, fmt.Errorf("subscribe to %s: %w", subject, ErrClosed)
	case !isPattern(subject) || s.opts.queue != "" && !isSubject(s.opts.queue):
		return nil, fmt.Errorf("subscribe to %s: %w", subject, ErrSubject)
	}
	s.in.init(&c.bridge)
	c.parts[s] = struct{}{}
	s.in.onEnd = func() { c.remove(s) }
	c.out.do(s.open)
	return s, nil
}

// open is run by the writer.
func (s *Subscription) open() {
	c := s.conn
	sub, err := c.nc.QueueSubscribe(s.subject, s.opts.queue, func(m *nats.Msg) {
		msg := c.fromNATS(m)
		s.in.put(msg, msg.size())
	})
	if err == nil {
		err = sub.SetPendingLimits(s.opts.messages, s.opts.bytes)
	}
	if err != nil {
		if !isOver(err) {
			c.report(fmt.Errorf("subscribe to %s: %w", s.subject, err))
		}
		s.in.finish(ErrClosed)
		return
	}
	sub.SetClosedHandler(func(string) { s.in.finish(ErrClosed) })
	s.sub.Store(sub)
}

// Subject returns what s has subscribed to.
func (s *Subscription) Subject() string { return s.subject }

// OnMessage calls f for each message, from the next turn on; nil leaves messages to Next, or to wait. It
// replaces the function set before.
func (s *Subscription) OnMessage(f func(*Msg)) {
	s.conn.loop.Check("cluster.Subscription.OnMessage")
	s.in.setCall(s.conn.counted(f))
}

// counted counts what f is called for.
func (c *Conn) counted(f func(*Msg)) func(*Msg) {
	if f == nil {
		return nil
	}
	return func(m *Msg) { c.stats.Received++; f(m) }
}

// Next parks t until there is a message. Several tasks may wait; each message goes to one. It returns ErrClosed
// once s is closed and no message is left, and corolla.ErrBusy while there is a callback.
func (s *Subscription) Next(t *corolla.Task) (*Msg, error) {
	s.conn.loop.Check("cluster.Subscription.Next")
	m, err := s.in.next(t, s)
	if err == nil {
		s.conn.stats.Received++
	}
	return m, err
}

// TryNext returns a message if there is one, or corolla.ErrWouldBlock.
func (s *Subscription) TryNext() (*Msg, error) {
	s.conn.loop.Check("cluster.Subscription.TryNext")
	m, err := s.in.tryNext()
	if err == nil {
		s.conn.stats.Received++
	}
	return m, err
}

func (s *Subscription) String() string { return "messages to " + s.subject }

// Dropped returns how many messages were lost because more than Pending were waiting.
func (s *Subscription) Dropped() int {
	if sub := s.sub.Load(); sub != nil {
		n, err := sub.Dropped()
		if err == nil {
			return n
		}
	}
	return 0
}

// Close ends the subscription at once. What waits is dropped; tasks in Next get ErrClosed.
func (s *Subscription) Close() {
	s.conn.loop.Check("cluster.Subscription.Close")
	s.shut(ErrClosed)
	s.conn.out.do(func() {
		if sub := s.sub.Load(); sub != nil {
			_ = sub.Unsubscribe() // it may have ended already
		}
	})
}

// Drain ends the subscription when what has arrived at this node is received.
func (s *Subscription) Drain() {
	s.conn.loop.Check("cluster.Subscription.Drain")
	s.drain()
}

func (s *Subscription) shut(err error) { s.in.close(err) }

func (s *Subscription) drain() {
	if s.drains {
		return
	}
	s.drains = true
	s.conn.out.do(func() {
		if sub := s.sub.Load(); sub == nil || sub.Drain() != nil {
			s.in.finish(ErrClosed)
		}
	})
}

func (s *Subscription) drained() bool { return s.in.ended }

func (s *Subscription) slow(sub *nats.Subscription) bool {
	if s.sub.Load() != sub {
		return false
	}
	n := s.Dropped()
	s.conn.stats.Slow += uint64(n - s.told)
	s.told = n
	s.conn.loop.Report(&SlowError{Subject: s.subject, Dropped: n})
	return true
}
