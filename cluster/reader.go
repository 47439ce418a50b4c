package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// This file reads streams. A goroutine asks JetStream for as many messages as there is room for and puts them into an
// inlet; while that is full it asks for none. It begins anew, behind what it has put, whenever something has failed
// that may pass.

// Delivery is a message of a stream.
type Delivery struct {
	Msg
	Seq       uint64    // its place in the stream
	Time      time.Time // when it was stored
	Delivered uint64    // how often it was, this time included
	Behind    uint64    // how many of those that the reader wants were stored after it, when it was sent
}

// Ack says that the message is done with. Like Publish it never waits, and may be lost; the message then comes
// again.
func (d *Delivery) Ack() error { return d.answer("+ACK") }

// Nak asks for the message again, now.
func (d *Delivery) Nak() error { return d.answer("-NAK") }

// NakAfter asks for the message again, after some time.
func (d *Delivery) NakAfter(after time.Duration) error {
	return d.answer(fmt.Sprintf(`-NAK {"delay": %d}`, after.Nanoseconds()))
}

// Term says that the message shall not come again, although it is not done with.
func (d *Delivery) Term() error { return d.answer("+TERM") }

// Working asks for more time: AckWait begins anew.
func (d *Delivery) Working() error { return d.answer("+WPI") }

// AckSure is Ack, and returns a future that is settled when the consumer has noted it.
func (d *Delivery) AckSure(timeout time.Duration) *corolla.Future[*Msg] {
	return d.conn.RequestMsg(&Msg{Subject: d.Reply, Data: []byte("+ACK")}, timeout)
}

// answer is of JetStream's protocol (docs.nats.io: JetStream model, acknowledgements).
func (d *Delivery) answer(word string) error {
	d.conn.loop.Check("cluster.Delivery.Ack")
	if err := d.conn.publish(&Msg{Subject: d.Reply, Data: []byte(word)}); err != nil {
		return fmt.Errorf("acknowledge message %d: %w", d.Seq, err)
	}
	return nil
}

// Reader receives messages of a stream, in a callback or for tasks.
type Reader struct {
	conn *Conn
	what string
	in   inlet[*Delivery]
	stop context.CancelFunc
}

// Consume reads what is to be acknowledged, for the consumer of that name, which it makes or changes to be as told;
// it is nats.go's configuration, and its Durable is name. All Readers of one name, in the whole cluster,
// share its messages. A message that is not acknowledged within AckWait, 30 seconds unless set, comes again.
// An error that does not pass ends the Reader, and is what Next returns: so does a stream that is not found for 30
// seconds. A consumer that was deleted is made again, and then begins as cfg says.
func (s *Stream) Consume(name string, cfg jetstream.ConsumerConfig) *Reader {
	cfg.Durable, cfg.Name, cfg.AckPolicy = name, name, jetstream.AckExplicitPolicy
	r := s.conn.newReader(fmt.Sprintf("consumer %s of stream %s", name, s.name))
	return r.start(func(ctx context.Context) (found bool, err error) {
		cons, err := r.conn.js.CreateOrUpdateConsumer(ctx, s.name, cfg)
		if err != nil {
			return false, err
		}
		_, err = r.pump(ctx, cons)
		return true, err
	})
}

// Follow reads all messages of the stream that were stored after the one with a place in it, in order, each once,
// and then those that are being stored. With subjects it reads those only. Nothing is to be acknowledged: who
// wants to go on later keeps the Seq of the last one.
func (s *Stream) Follow(after uint64, subjects ...string) *Reader {
	r := s.conn.newReader("stream " + s.name)
	return r.start(func(ctx context.Context) (found bool, err error) {
		cons, err := r.conn.js.OrderedConsumer(ctx, s.name, jetstream.OrderedConsumerConfig{
			FilterSubjects:   subjects,
			DeliverPolicy:    jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:      after + 1,
			MaxResetAttempts: 3,
			// Of a follower that was killed nothing is left then. nats.go's 5 minutes are long for who is restarted often.
			InactiveThreshold: time.Minute,
		})
		if err != nil {
			return false, err
		}
		last, err := r.pump(ctx, cons)
		after = max(after, last)
		return true, err
	})
}

func (c *Conn) newReader(what string) *Reader {
	c.loop.Check("cluster.Stream")
	r := &Reader{conn: c, what: what}
	r.in.init(&c.bridge)
	r.in.onEnd = func() { r.stop(); c.remove(r) }
	return r
}

// start runs session elsewhere, again and again.
func (r *Reader) start(session func(ctx context.Context) (found bool, err error)) *Reader {
	c := r.conn
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	if c.status == Closed || c.draining {
		r.in.end(fmt.Errorf("%s: %w", r.what, ErrClosed))
		return r
	}
	c.parts[r] = struct{}{}
	c.start(func() {
		defer stop()
		r.in.finish(fmt.Errorf("%s: %w", r.what, c.again(ctx, session)))
	})
	return r
}

// How a reader asks: enough to keep the way busy, and room for it.
const (
	pullMessages = 256
	pullBytes    = 4 << 20
	pullBeat     = 2 * time.Second
	pullExpiry   = 10 * time.Second
)

// pump puts the messages of a consumer into the inlet until something fails, and returns the place of the last one.
func (r *Reader) pump(ctx context.Context, cons jetstream.Consumer) (last uint64, err error) {
	it, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullHeartbeat(pullBeat), jetstream.PullExpiry(pullExpiry))
	if err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, it.Stop)() // it may be waiting in a place that knows nothing of ctx
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return last, err
		}
		d, err := r.delivery(m)
		if err != nil {
			return last, err
		}
		if !r.in.put(d, d.size()) {
			return last, ErrClosed
		}
		last = d.Seq
	}
}

func (r *Reader) delivery(m jetstream.Msg) (*Delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	return &Delivery{
		Msg:       Msg{Subject: m.Subject(), Reply: m.Reply(), Header: m.Headers(), Data: m.Data(), conn: r.conn},
		Seq:       meta.Sequence.Stream,
		Time:      meta.Timestamp,
		Delivered: meta.NumDelivered,
		Behind:    meta.NumPending,
	}, nil
}

// OnMessage calls f for each message, from the next turn on; nil leaves messages to Next, or to wait. It replaces
// the function set before.
func (r *Reader) OnMessage(f func(*Delivery)) {
	r.conn.loop.Check("cluster.Reader.OnMessage")
	if f == nil {
		r.in.setCall(nil)
		return
	}
	r.in.setCall(func(d *Delivery) { r.conn.stats.Received++; f(d) })
}

// OnEnd calls f, once, when no message will come any more, and says why; ErrClosed if the reader or its Conn was
// closed.
func (r *Reader) OnEnd(f func(error)) {
	r.conn.loop.Check("cluster.Reader.OnEnd")
	if r.in.ended {
		r.conn.loop.Soon(func() { f(r.in.reason) })
		return
	}
	r.in.onEnd = func() { r.stop(); r.conn.remove(r); f(r.in.reason) }
}

// Next parks t until there is a message. Several tasks may wait; each message goes to one. It returns ErrClosed once r
// is closed and no message is left, what has ended it otherwise, and corolla.ErrBusy while there is a callback.
func (r *Reader) Next(t *corolla.Task) (*Delivery, error) {
	r.conn.loop.Check("cluster.Reader.Next")
	d, err := r.in.next(t, r)
	if err == nil {
		r.conn.stats.Received++
	}
	return d, err
}

// TryNext returns a message if there is one, or corolla.ErrWouldBlock.
func (r *Reader) TryNext() (*Delivery, error) {
	r.conn.loop.Check("cluster.Reader.TryNext")
	d, err := r.in.tryNext()
	if err == nil {
		r.conn.stats.Received++
	}
	return d, err
}

func (r *Reader) String() string { return "messages of " + r.what }

// Close ends the reader at once. What it has not given out is dropped; what is not acknowledged comes again, to
// another.
func (r *Reader) Close() {
	r.conn.loop.Check("cluster.Reader.Close")
	r.shut(ErrClosed)
}

// Drain ends the reader when what has arrived at this node is received.
func (r *Reader) Drain() {
	r.conn.loop.Check("cluster.Reader.Drain")
	r.drain()
}

func (r *Reader) shut(err error) {
	r.stop()
	r.in.close(err)
}

func (r *Reader) drain()                       { r.stop() }
func (r *Reader) drained() bool                { return r.in.ended }
func (r *Reader) slow(*nats.Subscription) bool { return false }
