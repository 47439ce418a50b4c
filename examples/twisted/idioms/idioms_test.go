package idioms_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/corolla-go/corolla"
	"github.com/corolla-go/corolla/corollatest"
	"github.com/corolla-go/corolla/deferred"
	"github.com/corolla-go/corolla/sim"
	"github.com/corolla-go/corolla/transport"
	"github.com/corolla-go/corolla/transport/framing"
)

func TestMain(m *testing.M) { corollatest.Main(m) }

// run runs main on a simulated loop, as corolla.Main does on a real one.
func run(main func(t *corolla.Task) error) {
	l := sim.New(1).NewLoop(corolla.ErrorHandler(func(err error) { fmt.Println("reported:", err) }))
	if err := errors.Join(l.Run(main), l.Close()); err != nil {
		fmt.Println(err)
	}
}

// lookup and the others are what the examples have to wait for.
func lookup(l *corolla.Loop, id int) *deferred.Deferred[string] {
	return deferred.Later(l, time.Millisecond, func() (string, error) {
		if id == 0 {
			return "", errors.New("no such row")
		}
		return strconv.Itoa(id * 10), nil
	})
}

// inlineCallbacks: the body runs at once, to its first wait, and an error of what it awaits is returned, not raised.
func Example_inlineCallbacks() {
	run(func(t *corolla.Task) error {
		user := func(id int) *deferred.Deferred[int] {
			return deferred.Go(t.Loop(), func(t *corolla.Task) (int, error) {
				row, err := lookup(t.Loop(), id).Await(t)
				if err != nil {
					return 0, err
				}
				return strconv.Atoi(row)
			})
		}
		for id := range 2 {
			n, err := user(id).AddErrback(func(err error) (int, error) { fmt.Println("failed:", err); return -1, nil }).Await(t)
			fmt.Println(n, err)
		}
		return nil
	})
	// Output:
	// failed: no such row
	// -1 <nil>
	// 10 <nil>
}

// LoopingCall, and what three wrappers of it exist for: an error ends it, is reported, and it starts again.
func Example_loopingCall() {
	run(func(t *corolla.Task) error {
		l, calls := t.Loop(), 0
		poll := deferred.NewLoopingCall(l, func(n int) error {
			if calls++; calls == 2 {
				return errors.New("not this time")
			}
			fmt.Println(l.Now().Round(time.Second), "poll")
			return nil
		})
		var start func()
		start = func() {
			poll.Start(5 * time.Second).AddErrback(func(err error) (struct{}, error) {
				l.Report(err)
				l.After(10*time.Second, start)
				return struct{}{}, nil
			})
		}
		start()
		if err := t.Sleep(22 * time.Second); err != nil {
			return err
		}
		poll.Stop()
		return nil
	})
	// Output:
	// 0s poll
	// reported: not this time
	// 15s poll
	// 20s poll
}

// deferToThread: what blocks runs elsewhere, and its result comes back to the loop.
func Example_deferToThread() {
	run(func(t *corolla.Task) error {
		d := deferred.FromFuture(corolla.Offload(t.Loop(), func() (int, error) { return len("something slow"), nil }))
		d.AddCallback(func(n int) (int, error) { fmt.Println("on the loop again:", n); return n, nil })
		_, err := d.Await(t)
		return err
	})
	// Output: on the loop again: 14
}

// client has requests under way, by number.
type client struct {
	loop    *corolla.Loop
	waiting map[int]*deferred.Deferred[string]
	last    int
}

func (c *client) Request(key string) *deferred.Deferred[string] {
	c.last++
	id := c.last
	d := deferred.NewCancelable(c.loop, func(*deferred.Deferred[string], error) { delete(c.waiting, id) })
	c.waiting[id] = d
	return d
}

// A request with a timeout, which cancels it: nothing of it is kept.
func Example_addTimeout() {
	run(func(t *corolla.Task) error {
		c := &client{t.Loop(), map[int]*deferred.Deferred[string]{}, 0}
		d := c.Request("key").AddTimeout(2 * time.Second).AddErrback(func(err error) (string, error) {
			fmt.Println(err)
			return "what the cache has", nil
		})
		answer, err := d.Await(t)
		fmt.Println(answer, err, len(c.waiting))
		return nil
	})
	// Output:
	// timed out after 2s
	// what the cache has <nil> 0
}

// gatherResults under a DeferredSemaphore: all pages, two at a time.
func Example_gatherResults() {
	run(func(t *corolla.Task) error {
		l, sem := t.Loop(), deferred.NewSemaphore(t.Loop(), 2)
		get := func(url string) *deferred.Deferred[string] {
			return deferred.Later(l, time.Second, func() (string, error) { return "page " + url, nil })
		}
		var pages []*deferred.Deferred[string]
		for _, url := range []string{"a", "b", "c", "d", "e"} {
			pages = append(pages, deferred.Run(sem, func() *deferred.Deferred[string] { return get(url) }))
		}
		all, err := deferred.Gather(l, pages).Await(t)
		fmt.Println(all, err, "in", l.Now().Round(time.Second))
		return nil
	})
	// Output: [page a page b page c page d page e] <nil> in 3s
}

// echo says what it hears.
type echo struct{}

func (echo) Opened(*transport.Receiver)              {}
func (echo) Message(r *transport.Receiver, m []byte) { _ = r.WriteBatch(m, []byte("\r\n")) }
func (echo) Closed(*transport.Receiver, error)       {}

// printer prints what it hears, and then ends.
type printer struct{}

func (printer) Opened(r *transport.Receiver)            { _ = r.Write([]byte("hello\r\n")) }
func (printer) Message(r *transport.Receiver, m []byte) { fmt.Printf("%s\n", m); r.Close() }
func (printer) Closed(*transport.Receiver, error)       {}

func lines(h transport.MessageHandler) transport.Protocol {
	return transport.NewReceiver(&framing.Lines{}, h)
}

// serverFromString and clientFromString: where to listen is up to the configuration, as are limits to the program.
func Example_serverFromString() {
	run(func(t *corolla.Task) error {
		e, err := transport.ParseEndpoint("tcp:8000:interface=127.0.0.1:backlog=50")
		if err != nil {
			return err
		}
		build := func(*transport.Conn) transport.Protocol { return lines(echo{}) }
		srv, err := e.Listen(t.Loop(), build, transport.MaxConns(1000), transport.MaxPerPeer(5),
			transport.Options(corolla.IdleTimeout(time.Minute), corolla.Throttle(1<<20, 1<<20)))
		if err != nil {
			return err
		}
		defer srv.Close()
		to, err := transport.ParseEndpoint("tcp:127.0.0.1:8000:timeout=10")
		if err != nil {
			return err
		}
		if _, err := to.Connect(t.Loop(), lines(printer{})).Await(t); err != nil {
			return err
		}
		return t.Sleep(time.Second)
	})
	// Output: hello
}

// The reactor in a thread of its own, and another that calls in: callFromThread and blockingCallFromThread.
func Example_callFromThread() {
	l, err := corolla.New()
	if errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("1 listener, 41")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	over := make(chan error)
	go func() { over <- l.RunForever() }()

	listeners := 0
	l.Post(func() { listeners++ })
	n, err := corolla.Call(context.Background(), l, func(t *corolla.Task) (int, error) { return 40 + listeners, t.Yield() })
	if err != nil {
		fmt.Println(err)
	}
	l.Stop()
	if err := errors.Join(<-over, l.Close()); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%d listener, %d\n", listeners, n)
	// Output: 1 listener, 41
}
