// Step 6 waits for its answers: a Deferred stands for what is not there yet.
package main

import (
	"errors"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// status finds out what somebody says of himself.
type status func(name string) *deferred.Deferred[string]

func main() {
	corolla.Main(func(t *corolla.Task) error {
		if _, err := listen(t.Loop(), ":1079", slowly(t.Loop())); err != nil {
			return err
		}
		return t.Park("the end")
	})
}

// slowly is a status that takes a second, as from a machine far away.
func slowly(l *corolla.Loop) status {
	people := map[string]string{"ada": "counting", "alan": "out for a run"}
	return func(name string) *deferred.Deferred[string] {
		return deferred.Later(l, time.Second, func() (string, error) {
			if s, ok := people[name]; ok {
				return s, nil
			}
			return "", errors.New("no such user")
		})
	}
}

func listen(l *corolla.Loop, address string, find status) (*transport.Server, error) {
	return transport.Serve(l, "tcp", address, func(*transport.Conn) transport.Protocol {
		return transport.NewReceiver(&framing.Lines{}, finger{find})
	})
}

// finger is told what happens on one connection.
type finger struct{ find status }

func (finger) Opened(*transport.Receiver)        {}
func (finger) Closed(*transport.Receiver, error) {}

func (f finger) Message(r *transport.Receiver, name []byte) {
	r.PauseReading() // one question is enough, and its answer is still wanted at the end of the stream
	f.find(string(name)).
		AddErrback(func(err error) (string, error) { return err.Error(), nil }).
		AddCallback(func(s string) (string, error) {
			_ = r.Write([]byte(s + "\r\n")) // an error means that nobody hears it any more
			r.Close()
			return s, nil
		})
}
