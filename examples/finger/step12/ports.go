package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func newPort(name, endpoint string, lines transport.MessageHandler) *service.Server {
	listen := service.At(endpoint, transport.MaxConns(1000), transport.MaxPerPeer(100))
	return service.NewServer(name, listen, func(c *transport.Conn) transport.Protocol {
		c.SetIdleTimeout(time.Minute)
		return transport.NewReceiver(&framing.Lines{Max: 1000}, lines)
	})
}

// finger answers a name.
type finger struct{ people *people }

func (finger) Opened(*transport.Receiver)        {}
func (finger) Closed(*transport.Receiver, error) {}

func (f finger) Message(r *transport.Receiver, name []byte) {
	status := cmp.Or(f.people.status[string(name)], "no such user")
	_ = r.Write([]byte(status + "\r\n")) // an error means that nobody hears it any more
	r.Close()
}

// setter takes news, as many as one likes.
type setter struct{ people *people }

func (setter) Opened(*transport.Receiver)        {}
func (setter) Closed(*transport.Receiver, error) {}

func (s setter) Message(r *transport.Receiver, line []byte) {
	answer := "a name and a status, please"
	if name, status, ok := strings.Cut(string(line), " "); ok {
		s.people.status[name], answer = status, thanks
	}
	_ = r.Write([]byte(answer + "\r\n"))
}

const thanks = "thank you"
