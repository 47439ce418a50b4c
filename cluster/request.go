package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go/jetstream"
)

// This file has requests. All answers of a Conn come to one subscription, to subjects that end with the number of
// the request. So a request needs no goroutine, and its time is the loop's. Publications to streams, and changes of
// keys, are requests too: JetStream answers what is published to a stream with a reply subject.

// Request sends data to a subject, and returns the future of the first answer. With nobody there it fails with
// ErrNoResponders, and without an answer within the timeout with ErrTimeout. Canceling the future forgets it.
func (c *Conn) Request(subject string, data []byte, timeout time.Duration) *corolla.Future[*Msg] {
	return c.RequestMsg(&Msg{Subject: subject, Data: data}, timeout)
}

// RequestMsg is Request for a message with headers. Its Reply is not used.
func (c *Conn) RequestMsg(m *Msg, timeout time.Duration) *corolla.Future[*Msg] {
	c.loop.Check("cluster.Conn.Request")
	f := corolla.NewFuture[*Msg](c.loop)
	q, err := c.call(m, timeout, func(m *Msg, err error) {
		if err != nil {
			_ = f.Fail(err) // it may have been settled by whoever has it
		} else {
			_ = f.Resolve(m)
		}
	})
	if err != nil {
		_ = f.Fail(err)
		return f
	}
	f.OnCancel(func(cause error) {
		q.forget()
		_ = f.Fail(&corolla.CanceledError{Cause: cause})
	})
	return f
}

// calls are a Conn's requests without their answers.
type calls struct {
	prefix string
	last   uint64
	open   map[uint64]*call
}

type call struct {
	conn    *Conn
	number  uint64
	subject string
	timer   *corolla.Timer
	done    func(*Msg, error)
}

func (cs *calls) init(c *Conn) {
	cs.prefix = c.nc.NewInbox() + "."
	cs.open = map[uint64]*call{}
	s := &Subscription{conn: c, subject: cs.prefix + "*", opts: subscribing{messages: 1 << 20, bytes: 64 << 20}}
	s.in.init(&c.bridge)
	s.in.setCall(c.counted(cs.answer))
	c.parts[answers{s}] = struct{}{}
	c.out.do(s.open)
}

// answers is the subscription for answers, which lasts as long as its Conn.
type answers struct{ *Subscription }

func (answers) drain()        {}
func (answers) drained() bool { return true }

// call sends a request. done is called once, unless the error is not nil or the call is forgotten.
func (c *Conn) call(m *Msg, timeout time.Duration, done func(*Msg, error)) (*call, error) {
	cs := &c.calls
	if len(cs.open) >= c.cfg.calls {
		c.stats.Refused++
		return nil, fmt.Errorf("request to %s: %w", m.Subject, ErrFull)
	}
	cs.last++
	q := &call{conn: c, number: cs.last, subject: m.Subject, done: done}
	out := *m
	out.Reply = cs.prefix + strconv.FormatUint(q.number, 36)
	if err := c.publish(&out); err != nil {
		return nil, fmt.Errorf("request to %s: %w", m.Subject, err)
	}
	cs.open[q.number] = q
	q.timer = c.loop.After(timeout, func() { q.end(nil, ErrTimeout) })
	return q, nil
}

func (q *call) forget() {
	delete(q.conn.calls.open, q.number)
	q.timer.Stop()
	q.conn.idle.WakeAll()
}

func (q *call) end(m *Msg, err error) {
	q.forget()
	if err != nil {
		err = fmt.Errorf("request to %s: %w", q.subject, err)
	}
	q.done(m, err)
}

// answer is called for each answer, and for those that nobody waits for any more.
func (cs *calls) answer(m *Msg) {
	number, err := strconv.ParseUint(m.Subject[len(cs.prefix):], 36, 64)
	q := cs.open[number]
	switch {
	case err != nil || q == nil:
	case len(m.Data) == 0 && m.Header.Get("Status") == "503":
		q.end(nil, ErrNoResponders)
	default:
		q.end(m, nil)
	}
}

func (cs *calls) failAll(err error) {
	for _, q := range cs.open {
		q.end(nil, err)
	}
}

// Ack says that a message is stored.
type Ack struct {
	Stream    string
	Seq       uint64 // its place in the stream; of the first one, if Duplicate
	Duplicate bool   // the stream had a message with the same ID
}

// parseAck reads JetStream's answer to a publication.
func parseAck(data []byte) (Ack, error) {
	var answer struct {
		Stream    string              `json:"stream"`
		Seq       uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
		Error     *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return Ack{}, fmt.Errorf("cluster: not an acknowledgement: %w", err)
	}
	if answer.Error != nil {
		return Ack{}, answer.Error
	}
	if answer.Stream == "" || answer.Seq == 0 {
		return Ack{}, errors.New("cluster: not an acknowledgement, but an answer of somebody else's")
	}
	return Ack{answer.Stream, answer.Seq, answer.Duplicate}, nil
}
