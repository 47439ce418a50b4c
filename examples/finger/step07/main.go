// Step 7 asks another program. A task waits for that, in plain code, and the Deferred is its result.
package main

import (
	"errors"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/process"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// status finds out what somebody says of himself.
type status func(name string) *deferred.Deferred[string]

func main() {
	corolla.Main(func(t *corolla.Task) error {
		if _, err := listen(t.Loop(), ":1079", ask(t.Loop(), "id", "--")); err != nil {
			return err
		}
		return t.Park("the end")
	})
}

// ask is what a program says when it gets the name behind its other arguments.
func ask(l *corolla.Loop, program string, args ...string) status {
	return func(name string) *deferred.Deferred[string] {
		return deferred.Go(l, func(t *corolla.Task) (string, error) {
			if name == "" {
				return "", errors.New("whom?")
			}
			cmd := process.Command{Path: program, Args: append(args[:len(args):len(args)], name)}
			out, _, err := process.Run(t, cmd, nil)
			return strings.TrimSpace(string(out)), err
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
		AddErrback(func(error) (string, error) { return "no such user", nil }).
		AddCallback(func(s string) (string, error) {
			_ = r.Write([]byte(s + "\r\n")) // an error means that nobody hears it any more
			r.Close()
			return s, nil
		})
}
