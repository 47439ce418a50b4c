package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/cluster"
	"github.com/nats-io/nats.go/jetstream"
)

// fakeJetStream answers for JetStream, on a server that has none: to each kind of request what is next in its script,
// of which the last is the answer from then on.
type fakeJetStream struct {
	script map[string][]string // by the start of the subject
	asked  map[string]int
}

const (
	noStream   = `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`
	noConsumer = `{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}`
	aStream    = `{"config":{"name":"S","subjects":["s.>"]},"created":"2020-01-01T00:00:00Z","state":{"messages":3,"last_seq":7}}`
	aConsumer  = `{"stream_name":"S","name":"c","config":{"durable_name":"c","name":"c","ack_policy":"explicit"},"created":"2020-01-01T00:00:00Z"}`
	anAccount  = `{"memory":0,"storage":0,"api":{"level":4}}`

	updateStream   = "$JS.API.STREAM.UPDATE."
	createStream   = "$JS.API.STREAM.CREATE."
	infoStream     = "$JS.API.STREAM.INFO."
	createConsumer = "$JS.API.CONSUMER.CREATE."
	nextMessage    = "$JS.API.CONSUMER.MSG.NEXT."
)

// faked runs test with a Conn for whose server a script answers, and counts how often each was asked.
func faked(t *testing.T, script map[string][]string, asked map[string]int,
	test func(t *testing.T, task *corolla.Task, c *cluster.Conn), opts ...cluster.Option,
) {
	t.Helper()
	fake := &fakeJetStream{script, asked}
	embedded(t, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		must(c.Subscribe("$JS.API.>"))(t).OnMessage(fake.answer)
		must(c.Flush().Await(task))(t)
		test(t, task, c)
	}, opts...)
}

func (f *fakeJetStream) answer(m *cluster.Msg) {
	for start, answers := range f.script {
		if !strings.HasPrefix(m.Subject, start) {
			continue
		}
		answer := answers[min(f.asked[start], len(answers)-1)]
		f.asked[start]++
		if answer != "" {
			_ = m.Respond([]byte(answer)) // who does not get it asks again
		}
	}
}

func failure(code, errCode int) string {
	return fmt.Sprintf(`{"error":{"code":%d,"err_code":%d,"description":"so"}}`, code, errCode)
}

// TestNotFoundAtFirst is no error of any call: who has just made a stream, or come to one that is being made, may be
// told so by a server that does not have it yet.
func TestNotFoundAtFirst(t *testing.T) {
	asked := map[string]int{}
	script := map[string][]string{
		updateStream:   {noStream, noStream, aStream},
		createStream:   {noStream},
		infoStream:     {noStream, noStream, aStream},
		createConsumer: {noStream, noConsumer, noStream, aConsumer},
		nextMessage:    {""},
	}
	faked(t, script, asked, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		s := makeStream(t, task, c)
		if n := must(s.LastSeq().Await(task))(t); n != 7 {
			t.Errorf("LastSeq = %d", n)
		}
		r := s.Consume("c", jetstream.ConsumerConfig{})
		until(t, task, "a request for messages", func() bool { return asked[nextMessage] > 0 })
		r.Close()
	})
	for start, n := range map[string]int{updateStream: 3, createStream: 2, infoStream: 3, createConsumer: 4} {
		if asked[start] < n {
			t.Errorf("%s was asked %d times", start, asked[start])
		}
	}
}

// TestBucketNotFoundAtFirst is no error either; a bucket is watched through another interface of nats.go's.
func TestBucketNotFoundAtFirst(t *testing.T) {
	asked := map[string]int{}
	faked(t, map[string][]string{
		"$JS.API.INFO": {anAccount},
		updateStream:   {noStream, aStream},
		createStream:   {noStream},
		infoStream:     {noStream, aStream},
		createConsumer: {noStream, noConsumer, aConsumer},
	}, asked, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		must(c.State(jetstream.KeyValueConfig{Bucket: "B"}).Await(task))(t).Close()
	})
	if n := asked[createConsumer]; n < 3 {
		t.Errorf("the bucket was watched %d times", n)
	}
}

// TestWatchThatIsNotAnswered is tried again. JetStream leaves a request without an answer while there is no leader.
func TestWatchThatIsNotAnswered(t *testing.T) {
	script := map[string][]string{
		"$JS.API.INFO": {anAccount},
		updateStream:   {aStream},
		infoStream:     {"", aStream},
		createConsumer: {"", aConsumer},
	}
	faked(t, script, map[string]int{}, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		must(c.State(jetstream.KeyValueConfig{Bucket: "B"}).Await(task))(t).Close()
	}, cluster.Answer(100*time.Millisecond))
}

// TestNotFoundInTheEnd is the error of every call, once it has been the answer for long enough.
func TestNotFoundInTheEnd(t *testing.T) {
	const long = 300 * time.Millisecond
	faked(t, map[string][]string{
		"$JS.API.INFO": {anAccount},
		updateStream:   {aStream},
		infoStream:     {noStream},
		createConsumer: {noStream},
	}, map[string]int{}, func(t *testing.T, task *corolla.Task, c *cluster.Conn) {
		s := makeStream(t, task, c)
		before := task.Loop().Now()
		must(0, task.Group(func(g *corolla.Group) error {
			for what, call := range map[string]func(task *corolla.Task) error{
				"LastSeq": func(task *corolla.Task) error { _, err := s.LastSeq().Await(task); return err },
				"Follow":  func(task *corolla.Task) error { _, err := s.Follow(0).Next(task); return err },
				"Consume": func(task *corolla.Task) error {
					_, err := s.Consume("c", jetstream.ConsumerConfig{}).Next(task)
					return err
				},
				"State": func(task *corolla.Task) error {
					_, err := c.State(jetstream.KeyValueConfig{Bucket: "B"}).Await(task)
					return err
				},
			} {
				g.Go(func(task *corolla.Task) error {
					wantErr(t, what, call(task), jetstream.ErrStreamNotFound)
					if took := task.Loop().Now() - before; took < long {
						t.Errorf("%s failed after %v", what, took)
					}
					return nil
				})
			}
			return nil
		}))(t)
	}, cluster.Settled(long))
}

// TestErrorsThatPass are tried again, and others are not.
func TestErrorsThatPass(t *testing.T) {
	for _, c := range []struct {
		name          string
		code, errCode int
		passes        bool
	}{
		{"no leader", 503, 10008, true},
		{"too few peers yet", 400, 10005, true},
		{"too many requests", 429, 10167, true},
		{"not the leader", 500, 10009, true},
		{"the stream is offline", 500, 10118, true},
		{"made by another meanwhile", 400, 10058, true},
		{"something went wrong", 500, 10049, true},
		{"an invalid configuration", 500, 10052, false},
		{"no replicas here", 500, 10074, false},
		{"subjects of another stream", 400, 10065, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := map[string][]string{updateStream: {noStream, aStream}, createStream: {failure(c.code, c.errCode)}}
			faked(t, script, map[string]int{}, func(t *testing.T, task *corolla.Task, conn *cluster.Conn) {
				_, err := conn.Stream(streamConfig).Await(task)
				var api *jetstream.APIError
				switch {
				case c.passes && err != nil:
					t.Error(err)
				case !c.passes && (!errors.As(err, &api) || api.ErrorCode != jetstream.ErrorCode(c.errCode)):
					t.Errorf("Stream: %v", err)
				}
			})
		})
	}
}
