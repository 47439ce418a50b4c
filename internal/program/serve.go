package program

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// example is one of the servers of serve.
type example struct {
	name string
	what string
	run  func(c *console, args []string) error
}

var programs = []example{
	{"echo", "send back what comes, in a model of your choice", runEcho},
	{"files", "a directory, over HTTP", runFiles},
	{"proxy", "a reverse proxy for HTTP and WebSocket", runProxy},
	{"chat", "a chat with rooms, on a page with a WebSocket", runChat},
}

func programNames() string {
	var all []string
	for _, p := range programs {
		all = append(all, p.name)
	}
	return strings.Join(all, ", ")
}

func runServe(c *console, args []string) error {
	if len(args) > 0 {
		i := slices.IndexFunc(programs, func(p example) bool { return p.name == args[0] })
		if i >= 0 {
			return programs[i].run(c, args[1:])
		}
	}
	_, err := parse("serve", nil, args[:min(1, len(args))])
	switch {
	case err == errHelp:
		return helpServe(c)
	case len(args) == 0 || strings.HasPrefix(args[0], "-"):
		return usagef("corolla serve: which server? one of: %s; its name comes before the options", programNames())
	}
	return usagef("corolla serve: unknown server %s; one of: %s", quoted(args[0]), programNames())
}

func helpServe(c *console) error {
	var w bytes.Buffer
	fmt.Fprint(&w, `Usage: corolla serve SERVER [options]

Runs a server until SIGINT or SIGTERM. It prints the address once it listens.

Servers:
`)
	for _, p := range programs {
		fmt.Fprintf(&w, "  %-6s  %s\n", p.name, p.what)
	}
	fmt.Fprint(&w, `
corolla serve SERVER --help lists the options of a server.

Examples:
  corolla serve echo --model green
  corolla serve files ~/public --addr 127.0.0.1:8080

Exit status: 0 after SIGINT or SIGTERM, 1 if it could not listen, or failed, 2 if the
command line is wrong.
`)
	_, err := c.out.Write(w.Bytes())
	return err
}

// place holds the options that all servers have: where they listen.
type place struct {
	addr    string
	network string // of the backdoor; empty is none
	door    string
}

func (p *place) options(addr string) []option {
	return []option{
		{"addr", "HOST:PORT", addr, "listen there; port 0 picks a free one", hostPort(&p.addr, 0)},
		{"backdoor", "ADDRESS", "", "let corolla attach look into it there: HOST:PORT, or a path", doorAddress(&p.network, &p.door)},
	}
}
