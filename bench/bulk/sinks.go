package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/transport"
)

// atMost is how much a receiver reads at a time; it is what a loop's scratch buffer holds.
const atMost = 64 << 10

type sink struct {
	name string
	run  func() error
}

// sinks print their address, and at the end of a connection how many bytes came.
var sinks = []sink{
	{"net", goNet},
	{"callback", func() error { return servers.OnLoop(callbackSink) }},
	{"transport", func() error { return servers.OnLoop(transportSink) }},
	{"task", func() error { return servers.OnLoop(taskSink) }},
}

func sinkNames() (names []string) {
	for _, s := range sinks {
		names = append(names, s.name)
	}
	return names
}

func runSink(name string) error {
	i := slices.IndexFunc(sinks, func(s sink) bool { return s.name == name })
	if i < 0 {
		return fmt.Errorf("no server %q", name)
	}
	return sinks[i].run()
}

// finish prints how much came. A count after a failure would be taken for the whole.
func finish(total int, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "receive:", err)
		os.Exit(1)
	}
	fmt.Println(total)
}

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
			finish(readAll(c))
		}()
	}
}

func readAll(r io.Reader) (total int, _ error) {
	buf := make([]byte, atMost)
	for {
		n, err := r.Read(buf)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// callbackSink reads once each time it is called: while there is more it will be called again, and
// other connections get their share in between.
func callbackSink(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := l.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ln.OnReadable(func() {
		s, err := ln.TryAccept()
		if err != nil {
			return // gone before it was accepted, or accepted already
		}
		total := 0
		s.OnReadable(func() {
			n, err := s.TryRead(l.Scratch())
			total += n
			switch {
			case err == io.EOF:
				finish(total, s.Close())
			case err != nil && err != corolla.ErrWouldBlock:
				finish(total, err)
			}
		})
	})
	return ln.LocalAddr(), nil
}

func transportSink(l *corolla.Loop, addr string) (net.Addr, error) {
	srv, err := transport.Serve(l, "tcp", addr, func(*transport.Conn) transport.Protocol { return &counter{} })
	if err != nil {
		return nil, err
	}
	return srv.Addr(), nil
}

type counter struct{ total int }

func (p *counter) Opened(*transport.Conn)            {}
func (p *counter) Data(_ *transport.Conn, b []byte)  { p.total += len(b) }
func (p *counter) Closed(_ *transport.Conn, e error) { finish(p.total, e) }

func taskSink(l *corolla.Loop, addr string) (net.Addr, error) {
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
				total, err := readAll(reader{t, c})
				finish(total, errors.Join(err, c.Close()))
				return nil
			})
		}
	})
	return ln.Addr(), nil
}

// reader reads in a task.
type reader struct {
	task *corolla.Task
	conn *aio.Conn
}

func (r reader) Read(b []byte) (int, error) { return r.conn.Read(r.task, b) }
