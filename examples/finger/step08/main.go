// Step 8 is a service: it starts, says so, and ends in order when it gets a SIGTERM.
package main

import (
	"cmp"
	"log/slog"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		people := users{"ada": "counting", "alan": "out for a run"}
		app := service.NewTree("finger", newServer("tcp:1079", people))
		app.Log = slog.Default()
		return app.Run(t)
	})
}

// users maps names to what people say of themselves.
type users map[string]string

// newServer answers at an endpoint, which may as well be "unix:/run/finger.sock" or "systemd:".
func newServer(endpoint string, people users) *service.Server {
	return service.NewServer("names", service.At(endpoint), func(*transport.Conn) transport.Protocol {
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
