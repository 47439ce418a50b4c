// Step 5 knows some people, whom all connections share.
package main

import (
	"cmp"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

// users maps names to what people say of themselves. No lock: everything runs on the loop.
type users map[string]string

func main() {
	corolla.Main(func(t *corolla.Task) error {
		people := users{"ada": "counting", "alan": "out for a run"}
		if _, err := listen(t.Loop(), ":1079", people); err != nil {
			return err
		}
		return t.Park("the end")
	})
}

func listen(l *corolla.Loop, address string, people users) (*transport.Server, error) {
	return transport.Serve(l, "tcp", address, func(*transport.Conn) transport.Protocol {
		return transport.NewReceiver(&framing.Lines{}, finger{people})
	})
}

// finger is told what happens on one connection.
type finger struct{ people users }

func (finger) Opened(*transport.Receiver)        {}
func (finger) Closed(*transport.Receiver, error) {}

func (f finger) Message(r *transport.Receiver, name []byte) {
	status := cmp.Or(f.people[string(name)], "no such user")
	_ = r.Write([]byte(status + "\r\n")) // an error means that nobody hears it any more
	r.Close()
}
