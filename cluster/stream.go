package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// Defaults of publications to streams.
const (
	DefaultPatience = 30 * time.Second
	attemptTimeout  = 2 * time.Second
	firstPause      = 50 * time.Millisecond
	longestPause    = time.Second
)

// Stream is a stream of JetStream's: messages that are kept, on several nodes if it has several replicas.
type Stream struct {
	conn  *Conn
	name  string
	most  time.Duration // the patience that its window of IDs allows
	lanes map[string]*lane
}

// Stream makes a stream, or changes it to be as told, or leaves it if it is so, and returns it. It is nats.go's
// configuration. Without Replicas there are three if the cluster has as many nodes (Join), and otherwise one. The
// future waits for as long as the cluster has no leader yet; canceling it gives up. An error that may pass is
// tried again for 30 seconds.
func (c *Conn) Stream(cfg jetstream.StreamConfig) *corolla.Future[*Stream] {
	c.loop.Check("cluster.Conn.Stream")
	if cfg.Replicas == 0 {
		cfg.Replicas = c.cfg.replicas()
	}
	if cfg.Duplicates == 0 {
		cfg.Duplicates = 2 * time.Minute
		if cfg.MaxAge > 0 {
			cfg.Duplicates = min(cfg.Duplicates, cfg.MaxAge)
		}
	}
	return elsewhere(c, func(ctx context.Context) (*Stream, error) {
		err := c.retry(ctx, func(ctx context.Context) error {
			_, err := c.js.CreateOrUpdateStream(ctx, cfg)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cluster: stream %s: %w", cfg.Name, err)
		}
		return &Stream{conn: c, name: cfg.Name, most: cfg.Duplicates, lanes: map[string]*lane{}}, nil
	})
}

// elsewhere runs a call of JetStream's that may wait.
func elsewhere[T any](c *Conn, f func(ctx context.Context) (T, error)) *corolla.Future[T] {
	return corolla.OffloadTo(c.loop.Workers("cluster"), f)
}

// Name returns the stream's name.
func (s *Stream) Name() string { return s.name }

// LastSeq returns the place of the last message, asked of the stream's leader; 0 if the stream is empty. It waits for
// a leader. That the stream is not found is an error after 30 seconds.
func (s *Stream) LastSeq() *corolla.Future[uint64] {
	c := s.conn
	c.loop.Check("cluster.Stream.LastSeq")
	return elsewhere(c, func(ctx context.Context) (seq uint64, err error) {
		err = c.retry(ctx, func(ctx context.Context) error {
			stream, err := c.js.Stream(ctx, s.name)
			if err == nil && stream.CachedInfo().State.Msgs > 0 {
				seq = stream.CachedInfo().State.LastSeq
			}
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("cluster: stream %s: %w", s.name, err)
		}
		return seq, nil
	})
}

// lane is what is published to one subject, in its order.
type lane struct {
	stream  *Stream
	subject string
	queue   []*posting
	current *posting // sent, and not acknowledged
}

// posting is one publication.
type posting struct {
	id       string
	header   nats.Header
	patience time.Duration

	msg      *Msg
	f        *corolla.Future[Ack]
	deadline time.Duration
	pause    time.Duration
	last     error // of the attempt before
}

// Publish stores a message in the stream, and returns the future of its acknowledgement. It never waits; see
// Patience for how long the future may take. What is published to one subject is stored in the order of the
// calls, one message at a time. Canceling the future ends the wait, but a message that has been sent may be
// stored. The error is ErrFull with MaxRequests in progress, ErrTimeout, ErrClosed, or JetStream's.
// data can be reused at once.
func (s *Stream) Publish(subject string, data []byte, opts ...PublishOption) *corolla.Future[Ack] {
	c := s.conn
	c.loop.Check("cluster.Stream.Publish")
	p := &posting{patience: DefaultPatience, pause: firstPause, last: ErrTimeout, f: corolla.NewFuture[Ack](c.loop)}
	for _, o := range opts {
		o(p)
	}
	if p.id == "" {
		p.id = nuid.Next()
	}
	h := nats.Header{jetstream.MsgIDHeader: {p.id}, jetstream.ExpectedStreamHeader: {s.name}}
	maps.Copy(h, cloneHeader(p.header))
	if err := c.accepts(subject, headerSize(h)+len(data)); err != nil {
		_ = p.f.Fail(fmt.Errorf("publish to %s: %w", subject, err))
		return p.f
	}
	p.msg = &Msg{Subject: subject, Header: h, Data: slices.Clone(data)}
	p.deadline = c.loop.Now() + min(p.patience, s.most)
	p.f.OnCancel(func(cause error) { _ = p.f.Fail(&corolla.CanceledError{Cause: cause}) })
	c.lanes++
	ln := s.lanes[subject]
	if ln == nil {
		ln = &lane{stream: s, subject: subject}
		s.lanes[subject] = ln
	}
	ln.queue = append(ln.queue, p)
	if ln.current == nil {
		ln.next()
	}
	return p.f
}

// accepts reports why a publication is not even tried.
func (c *Conn) accepts(subject string, size int) error {
	switch {
	case c.status == Closed:
		return ErrClosed
	case !isSubject(subject):
		return ErrSubject
	case size > c.largest:
		return ErrTooLarge
	case c.lanes >= c.cfg.calls:
		c.stats.Refused++
		return ErrFull
	}
	return nil
}

// next sends the next that somebody still wants.
func (ln *lane) next() {
	ln.current = nil
	for len(ln.queue) > 0 {
		p := ln.queue[0]
		ln.queue[0] = nil
		ln.queue = ln.queue[1:]
		if p.f.Done() { // canceled
			ln.stream.conn.ended()
			continue
		}
		ln.current = p
		ln.attempt(p)
		return
	}
	delete(ln.stream.lanes, ln.subject)
}

func (c *Conn) ended() {
	c.lanes--
	c.idle.WakeAll()
}

// attempt sends p once. The same ID makes sure that it is stored once, however often it is sent.
func (ln *lane) attempt(p *posting) {
	c := ln.stream.conn
	left := p.deadline - c.loop.Now()
	if left <= 0 {
		ln.end(p, Ack{}, fmt.Errorf("%w: %w", ErrTimeout, p.last))
		return
	}
	_, err := c.call(p.msg, min(attemptTimeout, left), func(m *Msg, err error) {
		var ack Ack
		if err == nil {
			ack, err = parseAck(m.Data)
		}
		ln.answered(p, ack, err)
	})
	if err != nil {
		ln.answered(p, Ack{}, err)
	}
}

func (ln *lane) answered(p *posting, ack Ack, err error) {
	c := ln.stream.conn
	if err == nil || judge(err) == final || p.deadline <= c.loop.Now() {
		ln.end(p, ack, err)
		return
	}
	p.last = err
	pause := p.pause
	p.pause = min(2*pause, longestPause)
	if errors.Is(err, ErrTimeout) {
		pause = 0 // that was long enough
	}
	c.loop.After(pause, func() { ln.attempt(p) })
}

func (ln *lane) end(p *posting, ack Ack, err error) {
	if err != nil {
		_ = p.f.Fail(fmt.Errorf("publish to %s: %w", ln.subject, err)) // it may have been canceled
	} else {
		_ = p.f.Resolve(ack)
	}
	ln.stream.conn.ended()
	ln.next()
}
