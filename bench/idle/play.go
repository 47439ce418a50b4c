package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

// withCopy is a server that only this comparison has.
const withCopy = "copy"

func playServer(args []string) error {
	go func() {
		if err := tellMemory(); err != nil {
			fmt.Fprintln(os.Stderr, "idle:", err)
			os.Exit(1)
		}
	}()
	if args[0] == withCopy {
		return servers.OnLoop(serveCopy)
	}
	return servers.Run(args[0])
}

// tellMemory answers each request of the parent with the size of the live heap and stacks, in
// bytes.
func tellMemory() error {
	for {
		if err := turns.Heard("memory"); err != nil {
			return err
		}
		runtime.GC()
		runtime.GC() // what finalizers and pools held through the first
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Println(m.HeapAlloc + m.StackInuse)
	}
}

// serveCopy is the echo server of tasks, without a buffer for each connection.
func serveCopy(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := aio.Listen(l, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l.Go(func(t *corolla.Task) error {
		for {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			l.Go(func(t *corolla.Task) error {
				_, err := aio.Copy(t, c, c)
				return cmp.Or(err, c.Close())
			})
		}
	})
	return ln.Addr(), nil
}

// playClient opens the connections, each with one exchange, and bursts when told to.
func playClient(args []string) error {
	if len(args) != 2 {
		return errors.New("want an address and connections")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	conns := make([]*aio.Conn, 0, n)
	if err := l.Run(func(t *corolla.Task) error {
		for range n {
			c, err := aio.Dial(t, "tcp", args[0])
			if err != nil {
				return err
			}
			conns = append(conns, c)
			if err := exchange(t, c); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	fmt.Println("idle")
	if err := turns.Heard("burst"); err != nil {
		return err
	}
	if err := l.Run(func(t *corolla.Task) error { return exchange(t, conns...) }); err != nil {
		return err
	}
	fmt.Println("idle")
	return hold()
}

// exchange sends a request on all of the connections, and then awaits the answers.
func exchange(t *corolla.Task, conns ...*aio.Conn) error {
	request, answer := make([]byte, 64), make([]byte, 64)
	for _, c := range conns {
		if _, err := c.Write(t, request); err != nil {
			return err
		}
	}
	for _, c := range conns {
		for got := 0; got < len(request); {
			n, err := c.Read(t, answer[got:])
			if err != nil {
				return err
			}
			got += n
		}
	}
	return nil
}

// hold keeps the connections open until the parent has seen enough.
func hold() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
