package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/bench/internal/servers"
	"github.com/corolla-go/corolla/transport"
)

// What every subscriber is offered: 64 KiB a second.
const (
	piece  = 4 << 10
	period = time.Second / 16
)

// systemBuffer is about how many bytes the system buffers for a connection.
const systemBuffer = 8 << 10

var offered = make([]byte, piece)

// The first byte of a connection says what it is for.
const (
	subscribe = 's'
	talk      = 't'
)

func serverNames() []string { return []string{"net", "transport", "task"} }

func playServer(args []string) error {
	switch args[0] {
	case "net":
		return serveNet()
	case "transport":
		return servers.OnLoop(serveTransport)
	case "task":
		return servers.OnLoop(serveTask)
	}
	return fmt.Errorf("no server %q", args[0])
}

func serveNet() error {
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
			b := make([]byte, piece)
			if _, err := io.ReadFull(c, b[:1]); err != nil {
				return
			}
			if b[0] == subscribe {
				_ = c.(*net.TCPConn).SetWriteBuffer(systemBuffer)
				for range time.Tick(period) {
					if _, err := c.Write(offered); err != nil {
						return
					}
				}
			}
			_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, b)
		}()
	}
}

// subscriber is a connection in push style. It is offered nothing while it is paused.
type subscriber struct {
	all    map[*subscriber]*transport.Conn
	paused bool
	known  bool
}

func (s *subscriber) Opened(*transport.Conn) {}

func (s *subscriber) Data(c *transport.Conn, b []byte) {
	if !s.known {
		s.known = true
		if b[0] == subscribe {
			s.all[s] = c
		}
		b = b[1:]
	}
	if len(b) > 0 {
		_ = c.Write(b)
	}
}

func (s *subscriber) PauseWriting(*transport.Conn)  { s.paused = true }
func (s *subscriber) ResumeWriting(*transport.Conn) { s.paused = false }
func (s *subscriber) Closed(*transport.Conn, error) { delete(s.all, s) }

func serveTransport(l *corolla.Loop, addr string) (net.Addr, error) {
	all := map[*subscriber]*transport.Conn{}
	srv, err := transport.Serve(l, "tcp", addr, func(*transport.Conn) transport.Protocol { return &subscriber{all: all} },
		transport.Options(corolla.WriteBuffer(systemBuffer)))
	if err != nil {
		return nil, err
	}
	var offer func()
	offer = func() {
		for s, c := range all {
			if !s.paused {
				_ = c.Write(offered)
			}
		}
		l.After(period, offer)
	}
	l.After(period, offer)
	return srv.Addr(), nil
}

// serveTask runs a task for each connection. A write to a client that does not read parks its task.
func serveTask(l *corolla.Loop, addr string) (net.Addr, error) {
	ln, err := aio.Listen(l, "tcp", addr, corolla.WriteBuffer(systemBuffer))
	if err != nil {
		return nil, err
	}
	l.Go(func(t *corolla.Task) error {
		return aio.NewServer(ln, func(t *corolla.Task, c *aio.Conn) error {
			b := make([]byte, 64)
			if _, err := c.ReadFull(t, b[:1]); err != nil {
				return err
			}
			for b[0] == subscribe {
				if err := t.Sleep(period); err != nil {
					return err
				}
				if _, err := c.Write(t, offered); err != nil {
					return err
				}
			}
			for {
				n, err := c.Read(t, b)
				if err == io.EOF {
					return nil
				}
				if _, e := c.Write(t, b[:n]); err != nil || e != nil {
					return errors.Join(err, e)
				}
			}
		}).Serve(t)
	})
	return ln.Addr(), nil
}
