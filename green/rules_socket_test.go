package green_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/green"
	"github.com/corolla-go/corolla/sim"
)

var socketRules = []rule{
	{30, "a second reader is refused; a reader and a writer are not", func(e *env) error {
		client, server := pair(e.T, e.Hub)
		reader := e.Go(func() error { _, err := client.Read(make([]byte, 1)); return err })
		e.Sleep(0)
		if _, err := client.Read(make([]byte, 1)); err != corolla.ErrBusy {
			e.Errorf("a second Read: %v", err)
		}
		_, err := client.Write([]byte("x"))
		_, err2 := server.Write([]byte("x"))
		return errors.Join(err, err2, reader.Join(), client.Close(), server.Close())
	}},
	{31, "a deadline that passes is a timeout; one in the past fails even if there is something to read", func(e *env) error {
		client, server := pair(e.T, e.Hub)
		deadline := func(d time.Duration) error { return client.SetReadDeadline(e.Loop().Time().Add(d)) }
		err := deadline(time.Millisecond)
		var timeout net.Error
		if _, err := client.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Read = %v", err)
		}
		_, err2 := server.Write([]byte("x"))
		err = errors.Join(err, err2, client.Socket().WaitReadable(e.Task()), deadline(-time.Second))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			e.Errorf("Read = %v", err)
		}
		if n, err := client.Socket().TryRead(make([]byte, 9)); n != 1 || err != nil { // what Eventlet has settimeout(0) for
			e.Errorf("TryRead = %d, %v", n, err)
		}
		return errors.Join(err, client.Close(), server.Close())
	}},
	{32, "(different) closing a connection wakes its reader", func(e *env) error {
		client, server := pair(e.T, e.Hub)
		reader := e.Go(func() error { _, err := client.Read(make([]byte, 1)); return err })
		e.Sleep(0)
		err := client.Close()
		if err := reader.Join(); !errors.Is(err, net.ErrClosed) {
			e.Errorf("Read = %v", err)
		}
		return errors.Join(err, server.Close())
	}},
	{33, "(different) serve goes on after a handler's error; one connection at a time is one; a handler can stop it", func(e *env) error {
		ln, err := e.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addr := ln.Addr().String()
		active := 0
		server := e.Go(func() error {
			return e.Serve(ln, func(c *green.Conn) error {
				if active++; active > 1 {
					e.Errorf("%d connections are served", active)
				}
				defer func() { active-- }()
				b := make([]byte, 1)
				if _, err := c.Read(b); err != nil {
					return err
				}
				switch b[0] {
				case 'f':
					return errBad
				case 's':
					return green.ErrStopServe
				}
				_, err := c.Write(b)
				return err
			}, aio.MaxConns(1))
		})
		ask := func(what string) *green.Thread[string] {
			return green.Go(e.Hub, func() (string, error) {
				c, err := e.Dial("tcp", addr)
				if err != nil {
					return "", err
				}
				defer c.Close()
				if _, err := io.WriteString(c, what); err != nil {
					return "", err
				}
				answer, err := io.ReadAll(c)
				return string(answer), err
			})
		}
		x, y := ask("x"), ask("y")
		a, err := x.Wait()
		b, err2 := y.Wait()
		if a+b != "xy" || err != nil || err2 != nil {
			e.Errorf("answered %q, %v and %q, %v", a, err, b, err2)
		}
		_, err = ask("f").Wait()
		if len(e.errs) != 1 || !errors.Is(e.errs[0], errBad) || server.Dead() {
			e.Errorf("after a handler's error: reported %v, server over: %v", e.errs, server.Dead())
		}
		e.errs = nil
		_, err2 = ask("s").Wait()
		err = errors.Join(err, err2, server.Join())
		if _, err := e.Dial("tcp", addr); err == nil {
			e.Error("it still listens")
		}
		return err
	}},
	{35, "(different) a deadlock is found where it is simulated, and says who waits for what", func(e *env) error {
		if !e.Loop().Simulated() { // here others can still send something
			th := e.Go(func() error { _, err := green.NewEvent[int](e.Hub).Wait(); return err })
			e.Sleep(0)
			tasks := e.Loop().Tasks()
			if said := tasks[len(tasks)-1].String(); !strings.Contains(said, "parked on a future") {
				e.Errorf("a thread that waits is listed as %q", said)
			}
			th.Kill(nil)
			e.Sleep(0)
			return nil
		}
		l := sim.New(1).NewLoop()
		defer l.Close()
		h := green.NewHub(l)
		err := h.Run(func() error { _, err := green.NewEvent[int](h).Wait(); return err })
		var deadlock *corolla.DeadlockError
		if !errors.As(err, &deadlock) || !strings.Contains(err.Error(), "parked on a future") {
			e.Errorf("Run = %v", err)
		}
		return nil
	}},
}
