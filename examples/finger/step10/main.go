// Step 10 reads what people say from a file, and again every half a minute.
package main

import (
	"cmp"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/service"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func main() {
	corolla.Main(func(t *corolla.Task) error {
		people := &users{path: "/etc/users"}
		app := service.NewTree("finger",
			service.NewTimer("file", 30*time.Second, people.read),
			newServer("names", "tcp:1079", finger{people}),
		)
		app.Log = slog.Default()
		return app.Run(t)
	})
}

// users are read from a file, whose lines are such as "ada: counting".
type users struct {
	path   string
	status map[string]string
}

// read reads the file on another goroutine, as a disk may make one wait. That there is none is no reason to
// end: the service keeps what it has.
func (u *users) read(t *corolla.Task) error {
	text, err := corolla.Offload(t.Loop(), func() ([]byte, error) { return os.ReadFile(u.path) }).Await(t)
	if errors.Is(err, fs.ErrNotExist) {
		t.Loop().Report(err)
		return nil
	}
	if err != nil {
		return err
	}
	u.status = map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, status, ok := strings.Cut(line, ":"); ok {
			u.status[strings.TrimSpace(name)] = strings.TrimSpace(status)
		}
	}
	return nil
}

func newServer(name, endpoint string, lines transport.MessageHandler) *service.Server {
	return service.NewServer(name, service.At(endpoint), func(*transport.Conn) transport.Protocol {
		return transport.NewReceiver(&framing.Lines{}, lines)
	})
}

// finger answers a name.
type finger struct{ people *users }

func (finger) Opened(*transport.Receiver)        {}
func (finger) Closed(*transport.Receiver, error) {}

func (f finger) Message(r *transport.Receiver, name []byte) {
	status := cmp.Or(f.people.status[string(name)], "no such user")
	_ = r.Write([]byte(status + "\r\n")) // an error means that nobody hears it any more
	r.Close()
}
