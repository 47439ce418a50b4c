package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// This file has the copy of a key-value bucket. A goroutine watches the bucket and puts what changes into an inlet. It
// begins anew now and then, and whenever the watch was lost, with everything that is in the bucket; what was not
// among that is gone. So a copy does not depend on every deletion being heard of.
//
// Changes are published to the bucket's stream, as JetStream's own clients do (ADR-8), so they are tried again like
// any other publication, in order for each key, and need no goroutine.

// markerLife is how long a bucket remembers that a key was deleted, unless it says otherwise.
const markerLife = time.Hour

// Entry is a key of a State, and what it has.
type Entry struct {
	Key      string
	Value    []byte // nil if it was deleted
	Revision uint64
	Deleted  bool
}

// State is a bucket of JetStream's key-value store, with a copy of it at hand: for what all nodes know and that
// changes rarely. Everything in it is in the memory of every node that has the State.
type State struct {
	conn    *Conn
	bucket  string
	made    time.Time // when the bucket was
	stream  *Stream
	in      inlet[news]
	stop    context.CancelFunc
	copy    map[string]Entry
	heard   map[string]bool // since the watch began anew; nil once it has caught up
	ready   *corolla.Future[struct{}]
	changed corolla.Waiters
	tell    []func(Entry)
}

// news is what a watch has heard.
type news struct {
	what  int
	entry Entry
	made  time.Time // the bucket, which now begins to be watched
}

const (
	newsBegin = iota // everything that is there follows
	newsEntry
	newsCaughtUp
)

// State makes a bucket, or changes it to be as told, and returns it when its copy is complete. It is nats.go's
// configuration. Without Replicas it has as many as Stream gives, and without MaxBytes 64 MiB; deleted keys
// are remembered for an hour unless LimitMarkerTTL says otherwise. A bucket that is not found for 30 seconds ends
// the State, which keeps the copy that it has; that is reported to the loop's error handler.
func (c *Conn) State(cfg jetstream.KeyValueConfig) *corolla.Future[*State] {
	c.loop.Check("cluster.Conn.State")
	return c.openState(c.withDefaults(cfg), false)
}

func (c *Conn) withDefaults(cfg jetstream.KeyValueConfig) jetstream.KeyValueConfig {
	if cfg.Replicas == 0 {
		cfg.Replicas = c.cfg.replicas()
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.LimitMarkerTTL == 0 {
		cfg.LimitMarkerTTL = markerLife
	}
	return cfg
}

// openState makes a bucket, and a State of it; if it is told to, the bucket again whenever it is gone.
func (c *Conn) openState(cfg jetstream.KeyValueConfig, remake bool) *corolla.Future[*State] {
	return corolla.Go(c.loop, func(t *corolla.Task) (*State, error) {
		kv, err := elsewhere(c, func(ctx context.Context) (kv jetstream.KeyValue, err error) {
			err = c.retry(ctx, func(ctx context.Context) error {
				kv, err = c.js.CreateOrUpdateKeyValue(ctx, cfg)
				return err
			})
			return kv, err
		}).Await(t)
		if err != nil {
			return nil, fmt.Errorf("cluster: state %s: %w", cfg.Bucket, err)
		}
		s := c.newState(cfg.Bucket)
		s.start(func(ctx context.Context) (found bool, err error) {
			found, err = s.watch(ctx, kv)
			if remake && errors.Is(err, jetstream.ErrStreamNotFound) {
				_, err = c.js.CreateOrUpdateKeyValue(ctx, cfg)
				return err == nil, cmp.Or(err, errResync)
			}
			return found, err
		})
		if _, err := s.ready.Await(t); err != nil {
			s.Close()
			return nil, err
		}
		return s, nil
	}, corolla.Name("open a state"))
}

func (c *Conn) newState(bucket string) *State {
	s := &State{
		conn: c, bucket: bucket, copy: map[string]Entry{},
		stream: &Stream{conn: c, name: "KV_" + bucket, most: time.Minute, lanes: map[string]*lane{}},
		ready:  corolla.NewFuture[struct{}](c.loop),
	}
	s.in.init(&c.bridge)
	s.in.onEnd = s.ended
	return s
}

// start runs session elsewhere, again and again.
func (s *State) start(session func(ctx context.Context) (found bool, err error)) {
	c := s.conn
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	if c.status == Closed || c.draining {
		s.in.end(ErrClosed)
		return
	}
	c.parts[s] = struct{}{}
	s.in.setCall(s.hear)
	c.start(func() {
		defer stop()
		s.in.finish(c.again(ctx, session))
	})
}

var errResync = errors.New("cluster: time to compare")

// watch is run elsewhere. It always returns an error.
func (s *State) watch(ctx context.Context, kv jetstream.KeyValue) (found bool, err error) {
	session, end := context.WithCancel(ctx) // and no deadline: nats.go would wait so long for its answers
	defer end()
	due, done := context.WithTimeout(session, s.conn.cfg.resync)
	defer done()
	stream, err := s.conn.js.Stream(session, s.stream.name)
	if err != nil {
		return false, err
	}
	stop := within(s.conn.cfg.answer, end)
	w, err := kv.WatchAll(session)
	stop()
	if err != nil {
		if api := apiError(err); api != nil {
			err = api
		}
		return false, err
	}
	defer func() {
		for range w.Updates() { // otherwise it might wait for room, and never end
		}
	}()
	defer func() { _ = w.Stop() }() // it may have ended by itself
	if !s.in.put(news{what: newsBegin, made: stream.CachedInfo().Created}, 1) {
		return true, ErrClosed
	}
	for {
		select {
		case <-due.Done():
			return true, errResync
		case e, ok := <-w.Updates():
			if !ok {
				return true, errResync
			}
			n := news{what: newsCaughtUp}
			if e != nil {
				n = news{what: newsEntry, entry: Entry{e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut}}
			}
			if !s.in.put(n, len(n.entry.Key)+len(n.entry.Value)) {
				return true, ErrClosed
			}
		}
	}
}

// hear takes in what a watch has heard.
func (s *State) hear(n news) {
	switch n.what {
	case newsBegin:
		s.heard = map[string]bool{}
		if !n.made.Equal(s.made) { // another bucket, whose revisions begin anew
			for k, e := range s.copy {
				e.Revision = 0
				s.copy[k] = e
			}
		}
		s.made = n.made
	case newsEntry:
		if s.heard != nil {
			s.heard[n.entry.Key] = true
		}
		s.set(n.entry)
	case newsCaughtUp:
		for _, k := range slices.Sorted(maps.Keys(s.copy)) {
			if !s.heard[k] {
				s.set(Entry{Key: k, Deleted: true, Revision: s.copy[k].Revision + 1})
			}
		}
		s.heard = nil
		if !s.ready.Done() {
			_ = s.ready.Resolve(struct{}{})
		}
	}
}

func (s *State) set(e Entry) {
	old, had := s.copy[e.Key]
	switch {
	case had && e.Revision <= old.Revision, !had && e.Deleted:
		return
	case e.Deleted:
		e.Value = nil
		delete(s.copy, e.Key)
	default:
		s.copy[e.Key] = e
	}
	s.changed.WakeAll()
	for _, f := range s.tell {
		f(e)
	}
}

// Get returns what the copy has for a key. The value is shared: it must not be changed.
func (s *State) Get(key string) (Entry, bool) {
	s.conn.loop.Check("cluster.State.Get")
	e, ok := s.copy[key]
	return e, ok
}

// All returns what the copy has, ordered by key, for use before the next wait.
func (s *State) All() iter.Seq2[string, Entry] {
	s.conn.loop.Check("cluster.State.All")
	return func(yield func(string, Entry) bool) {
		for _, k := range slices.Sorted(maps.Keys(s.copy)) {
			if e, ok := s.copy[k]; ok && !yield(k, e) {
				return
			}
		}
	}
}

// OnChange calls f for each change of the copy from now on, also for those that this node has made. What a key had
// for a short time only may be skipped. Several may be set.
func (s *State) OnChange(f func(Entry)) {
	s.conn.loop.Check("cluster.State.OnChange")
	s.tell = append(s.tell, f)
}

// WaitChange parks t until the copy changes. It returns ErrClosed once s is closed.
func (s *State) WaitChange(t *corolla.Task) error {
	s.conn.loop.Check("cluster.State.WaitChange")
	if s.in.ended {
		return s.in.reason
	}
	_, err := s.changed.Wait(t, "a change of state "+s.bucket)
	if err == nil && s.in.ended {
		err = s.in.reason
	}
	return err
}

// Put sets a key, and returns the future of its revision. The copy has it when the bucket says so, a little
// later. Errors are those of Stream.Publish.
func (s *State) Put(key string, value []byte) *corolla.Future[uint64] {
	return s.change(key, value, nil)
}

// Create is Put for a key that must not be there: otherwise the error is ErrConflict.
func (s *State) Create(key string, value []byte) *corolla.Future[uint64] {
	return s.Update(key, value, 0)
}

// Update is Put for a key that must have that revision, or with 0 none: otherwise the error is ErrConflict.
func (s *State) Update(key string, value []byte, revision uint64) *corolla.Future[uint64] {
	return s.change(key, value, nats.Header{jetstream.ExpectedLastSubjSeqHeader: {fmt.Sprint(revision)}})
}

// Delete removes a key, and returns the future of the revision at which it is gone.
func (s *State) Delete(key string) *corolla.Future[uint64] {
	return s.change(key, nil, nats.Header{"KV-Operation": {"DEL"}})
}

func (s *State) change(key string, value []byte, h nats.Header, opts ...PublishOption) *corolla.Future[uint64] {
	out := corolla.NewFuture[uint64](s.conn.loop)
	if !isKey(key) {
		_ = out.Fail(fmt.Errorf("key %q: %w", key, ErrSubject))
		return out
	}
	f := s.stream.Publish("$KV."+s.bucket+"."+key, value, append(opts, Header(h))...)
	f.OnDone(func(f *corolla.Future[Ack]) {
		ack, err := f.Result()
		var api *jetstream.APIError
		switch {
		case err == nil:
			_ = out.Resolve(ack.Seq) // it may have been canceled; so below
		case errors.As(err, &api) && slices.Contains(conflicts, api.ErrorCode):
			_ = out.Fail(fmt.Errorf("key %q: %w", key, ErrConflict))
		default:
			_ = out.Fail(err)
		}
	})
	return out
}

// conflicts are JetStream's error codes for a wrong expected sequence.
var conflicts = []jetstream.ErrorCode{10071, 10164}

// isKey reports whether a key is allowed (ADR-8).
func isKey(key string) bool {
	if key == "" || strings.HasPrefix(key, ".") || strings.HasSuffix(key, ".") || strings.Contains(key, "..") {
		return false
	}
	const others = "-/_=."
	return strings.IndexFunc(key, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') && !strings.ContainsRune(others, r)
	}) < 0
}

// Close ends the copy. Nothing is told of it any more.
func (s *State) Close() {
	s.conn.loop.Check("cluster.State.Close")
	s.shut(ErrClosed)
}

func (s *State) ended() {
	s.stop()
	s.conn.remove(s)
	s.changed.WakeAll()
	err := fmt.Errorf("cluster: state %s: %w", s.bucket, s.in.reason)
	switch {
	case !s.ready.Done():
		_ = s.ready.Fail(err)
	case !errors.Is(err, ErrClosed):
		s.conn.loop.Report(err)
	}
}

func (s *State) shut(err error) {
	s.stop()
	s.in.close(err)
}

func (s *State) drain()                       {}
func (s *State) drained() bool                { return true }
func (s *State) slow(*nats.Subscription) bool { return false }

func (s *State) has(key string, value []byte) bool {
	e, ok := s.copy[key]
	return ok && bytes.Equal(e.Value, value)
}
