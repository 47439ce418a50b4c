// Step 12 is the whole service: people from a file, their names on one port, their news on another, a page,
// and a client that passes on news, line by line, and comes back when the service was away.
//
//	finger                    serves
//	finger news 127.0.0.1     passes on the lines of standard input, such as "ada counting"
package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/service"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	corolla.Main(func(t *corolla.Task) error {
		switch args := os.Args[1:]; {
		case len(args) == 0:
			app := newSite("/etc/users", "tcp:1079", "tcp:1080:interface=127.0.0.1", ":8080").tree()
			app.Log = slog.Default()
			return app.Run(t)
		case len(args) == 2 && args[0] == "news":
			in, err := t.Loop().Adopt(os.Stdin)
			if err != nil {
				return err
			}
			return pass(t, aio.NewConn(in), net.JoinHostPort(args[1], "1080"))
		}
		return fmt.Errorf("usage: %s [news host]", os.Args[0])
	})
}

// site is the service: what it knows, and its parts.
type site struct {
	people
	file        *service.Unit
	names, news *service.Server
	page        *page
}

func newSite(file, names, news, web string) *site {
	s := &site{people: people{path: file, status: map[string]string{}}}
	s.file = service.NewTimer("file", 30*time.Second, s.read)
	s.names = newPort("names", names, finger{&s.people})
	s.news = newPort("news", news, setter{&s.people})
	s.page = newPage(&s.people, web)
	return s
}

// tree has what others need first: it starts first, and stops last.
func (s *site) tree() *service.Tree {
	return service.NewTree("finger", s.file, service.NewTree("ports", s.names, s.news), s.page)
}
