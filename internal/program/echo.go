package program

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/backdoor"
	"github.com/corolla-go/corolla/examples/echo/callback"
	"github.com/corolla-go/corolla/examples/echo/deferred"
	"github.com/corolla-go/corolla/examples/echo/gen"
	"github.com/corolla-go/corolla/examples/echo/green"
	"github.com/corolla-go/corolla/examples/echo/task"
	"github.com/corolla-go/corolla/examples/echo/transport"
)

// server starts a server on a loop and returns the address.
type server func(l *corolla.Loop, addr string) (net.Addr, error)

var echoModels = []struct {
	name  string
	serve server
}{
	{"callback", callback.Serve},
	{"transport", transport.Serve},
	{"task", task.Serve},
	{"deferred", deferred.Serve},
	{"green", green.Serve},
	{"gen", gen.Serve},
}

// echo holds the options of serve echo.
type echo struct {
	place
	model int // among echoModels
}

func (e *echo) options() []option {
	return slices.Insert(e.place.options("127.0.0.1:7007"), 1,
		option{"model", "NAME", "task", "the model that the server is written in", func(text string) string {
			e.model = slices.Index(models(), text)
			return unless(e.model >= 0, "unknown model; models: %s", strings.Join(models(), ", "))
		}})
}

func models() []string {
	var all []string
	for _, m := range echoModels {
		all = append(all, m.name)
	}
	return all
}

func runEcho(c *console, args []string) error {
	var e echo
	rest, err := parse("serve echo", e.options(), args)
	switch {
	case err == errHelp:
		return helpEcho(c)
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("corolla serve echo: unexpected argument %s", quoted(rest[0]))
	}
	return e.serve(c)
}

func helpEcho(c *console) error {
	var w bytes.Buffer
	fmt.Fprintf(&w, `Usage: corolla serve echo [options]

Runs a server that sends back what it gets, written in the model of your choice, until SIGINT
or SIGTERM. It prints the address once it listens.

Models: %s.

Options:
`, strings.Join(models(), ", "))
	helpOptions(&w, new(echo).options())
	fmt.Fprint(&w, `
Example:
  corolla serve echo --model green --addr 127.0.0.1:7007 &
  echo hello | nc -N 127.0.0.1 7007

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

func (e *echo) serve(c *console) (err error) {
	l, err := corolla.New(corolla.ErrorHandler(func(err error) { fmt.Fprintln(c.err, "corolla serve:", err) }))
	if err != nil {
		return err
	}
	defer func() {
		if e := l.Close(); err == nil {
			err = e
		}
	}()
	stop := l.OnSignal(func(os.Signal) { l.Stop() }, os.Interrupt, syscall.SIGTERM)
	defer stop()
	at, err := echoModels[e.model].serve(l, e.addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.out, "listening on %v\n", at); err != nil {
		return err
	}
	if err := e.openDoor(c, l); err != nil {
		return err
	}
	return l.RunForever()
}

// openDoor opens the backdoor, if there is to be one.
func (p *place) openDoor(c *console, l *corolla.Loop) error {
	if p.network == "" {
		return nil
	}
	door, err := backdoor.Listen(l, p.network, p.door)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "backdoor on %v\n", door.Addr())
	return err
}
