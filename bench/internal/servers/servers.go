// Package servers has the echo servers in Go that are compared, each run as a process.
package servers

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/examples/echo/callback"
	"github.com/corolla-go/corolla/examples/echo/deferred"
	"github.com/corolla-go/corolla/examples/echo/gen"
	"github.com/corolla-go/corolla/examples/echo/green"
	"github.com/corolla-go/corolla/examples/echo/task"
	"github.com/corolla-go/corolla/examples/echo/transport"
)

type server struct {
	name string
	run  func() error
}

// all begins with those that Corolla is compared with.
var all = []server{
	{"net", goNet},
	{"gnet", gnetEcho},
	{"callback", func() error { return OnLoop(callback.Serve) }},
	{"transport", func() error { return OnLoop(transport.Serve) }},
	{"task", func() error { return OnLoop(task.Serve) }},
	{"deferred", func() error { return OnLoop(deferred.Serve) }},
	{"green", func() error { return OnLoop(green.Serve) }},
	{"gen", func() error { return OnLoop(gen.Serve) }},
}

// Names returns the names of all servers.
func Names() (names []string) {
	for _, s := range all {
		names = append(names, s.name)
	}
	return names
}

// Run prints the address of a server and serves until the process is killed.
func Run(name string) error {
	i := slices.IndexFunc(all, func(s server) bool { return s.name == name })
	if i < 0 {
		return fmt.Errorf("no server %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return all[i].run()
}

// OnLoop runs a server that needs a loop of Corolla.
func OnLoop(serve func(*corolla.Loop, string) (net.Addr, error)) error {
	l, err := corolla.New()
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	addr, err := serve(l, "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	fmt.Println(addr)
	return l.RunForever()
}

// goNet is Go's own way: a goroutine for each connection.
func goNet() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go echo(c)
	}
}

func echo(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096) // as in the servers of examples/echo
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}
