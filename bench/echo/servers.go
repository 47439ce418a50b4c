package main

import (
	"fmt"
	"net"
	"slices"

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

var servers = []server{
	{"net", goNet},
	{"callback", onLoop(callback.Serve)},
	{"transport", onLoop(transport.Serve)},
	{"task", onLoop(task.Serve)},
	{"deferred", onLoop(deferred.Serve)},
	{"green", onLoop(green.Serve)},
	{"gen", onLoop(gen.Serve)},
}

func names() (all []string) {
	for _, s := range servers {
		all = append(all, s.name)
	}
	return all
}

func runServer(name string) error {
	i := slices.IndexFunc(servers, func(s server) bool { return s.name == name })
	if i < 0 {
		return fmt.Errorf("no server %q; there are %v", name, names())
	}
	return servers[i].run()
}

func onLoop(serve func(*corolla.Loop, string) (net.Addr, error)) func() error {
	return func() error {
		l, err := corolla.New()
		if err != nil {
			return err
		}
		addr, err := serve(l, "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(addr)
		return l.RunForever()
	}
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
		go func() {
			defer c.Close()
			buf := make([]byte, 4096)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}
