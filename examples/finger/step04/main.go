// Step 4 answers. It does not know anybody.
package main

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		if _, err := listen(t.Loop(), ":1079"); err != nil {
			return err
		}
		return t.Park("the end")
	})
}

func listen(l *corolla.Loop, address string) (*transport.Server, error) {
	return transport.Serve(l, "tcp", address, func(*transport.Conn) transport.Protocol {
		return transport.NewReceiver(&framing.Lines{}, finger{})
	})
}

// finger is told what happens on one connection.
type finger struct{}

func (finger) Opened(*transport.Receiver) {}
func (finger) Message(r *transport.Receiver, _ []byte) {
	_ = r.Write([]byte("no such user\r\n")) // an error means that nobody hears it any more
	r.Close()
}
func (finger) Closed(*transport.Receiver, error) {}
