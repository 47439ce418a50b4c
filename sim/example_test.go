package sim_test

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/aio"
	"github.com/corolla-go/corolla/sim"
)

func Example() {
	w := sim.New(1, sim.Latency(time.Millisecond, time.Millisecond))
	l := w.NewLoop()
	defer l.Close()
	err := l.Run(func(t *corolla.Task) error {
		fmt.Println(l.Time())
		if err := t.Sleep(24 * time.Hour); err != nil {
			return err
		}
		_, err := l.Dial("tcp", "127.0.0.1:80").Await(t)
		fmt.Println(l.Time(), err)
		return t.Park("what never comes")
	})
	fmt.Println("deadlock:", err != nil)
	// Output:
	// 2009-11-10 23:00:00 +0000 UTC
	// 2009-11-11 23:00:00.002 +0000 UTC dial 127.0.0.1:80: connection refused
	// deadlock: true
}

// A server that answers, and a client that comes back when the server has crashed.
func Example_hosts() {
	w := sim.New(1)
	defer w.Close()
	w.Host("server").Start(func(t *corolla.Task) error {
		ln, err := aio.Listen(t.Loop(), "tcp", ":80")
		if err != nil {
			return err
		}
		defer ln.Close()
		for {
			c, err := ln.Accept(t)
			if err != nil {
				return err
			}
			_, err = c.Write(t, []byte("hello"))
			if err := errors.Join(err, c.Close()); err != nil {
				return err
			}
		}
	})
	w.Inject(sim.Fault{Kind: sim.Crash, Host: "server", At: time.Second, For: 5 * time.Second})
	err := w.Host("client").Run(func(t *corolla.Task) error {
		for range 3 {
			var said []byte
			c, err := aio.Dial(t, "tcp", "server:80")
			if err == nil {
				said, err = io.ReadAll(c.Bind(t))
				err = errors.Join(err, c.Close())
			}
			fmt.Printf("%v: %q %v\n", w.Now().Round(time.Second), said, err)
			if err := t.Sleep(4 * time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// 0s: "hello" <nil>
	// 4s: "" dial 10.0.0.1:80: connection refused
	// 8s: "hello" <nil>
	// <nil>
}

// What happens in a World can be followed by a program, such as one that draws it.
func ExampleWorld_Observe() {
	w := sim.New(1)
	w.Observe(func(e sim.Event) {
		if e.Kind != sim.Call {
			fmt.Printf("%v %s: %s\n", e.Time, e.Host, e.Kind)
		}
	})
	w.Host("a").Start(func(t *corolla.Task) error { return t.Sleep(4 * time.Second) })
	fault, err := sim.ParseFault("power-loss at=2s for=1s host=a")
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Inject(fault)
	fmt.Println(w.Run())
	// Output:
	// 0s a: start
	// 2s a: fault
	// 2s a: crash
	// 3s a: start
	// 3s a: start
	// 7s a: end
	// <nil>
}

// A program that only keeps its heartbeat going is over at some time, too.
func ExampleWorld_RunUntil() {
	w := sim.New(1)
	defer w.Close()
	w.Host("a").Start(func(t *corolla.Task) error {
		for {
			if err := t.Sleep(time.Second); err != nil {
				return err
			}
		}
	})
	err := w.RunUntil(func() bool { return false }, time.Minute)
	var limit *sim.LimitError
	fmt.Println(errors.As(err, &limit), limit.At, limit.Hosts[0].Host, len(limit.Hosts[0].Tasks))
	// Output: true 1m0s a 1
}
