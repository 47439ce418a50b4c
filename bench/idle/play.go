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
	"strings"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/httpservers"
	"github.com/corolla-go/corolla/bench/internal/httpwork"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/bench/internal/turns"
)

// withCopy is a server that only this comparison has.
const withCopy = "copy"

func playServer(args []string) error {
	if len(args) != 2 {
		return errors.New("want a name and a folder")
	}
	name, dir := args[0], args[1]
	web, http := strings.CutPrefix(name, overHTTP)
	if !tellsMemory(name) {
		return httpservers.Run(web, dir)
	}
	go func() {
		if err := tellMemory(); err != nil {
			fmt.Fprintln(os.Stderr, "idle:", err)
			os.Exit(1)
		}
	}()
	switch {
	case http:
		return httpservers.Run(web, dir)
	case name == withCopy:
		return servers.OnLoop(serveCopy)
	}
	return servers.Run(name)
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
	if len(args) != 3 {
		return errors.New("want a server, its address and connections")
	}
	addr := args[1]
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	ask := echoing
	if strings.HasPrefix(args[0], overHTTP) {
		ask = greeting
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	conns := make([]*aio.Conn, 0, n)
	if err := l.Run(func(t *corolla.Task) error {
		for range n {
			c, err := aio.Dial(t, "tcp", addr)
			if err != nil {
				return err
			}
			conns = append(conns, c)
			if err := ask.exchange(t, c); err != nil {
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
	if err := l.Run(func(t *corolla.Task) error { return ask.exchange(t, conns...) }); err != nil {
		return err
	}
	fmt.Println("idle")
	return hold()
}

// question is what a client sends, and how it reads the answer.
type question struct {
	request []byte
	replies func() replies
}

const message = 64 // bytes

var (
	echoing  = question{make([]byte, message), func() replies { return &echoed{} }}
	greeting = question{httpwork.Request(httpwork.Hello), func() replies { return httpwork.NewAnswers(len(httpwork.Greeting)) }}
)

// replies reads answers, and returns how many ended in what was read.
type replies interface{ Take([]byte) (int, error) }

// echoed reads echoes of one message at a time.
type echoed struct{ got int }

func (e *echoed) Take(b []byte) (ended int, err error) {
	e.got += len(b)
	return e.got / message, nil
}

// exchange sends a request on all of the connections, and then awaits the answers.
func (q question) exchange(t *corolla.Task, conns ...*aio.Conn) error {
	for _, c := range conns {
		if _, err := c.Write(t, q.request); err != nil {
			return err
		}
	}
	buf := make([]byte, 1024)
	for _, c := range conns {
		r := q.replies()
		for ended := 0; ended == 0; {
			n, err := c.Read(t, buf)
			if err != nil {
				return err
			}
			if ended, err = r.Take(buf[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold keeps the connections open until the parent has seen enough.
func hold() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
