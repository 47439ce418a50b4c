package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/corolla-go/corolla"
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

const serveUsage = `Usage: corolla serve echo [options]

Runs a server that sends back what it gets, written in the model of your choice, until
SIGINT or SIGTERM.
`

func runServe(c *console, args []string) error {
	if len(args) == 0 {
		return usagef("corolla serve: which server? one of: echo")
	}
	if args[0] != "echo" && !strings.HasPrefix(args[0], "-") {
		return usagef("corolla serve: unknown server %q; one of: echo", args[0])
	}
	if args[0] == "echo" {
		args = args[1:]
	}
	var models []string
	for _, m := range echoModels {
		models = append(models, m.name)
	}
	fs := flag.NewFlagSet("serve echo", flag.ContinueOnError)
	model := fs.String("model", "task", "the `NAME` of the model: "+strings.Join(models, ", "))
	addr := fs.String("addr", "127.0.0.1:7007", "listen at `HOST:PORT`; port 0 picks a free one")
	if err := parse(fs, c, serveUsage, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return usagef("corolla serve echo: unexpected argument %q; the server's name comes before the options", fs.Arg(0))
	}
	i := slices.Index(models, *model)
	if i < 0 {
		return usagef("corolla serve echo: unknown model %q; one of: %s", *model, strings.Join(models, ", "))
	}
	return serve(c, echoModels[i].serve, *addr)
}

func serve(c *console, start server, addr string) (err error) {
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
	at, err := start(l, addr)
	if err != nil {
		return fmt.Errorf("corolla serve: %w", err)
	}
	fmt.Fprintf(c.out, "listening on %v\n", at)
	return l.RunForever()
}
