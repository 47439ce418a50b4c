package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
)

// One client floods, and does not even read what it hears of itself. It waits for itself: nobody is
// dropped, and the others hear each other still.
func TestWhoFloodsWaitsForItself(t *testing.T) { onBoth(t, flood) }

func flood(t *testing.T, task *corolla.Task) error {
	l := task.Loop()
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.WriteBuffer(system))
	if err != nil {
		return err
	}
	var logged []string
	server := l.Go(func(task *corolla.Task) error {
		return chat(task, ln, func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) })
	})
	join := func() *aio.Conn {
		c, err := aio.Dial(task, "tcp", ln.Addr().String(), corolla.ReadBuffer(system))
		if err != nil {
			t.Fatal(err)
		}
		if err := say(task, c, []*aio.Conn{c}, 0); err != nil { // so it is known to be there
			t.Fatal(err)
		}
		return c
	}
	heard := make([]int, 3)
	var listeners []*aio.Conn
	var reading []*corolla.Future[struct{}]
	for i := range heard {
		c := join()
		listeners = append(listeners, c)
		reading = append(reading, l.Go(func(task *corolla.Task) error {
			for line, err := range c.Lines(task) {
				if err != nil {
					return err
				}
				if string(line) == "goodbye" {
					return nil
				}
				heard[i]++
			}
			return fmt.Errorf("listener %d is sent away", i)
		}))
	}
	flooder := join()
	flooding := l.Go(func(task *corolla.Task) error {
		for line := append(bytes.Repeat([]byte{'f'}, 1000), '\n'); ; {
			if _, err := flooder.Write(task, line); err != nil {
				return err
			}
		}
	})
	for still := 0; still < 50 && len(logged) == 0; still++ {
		if stuck(l) < 2 { // the flooder's Write, and the Flush of who serves it
			still = 0
		}
		if err := task.Sleep(100 * time.Microsecond); err != nil {
			return err
		}
	}
	if len(logged) > 0 {
		t.Errorf("logged: %q", logged)
	}
	_ = flooder.Abort()
	_, _ = flooding.Await(task)
	if _, err := listeners[0].Write(task, []byte("goodbye\n")); err != nil {
		return err
	}
	for i, f := range reading {
		if _, err := f.Await(task); err != nil || heard[i] == 0 {
			t.Errorf("listener %d: %v, after %d lines", i, err, heard[i])
		}
		_ = listeners[i].Close()
	}
	server.Cancel(nil)
	_, _ = server.Await(task)
	return nil
}

// stuck returns how many tasks wait for a peer to take what was written.
func stuck(l *corolla.Loop) (n int) {
	for _, i := range l.Tasks() {
		if strings.Contains(i.On, "an outbox") {
			n++
		}
	}
	return n
}
