package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/internal/leaktest"
	"github.com/corolla-go/corolla/sim"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// One client stops reading. It is dropped, and that is logged, before much is kept for it; the
// others hear all that is said, in order, before and after.
func TestWhoDoesNotListenIsDropped(t *testing.T) { onBoth(t, talk) }

// onBoth runs test in a task of either host.
func onBoth(t *testing.T, test func(t *testing.T, task *corolla.Task) error) {
	t.Helper()
	for _, on := range []string{"real", "sim"} {
		t.Run(on, func(t *testing.T) {
			opts := []corolla.Option{
				corolla.SlowLimit(0),
				corolla.ErrorHandler(func(err error) { t.Errorf("error handler: %v", err) }),
			}
			l := sim.New(1).NewLoop(opts...)
			if on == "real" {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				var err error
				l, err = corolla.New(opts...)
				leaktest.NeedLoop(t, err)
			}
			if err := l.Run(func(task *corolla.Task) error { return test(t, task) }); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the system keeps of a connection is small, so that a client which does not read is soon
// noticed.
const (
	system  = 64 << 10
	message = 4 << 10
)

func talk(t *testing.T, task *corolla.Task) error {
	l := task.Loop()
	ln, err := aio.Listen(l, "tcp", "127.0.0.1:0", corolla.WriteBuffer(system))
	if err != nil {
		return err
	}
	var logged []string
	server := l.Go(func(task *corolla.Task) error {
		return chat(task, ln, func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) })
	})
	var clients []*aio.Conn
	for range 4 {
		c, err := aio.Dial(task, "tcp", ln.Addr().String(), corolla.ReadBuffer(system))
		if err != nil {
			return err
		}
		clients = append(clients, c)
		if err := say(task, c, clients, len(clients)); err != nil { // so it is known to be there
			return err
		}
	}
	deaf, listeners := clients[0], clients[1:]
	said, after := 0, 0
	for ; after < 10; said++ {
		if len(logged) > 0 {
			after++
		}
		if err := say(task, listeners[said%len(listeners)], listeners, said); err != nil {
			return err
		}
		if kept := said * message; kept > 1<<20 {
			return fmt.Errorf("who does not listen is not dropped after %d bytes", kept)
		}
	}
	if len(logged) != 1 || !strings.Contains(logged[0], deaf.LocalAddr().String()+" is dropped: ") {
		t.Errorf("logged %q of %v", logged, deaf.LocalAddr())
	}
	for buf := make([]byte, 64<<10); err == nil; { // what the system has kept for it
		_, err = deaf.Read(task, buf)
	}
	if !strings.Contains(err.Error(), "reset") {
		t.Errorf("who was dropped reads %v", err)
	}
	for _, c := range clients {
		if err := c.Close(); err != nil {
			return err
		}
	}
	server.Cancel(nil)
	if _, err := server.Await(task); !errors.Is(err, corolla.ErrCanceled) {
		t.Errorf("chat: %v", err)
	}
	return nil
}

// say has one say something, and all hear it.
func say(task *corolla.Task, speaker *aio.Conn, listeners []*aio.Conn, number int) error {
	line := fmt.Sprintf("%0*d\n", message-1, number)
	if _, err := speaker.Write(task, []byte(line)); err != nil {
		return err
	}
	for i, c := range listeners {
		if got, err := c.ReadUntil(task, []byte("\n")); string(got) != line || err != nil {
			return fmt.Errorf("client %d hears %q instead of message %d: %w", i, got, number, err)
		}
	}
	return nil
}
