package main

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

// settings holds the options of serve.
type settings struct {
	model   int // among echoModels
	addr    string
	network string // of the backdoor; empty is none
	door    string
}

func (s *settings) options() []option {
	return []option{
		{"addr", "HOST:PORT", "127.0.0.1:7007", "listen there; port 0 picks a free one", hostPort(&s.addr, 0)},
		{"model", "NAME", "task", "the model that the server is written in", func(text string) string {
			s.model = slices.Index(models(), text)
			return unless(s.model >= 0, "unknown model; models: %s", strings.Join(models(), ", "))
		}},
		{"backdoor", "ADDRESS", "", "let corolla attach look into it there: HOST:PORT, or a path", doorAddress(&s.network, &s.door)},
	}
}

func models() []string {
	var all []string
	for _, m := range echoModels {
		all = append(all, m.name)
	}
	return all
}

func runServe(c *console, args []string) error {
	var s settings
	if len(args) == 0 || args[0] != "echo" {
		_, err := parse("serve", s.options(), args[:min(1, len(args))])
		switch {
		case err == errHelp:
			return helpServe(c)
		case len(args) == 0 || strings.HasPrefix(args[0], "-"):
			return usagef("corolla serve: which server? one of: echo; its name comes before the options")
		}
		return usagef("corolla serve: unknown server %s; one of: echo", quoted(args[0]))
	}
	rest, err := parse("serve echo", s.options(), args[1:])
	switch {
	case err == errHelp:
		return helpServe(c)
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("corolla serve echo: unexpected argument %s", quoted(rest[0]))
	}
	return serve(c, s)
}

func helpServe(c *console) error {
	var w bytes.Buffer
	fmt.Fprintf(&w, `Usage: corolla serve echo [options]

Runs a server that sends back what it gets, written in the model of your choice, until SIGINT
or SIGTERM. It prints the address once it listens.

Models: %s.

Options:
`, strings.Join(models(), ", "))
	helpOptions(&w, new(settings).options())
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

func serve(c *console, s settings) (err error) {
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
	at, err := echoModels[s.model].serve(l, s.addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.out, "listening on %v\n", at); err != nil {
		return err
	}
	if s.network != "" {
		door, err := backdoor.Listen(l, s.network, s.door)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.out, "backdoor on %v\n", door.Addr()); err != nil {
			return err
		}
	}
	return l.RunForever()
}
