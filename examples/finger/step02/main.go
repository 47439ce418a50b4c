// Step 2 listens. It has nothing to say yet: who connects is hung up on.
package main

import (
	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/transport"
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
		return nil // no protocol, no connection
	})
}
