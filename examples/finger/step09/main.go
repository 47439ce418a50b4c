// Step 9 has a second port, where people say what there is to say of them: "ada counting".
package main

import (
	"cmp"
	"log/slog"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		people := users{}
		app := service.NewTree("finger",
			newServer("names", "tcp:1079", finger{people}),
			newServer("news", "tcp:1080:interface=127.0.0.1", setter{people}),
		)
		app.Log = slog.Default()
		return app.Run(t)
	})
}

// users maps names to what people say of themselves.
type users map[string]string

func newServer(name, endpoint string, lines transport.MessageHandler) *service.Server {
	return service.NewServer(name, service.At(endpoint), func(*transport.Conn) transport.Protocol {
		return transport.NewReceiver(&framing.Lines{}, lines)
	})
}

// finger answers a name.
type finger struct{ people users }

func (finger) Opened(*transport.Receiver)        {}
func (finger) Closed(*transport.Receiver, error) {}

func (f finger) Message(r *transport.Receiver, name []byte) {
	status := cmp.Or(f.people[string(name)], "no such user")
	_ = r.Write([]byte(status + "\r\n")) // an error means that nobody hears it any more
	r.Close()
}

// setter takes news, as many as one likes.
type setter struct{ people users }

func (setter) Opened(*transport.Receiver)        {}
func (setter) Closed(*transport.Receiver, error) {}

func (s setter) Message(r *transport.Receiver, line []byte) {
	answer := "a name and a status, please"
	if name, status, ok := strings.Cut(string(line), " "); ok {
		s.people[name], answer = status, "thank you"
	}
	_ = r.Write([]byte(answer + "\r\n"))
}
