package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// attack is what each of many tasks does again and again, on a connection of its own, with a pause
// between.
type attack struct {
	name  string
	conns int
	pause time.Duration
	begin string // sent first
	then  string // sent every pause; "" is nothing at all
	fresh bool   // each time on a new connection
}

var attacks = []attack{
	{name: "slow", conns: 5000, pause: time.Second, begin: "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ", then: "x"},
	{name: "unread", conns: 1000, pause: time.Second, begin: "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	{
		name: "heads", conns: 10, pause: 100 * time.Millisecond, fresh: true,
		begin: "GET /hello HTTP/1.1\r\nHost: localhost\r\n", then: strings.Repeat("X-"+strings.Repeat("y", 28)+": z\r\n", 4096),
	},
	{
		name: "chunks", conns: 10, pause: 20 * time.Millisecond,
		begin: "POST /take HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", then: strings.Repeat("1\r\na\r\n", 1000),
	},
}

func attackNames() (names []string) {
	for _, a := range attacks {
		names = append(names, a.name)
	}
	return names
}

// lowest is a process's lowest priority.
const lowest = 19

// playAttack says when all its connections are made, and goes on until it is killed.
func playAttack(args []string) error {
	i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == args[0] })
	if i < 0 {
		return fmt.Errorf("no attack %q", args[0])
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, lowest); err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	l, err := corolla.New(corolla.SlowLimit(0))
	if err != nil {
		return fmt.Errorf("make a loop: %w", err)
	}
	a, addr := attacks[i], args[1]
	return l.Run(func(t *corolla.Task) error {
		return t.Group(func(g *corolla.Group) error {
			for i := range a.conns {
				c, err := aio.Dial(t, "tcp", addr, corolla.ReadBuffer(systemBuffer))
				if err != nil {
					return err
				}
				g.Go(func(t *corolla.Task) error {
					if err := t.Sleep(a.pause * time.Duration(i) / time.Duration(a.conns)); err != nil {
						return err
					}
					return a.play(t, c, addr)
				})
			}
			if err := t.Sleep(a.pause); err != nil {
				return err
			}
			fmt.Println("ready")
			return nil
		})
	})
}

// systemBuffer is how much the system takes for a client that does not read, more or less.
const systemBuffer = 64 << 10

// play attacks on a connection, and then on others.
func (a attack) play(t *corolla.Task, c *aio.Conn, addr string) (err error) {
	for {
		_, err = c.Write(t, []byte(a.begin))
		for err == nil {
			if a.then != "" && (a.fresh || !refused(c)) {
				_, err = c.Write(t, []byte(a.then))
			}
			if err == nil {
				err = t.Sleep(a.pause)
			}
			if a.fresh || a.then != "" && refused(c) {
				break
			}
		}
		if errors.Is(err, corolla.ErrCanceled) {
			return err
		}
		_ = c.Abort() // or the server has closed it
		if err = t.Sleep(a.pause); err != nil {
			return err
		}
		if c, err = aio.Dial(t, "tcp", addr, corolla.ReadBuffer(systemBuffer)); err != nil {
			return err
		}
	}
}

// refused reports whether the server has answered, which it does only to refuse.
func refused(c *aio.Conn) bool {
	var b [512]byte
	n, err := c.TryRead(b[:])
	return err != corolla.ErrWouldBlock || bytes.HasPrefix(b[:n], []byte("HTTP/1.1 4"))
}
